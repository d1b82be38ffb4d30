"""The cache of decoded arrays: fast, never stale, and never in the way."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
import warnings
import zlib
from types import SimpleNamespace

import numpy as np
import pytest

from minidl.data import cache, files, load_mnist
from tests.minidl.data.synthetic_data import (
    idx_contents,
    images_and_labels,
    publish_idx,
    tree,
    write_files,
)

IMAGES = "train-images-idx3-ubyte.gz"


@pytest.fixture
def mnist(monkeypatch, data_dir):
    """A made-up MNIST, published and lying in MINIDL_DATA."""
    arrays, contents = publish_idx(monkeypatch, "mnist", 0)
    write_files(data_dir, contents)
    return arrays


@pytest.fixture
def decodings(monkeypatch):
    """The paths that were decoded so far."""
    paths = []
    decode = files._decode

    def counting(dataset, published, path):
        paths.append(path.name)
        return decode(dataset, published, path)

    monkeypatch.setattr(files, "_decode", counting)
    return paths


def entry_of(cache_dir, name=IMAGES):
    [entry] = (cache_dir / "decoded").glob(f"mnist-{name}-*")
    return entry


def is_mapped(array):
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    return array is not None


def test_second_load_decodes_nothing(mnist, decodings):
    first = load_mnist()
    assert len(decodings) == 4
    second = load_mnist()
    assert len(decodings) == 4
    for a, b, made in zip(first, second, mnist, strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a, made)


def test_images_are_mapped_and_everything_is_read_only(mnist):
    data = load_mnist()
    for images in (data.x_train, data.x_test):
        assert type(images) is np.ndarray
        assert is_mapped(images)
        assert images.dtype == np.uint8
    for labels in (data.y_train, data.y_test):
        assert labels.dtype == np.int64
    for array in data:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_changed_source_is_decoded_anew(mnist, decodings, data_dir, cache_dir):
    load_mnist()
    arrays = images_and_labels(seed=9)
    bare = idx_contents(arrays)[IMAGES[:-3]]
    (data_dir / IMAGES).write_bytes(bare)
    with pytest.warns(UserWarning, match="is not the published file"):
        data = load_mnist()
    assert np.array_equal(data.x_train, arrays[0])
    assert decodings[4:] == [IMAGES]
    assert len(list((cache_dir / "decoded").iterdir())) == 4


def test_a_change_of_time_alone_counts_as_a_change(mnist, decodings, data_dir):
    load_mnist()
    stat = (data_dir / IMAGES).stat()
    os.utime(data_dir / IMAGES, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    load_mnist()
    assert decodings[4:] == [IMAGES]


def test_a_change_of_size_alone_counts_as_a_change(mnist, decodings, data_dir):
    load_mnist()
    stat = (data_dir / IMAGES).stat()
    with (data_dir / IMAGES).open("ab") as file:
        file.write(b"\0")  # gzip allows zeros behind its end
    os.utime(data_dir / IMAGES, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    load_mnist()
    assert decodings[4:] == [IMAGES]


@pytest.mark.skipif(sys.platform == "win32", reason="no time of change there")
def test_other_content_of_the_same_size_and_time_counts_as_a_change(
    mnist, decodings, data_dir
):
    bare = data_dir / IMAGES[:-3]
    (data_dir / IMAGES).unlink()
    bare.write_bytes(idx_contents(mnist)[bare.name])
    stat = bare.stat()
    load_mnist()
    arrays = images_and_labels(seed=9)
    bare.write_bytes(idx_contents(arrays)[bare.name])
    os.utime(bare, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.warns(UserWarning, match="is not the published file"):
        data = load_mnist()
    assert np.array_equal(data.x_train, arrays[0])


def spoil_header(entry):
    content = (entry / "images.npy").read_bytes()
    (entry / "images.npy").write_bytes(content[:10] + b"(" * 9 + content[19:])


def truncate(entry):
    path = entry / "images.npy"
    os.truncate(path, path.stat().st_size - 1)


def flip(entry):
    content = bytearray((entry / "images.npy").read_bytes())
    content[-1] ^= 1
    (entry / "images.npy").write_bytes(content)


def pickled(entry):
    np.save(entry / "images.npy", np.array([{}], object), allow_pickle=True)


def other_type(entry):
    np.save(entry / "images.npy", np.load(entry / "images.npy").view(np.int8))


def facts(text):
    return lambda entry: (entry / "facts.json").write_text(text)


def without_note(entry):
    known = json.loads((entry / "facts.json").read_text())
    del known["note"]
    (entry / "facts.json").write_text(json.dumps(known))


DAMAGES = {
    "truncated": truncate,
    "flipped bit": flip,
    "header": spoil_header,
    "pickle": pickled,
    "other type": other_type,
    "empty array": lambda entry: (entry / "images.npy").write_bytes(b""),
    "no array": lambda entry: (entry / "images.npy").unlink(),
    "no facts": lambda entry: (entry / "facts.json").unlink(),
    "half facts": facts('{"source": {"path"'),
    "other facts": facts("[1, 2]"),
    "null facts": facts("null"),
    "no note": without_note,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_is_rebuilt(mnist, decodings, cache_dir, damage):
    load_mnist()
    damage(entry_of(cache_dir))
    for _ in range(2):
        data = load_mnist()
        assert np.array_equal(data.x_train, mnist[0])
        assert data.x_train.dtype == np.uint8
    assert decodings[4:] == [IMAGES]
    found = sorted(path.name for path in entry_of(cache_dir).iterdir())
    assert found == ["facts.json", "images.npy"]


def test_bytes_are_compared_once_per_process(mnist, monkeypatch):
    compared = []

    def counting(data):
        if isinstance(data, memoryview):  # an array's bytes, not the name of a file
            compared.append(data.nbytes)
        return zlib.crc32(data)

    load_mnist()
    monkeypatch.setattr(cache, "zlib", SimpleNamespace(crc32=counting))
    load_mnist()
    assert compared == []
    monkeypatch.setattr(cache, "_checked", set())  # as in a new process
    load_mnist()
    header = 128
    assert sorted(compared) == [header + n for n in (10, 20, 10 * 784, 20 * 784)]


def test_without_a_writable_folder_it_works_in_memory(
    mnist, decodings, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MINIDL_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.warns(UserWarning, match="decoded data can't be kept") as caught:
        data = load_mnist()
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)
    for found, made in zip(data, mnist, strict=True):
        assert np.array_equal(found, made)
        assert not found.flags.writeable
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_mnist()
    assert len(decodings) == 8


def test_a_full_disk_leaves_no_debris(mnist, cache_dir, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        data = load_mnist()
    assert np.array_equal(data.x_train, mnist[0])
    assert tree(cache_dir) == []


def test_the_note_is_repeated_by_the_next_process(mnist, data_dir, monkeypatch):
    bare = idx_contents(images_and_labels(seed=9))[IMAGES[:-3]]
    (data_dir / IMAGES).write_bytes(bare)
    with pytest.warns(UserWarning, match=f"{IMAGES} is not the published file"):
        load_mnist()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_mnist()
    monkeypatch.setattr(cache, "_warned", set())  # as in a new process
    with pytest.warns(UserWarning, match=f"{IMAGES} is not the published file"):
        load_mnist()


def decode_slowly(path):
    time.sleep(0.3)  # so that both processes are at work at the same time
    return cache.Decoded({"images": np.arange(5000, dtype=np.uint8) % 7}, "")


def load_in_process(source, cache_dir, barrier, results):
    os.environ["MINIDL_CACHE"] = str(cache_dir)
    barrier.wait(300)
    array = cache.decoded("mnist", source, [source], decode_slowly).arrays["images"]
    results.put((int(array.sum()), is_mapped(array)))


def test_two_processes_at_once(tmp_path, cache_dir):
    source = tmp_path / "source"
    source.write_bytes(b"anything")
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(2), spawn.Queue()
    arguments = (source, cache_dir, barrier, results)
    workers = [spawn.Process(target=load_in_process, args=arguments) for _ in "ab"]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=300) for _ in workers]
    for worker in workers:
        worker.join(300)
    total = int((np.arange(5000, dtype=np.uint8) % 7).sum())
    assert found == [(total, True)] * 2
    assert len(list((cache_dir / "decoded").iterdir())) == 1


def test_an_entry_that_appears_meanwhile_is_used(tmp_path, cache_dir):
    source = tmp_path / "source"
    source.write_bytes(b"anything")
    first = cache.Decoded({"images": np.zeros(9, np.uint8)}, "")
    folders = []

    def overtaken(path):
        cache.decoded("mnist", source, [source], lambda path: first)
        folders.extend(path.stat().st_ino for path in (cache_dir / "decoded").iterdir())
        return cache.Decoded({"images": np.zeros(9, np.uint8)}, "")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cache.decoded("mnist", source, [source], overtaken).arrays["images"]
    assert is_mapped(found)
    kept = [path.stat().st_ino for path in (cache_dir / "decoded").iterdir()]
    assert kept == folders


def test_what_a_killed_process_left_is_removed_by_the_next_builder(mnist, cache_dir):
    load_mnist()
    entry = entry_of(cache_dir)
    (entry / "facts.json").unlink()  # it was killed before it was done
    leftover = entry / f".images.npy.{16 * '0'}"
    leftover.write_bytes(b"half")
    os.utime(leftover, (0, 0))
    load_mnist()
    assert sorted(os.listdir(entry)) == ["facts.json", "images.npy"]


def test_every_file_is_on_the_disk_before_it_is_in_place(mnist, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(number))
    load_mnist()
    assert len(synced) == 8


def test_import_loads_no_downloader():
    code = (
        "import sys, minidl.data\n"
        "slow = {'pooch', 'tqdm', 'requests', 'numba'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
