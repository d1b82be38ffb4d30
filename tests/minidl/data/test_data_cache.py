"""Decoded data are cached: never stale, and never an obstacle."""

import multiprocessing
import os
import sys

import numpy as np
import pytest

from minidl.data import files, load_cifar10, load_mnist
from tests.minidl.data.synthetic_data import (
    BATCHES,
    cifar_batch,
    cifar_members,
    idx_contents,
    images_and_labels,
    tree,
    write_files,
)

IMAGES = "train-images-idx3-ubyte"


@pytest.fixture
def decoded(monkeypatch):
    """The names of what was decoded so far."""
    names = []
    decode = files._decode

    def counting(published, path, stamps):
        names.append(path.name)
        return decode(published, path, stamps)

    monkeypatch.setattr(files, "_decode", counting)
    return names


@pytest.fixture
def batches(cifar10, data_dir):
    """A made-up CIFAR-10 in MINIDL_DATA; how often each load decodes it."""
    write_files(data_dir, cifar_members(""))
    return [data_dir / f"{name}.bin" for name in BATCHES]


def labels(data):
    return [*data.y_train.tolist(), *data.y_test.tolist()]


def test_a_second_load_decodes_nothing(batches, mnist, data_dir, decoded, new_process):
    write_files(data_dir, mnist[1])
    for expected in (5, 5):
        load_mnist()
        first = load_cifar10()
        assert len(decoded) == expected
    new_process()
    second = load_cifar10()
    assert len(decoded) == 5
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    load_mnist()  # in a fraction of a second
    assert len(decoded) == 9


def touch(path):
    """A change of time alone."""
    about = path.stat()
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns + 1))


def enlarge(path):
    """A change of size alone."""
    about = path.stat()
    path.write_bytes(cifar_batch(0, count=4))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def replace(path):
    """Other content of the same size and time."""
    about = path.stat()
    path.write_bytes(cifar_batch(9))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


@pytest.mark.filterwarnings("ignore:.*published")
@pytest.mark.parametrize("again", [True, False], ids=["new process", "same process"])
@pytest.mark.parametrize("change", [touch, enlarge, replace])
def test_a_changed_source_is_decoded_anew(batches, decoded, new_process, change, again):
    if change is replace and sys.platform == "win32":
        pytest.skip("no time of change there")
    load_cifar10()
    change(batches[0])
    if again:
        new_process()
    content = b"".join(path.read_bytes() for path in batches)
    assert labels(load_cifar10()) == [*content[::3073]]
    assert len(decoded) == 2


def test_a_changed_idx_file_is_decoded_anew(mnist, data_dir, decoded):
    write_files(data_dir, idx_contents(mnist[0]))
    load_mnist()
    arrays = images_and_labels(seed=9)
    write_files(data_dir, {IMAGES: idx_contents(arrays)[IMAGES]})
    with pytest.warns(UserWarning, match="is not the published file"):
        assert np.array_equal(load_mnist().x_train, arrays[0])
    assert decoded[4:] == [IMAGES]


def test_a_full_disk_leaves_no_debris(batches, cache_dir, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        assert labels(load_cifar10())[-1] < 10
    assert tree(cache_dir) == []


def test_what_a_killed_process_left_is_removed(batches, cache_dir):
    leftover = cache_dir / "decoded" / f".cifar10.npz.{16 * '0'}.minidl"
    write_files(leftover.parent, {leftover.name: b"half"})
    os.utime(leftover, (0, 0))
    load_cifar10()
    assert tree(cache_dir) == ["decoded/cifar10.npz"]


def load_in_process(folder, cache, barrier, results):
    os.environ |= {"MINIDL_DATA": str(folder), "MINIDL_CACHE": str(cache)}
    barrier.wait(300)
    results.put(labels(load_cifar10()))


def test_two_processes_at_once(batches, data_dir, cache_dir):
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(2), spawn.Queue()
    arguments = (data_dir, cache_dir, barrier, results)
    workers = [spawn.Process(target=load_in_process, args=arguments) for _ in "ab"]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=300) for _ in workers]
    for worker in workers:
        worker.join(300)
    content = b"".join(path.read_bytes() for path in batches)
    assert found == [[*content[::3073]]] * 2
    assert tree(cache_dir) == ["decoded/cifar10.npz"]
