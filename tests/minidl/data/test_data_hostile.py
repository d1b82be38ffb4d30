"""Pipes, devices and folders in place of a file are refused by name, at once."""

import os
import re
import socket
import sys
import threading

import numpy as np
import pytest

from minidl.data import files, load_cifar10, load_mnist, places
from tests.minidl.data.synthetic_data import (
    cifar_members,
    idx_contents,
    images_and_labels,
    write_files,
    zipped,
)

IMAGES = "train-images-idx3-ubyte.gz"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")


def within(seconds, function):
    """Call a function that might never return; return its exception or value."""
    found = []

    def call():
        try:
            found.append(function())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    assert found, f"no answer within {seconds} s"
    return found[0]


def a_fifo(path):
    os.mkfifo(path)


def a_socket(path):
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path.name)
    os.chdir(here)


def a_device(path):
    path.symlink_to("/dev/zero")


def an_unreadable_file(path):
    path.symlink_to("/proc/self/mem")


def a_huge_file(path):
    path.touch()
    os.truncate(path, 10**12)


KINDS = [a_fifo, a_socket, a_device, an_unreadable_file, a_huge_file]


@POSIX
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("load", "name"),
    [
        (load_mnist, IMAGES),
        (load_mnist, "train-labels.idx1-ubyte"),
        (load_cifar10, "cifar-10-binary.tar.gz"),
        (load_cifar10, "cifar10.npz"),
        (load_cifar10, "data_batch_1"),
        (load_cifar10, "cifar-10-batches-bin/test_batch.bin"),
    ],
)
def test_no_file_in_place_of_a_file(mnist, data_dir, kind, load, name):
    if kind is an_unreadable_file and not os.path.exists("/proc/self/mem"):
        pytest.skip("there is no /proc")
    write_files(data_dir, {n: c for n, c in mnist[1].items() if "labels" not in n})
    path = data_dir / name
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    kind(path)
    error = within(60, load)
    assert type(error) is ValueError
    reason = "regular file|cannot be read|at most|damaged|no data_b"
    assert re.search(reason, str(error))
    assert "\n" not in str(error)
    assert path.name in str(error) or "no data_batch" in str(error)


@POSIX
@pytest.mark.usefixtures("cifar10")
@pytest.mark.parametrize("kind", KINDS)
def test_no_file_in_place_of_the_cache(data_dir, cache_dir, new_process, kind):
    write_files(data_dir, cifar_members())
    kept = cache_dir / "decoded" / "cifar10.npz"
    kept.parent.mkdir(parents=True)
    kind(kept)
    expected = cifar_members()["cifar-10-batches-bin/test_batch.bin"][0]
    assert within(60, load_cifar10).y_test[0] == expected
    assert kept.is_file()
    assert not kept.is_symlink()


@POSIX
@pytest.mark.usefixtures("network")
def test_a_fifo_among_the_downloads_is_replaced(monkeypatch, mnist, cache_dir):
    arrays, files = mnist
    write_files(cache_dir / "mnist", files)
    (cache_dir / "mnist" / IMAGES).unlink()
    os.mkfifo(cache_dir / "mnist" / IMAGES)

    class Downloader:
        def __init__(self, **options):
            pass

        def __call__(self, url, file, pooch):
            file.write(files[IMAGES])

    monkeypatch.setattr("pooch.HTTPDownloader", Downloader)
    with pytest.warns(UserWarning, match="regular file; skipped"):
        data = within(60, load_mnist)
    assert np.array_equal(data.x_train, arrays[0])


@pytest.mark.usefixtures("mnist", "network")
def test_a_folder_in_place_of_a_download_is_refused(cache_dir):
    (cache_dir / "mnist" / IMAGES).mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=rf"{IMAGES} is a folder\)"):
        load_mnist()


def test_a_file_that_changes_while_it_is_read(monkeypatch, mnist, data_dir):
    write_files(data_dir, mnist[1])
    other = zipped(idx_contents(images_and_labels(5))[IMAGES[:-3]])
    read = files.read_idx

    def changing(path, images):
        found = read(path, images)
        (data_dir / IMAGES).write_bytes(other)
        return found

    monkeypatch.setattr(files, "read_idx", changing)
    with pytest.raises(ValueError, match=f"{IMAGES}: changed while it was read"):
        load_mnist()


@pytest.mark.parametrize("setting", ["~nobody-of-this-name", "x" * 5000, "/dev/null"])
def test_data_folders_that_are_none(monkeypatch, setting):
    monkeypatch.setenv("MINIDL_DATA", setting)
    with pytest.raises(FileNotFoundError, match=r"^MINIDL_DATA='.*' is not a folder$"):
        load_mnist()


def test_a_data_folder_of_others(monkeypatch, data_dir):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(FileNotFoundError, match=r"^MINIDL_DATA='.*' may not be read$"):
        load_mnist()


def homeless(name):
    raise RuntimeError("could not determine the home directory")


NO_CACHE = {
    "unknown user": "~nobody-of-this-name",
    "no folder": "/dev/null/cache",
    "a long name": "/" + "x" * 5000,
    "no home": None,
}


@pytest.mark.usefixtures("cifar10", "network")
@pytest.mark.parametrize("setting", NO_CACHE.values(), ids=NO_CACHE)
def test_data_are_loaded_without_a_cache(monkeypatch, data_dir, mnist, setting):
    if setting is None:
        monkeypatch.delenv("MINIDL_CACHE")
        monkeypatch.setattr("pooch.os_cache", homeless)
    else:
        monkeypatch.setenv("MINIDL_CACHE", setting)
    write_files(data_dir, {**mnist[1], **cifar_members()})
    for found, made in zip(load_mnist(), mnist[0], strict=True):
        assert np.array_equal(found, made)
    with pytest.warns(UserWarning, match="decoded data can't be kept") as caught:
        data, _ = load_cifar10(), load_cifar10()
    assert [str(warning.message).count("\n") for warning in caught] == [0]
    assert len(data.x_train) == 15
    (data_dir / IMAGES).unlink()
    with pytest.raises(FileNotFoundError) as error:
        load_mnist()
    assert "\n" not in str(error.value)
    assert f"{IMAGES} " in str(error.value)


@pytest.mark.parametrize("answer", [None, "~/.cache/minidl"])
def test_a_user_without_a_home(monkeypatch, answer):
    monkeypatch.delenv("MINIDL_CACHE")
    monkeypatch.setattr("pooch.os_cache", lambda name: answer or homeless(name))
    with pytest.raises(
        FileNotFoundError, match=r"no cache folder is known .*: set MINIDL_CACHE"
    ):
        places.cache_folder()
