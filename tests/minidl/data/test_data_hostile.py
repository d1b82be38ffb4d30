"""Files that would block, fill the memory, or be something else: refused by name."""

import bz2
import io
import lzma
import os
import re
import socket
import struct
import sys
import tarfile
import threading
import tracemalloc
import zipfile

import numpy as np
import pytest

from minidl.data import cache, load_cifar10, load_mnist
from minidl.data.cifar import read_batches
from minidl.data.npz import read_npz
from minidl.npy import array_of
from tests.minidl.data.synthetic_data import (
    cifar_members,
    idx_contents,
    images_and_labels,
    npz_arrays,
    npz_bytes,
    publish_idx,
    tar_bytes,
    write_files,
    zipped,
)

IMAGES = "train-images-idx3-ubyte.gz"
BATCH = "cifar-10-batches-bin/data_batch_1.bin"
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
def test_no_file_in_place_of_a_file(monkeypatch, data_dir, kind, load, name):
    if kind is an_unreadable_file and not os.path.exists("/proc/self/mem"):
        pytest.skip("there is no /proc")
    _, files = publish_idx(monkeypatch, "mnist", 0)
    write_files(data_dir, {n: c for n, c in files.items() if "labels" not in n})
    path = data_dir / name
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    kind(path)
    error = within(60, load)
    assert type(error) is ValueError
    assert re.search(
        "regular file|cannot be read|at most|damaged|no data_b", str(error)
    )
    assert "\n" not in str(error)
    assert path.name in str(error) or "no data_batch" in str(error)


@POSIX
@pytest.mark.parametrize("file", ["facts.json", "images.npy"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_file_in_place_of_a_cached_file(
    monkeypatch, data_dir, cache_dir, file, kind
):
    arrays, files = publish_idx(monkeypatch, "mnist", 0)
    write_files(data_dir, files)
    load_mnist()
    [entry] = (cache_dir / "decoded").glob(f"mnist-{IMAGES}-*")
    (entry / file).unlink()
    kind(entry / file)
    assert np.array_equal(within(60, load_mnist).x_train, arrays[0])
    assert (entry / file).is_file()
    assert not (entry / file).is_symlink()


@POSIX
def test_a_fifo_among_the_downloads_is_replaced(monkeypatch, cache_dir):
    arrays, files = publish_idx(monkeypatch, "mnist", 0)
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


def test_a_folder_in_place_of_a_download_is_refused(monkeypatch, cache_dir):
    publish_idx(monkeypatch, "mnist", 0)
    (cache_dir / "mnist" / IMAGES).mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=rf"{IMAGES} is a folder\)"):
        load_mnist()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "some-file"


def test_a_file_that_changes_while_it_is_read(monkeypatch, data_dir):
    _, files = publish_idx(monkeypatch, "mnist", 0)
    write_files(data_dir, files)
    other = zipped(idx_contents(images_and_labels(5))[IMAGES[:-3]])
    key = cache._key

    def changing(source, files):
        found = key(source, files)
        (data_dir / IMAGES).write_bytes(other)
        return found

    monkeypatch.setattr(cache, "_key", changing)
    with pytest.raises(ValueError, match=f"{IMAGES}: changed while it was read"):
        load_mnist()


def header(text, version=b"\x01\x00"):
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text.encode()


NPY = {
    "10^13 numbers": header(
        "{'descr': '|u1', 'fortran_order': False, 'shape': (10000000000000,)}"
    ),
    "less than nothing": header(
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, -8)}"
    ),
    "nested": header("(" * 9000),
    "nested lists": header("[" * 150 + "]" * 150),
    "objects": header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
    "types without end": header(
        "{'descr': " + "[('a'," * 90 + "'u1'" + ")]" * 90 + ", 'fortran_order': False, "
        "'shape': (8,)}"
    ),
    "no size": header("{'descr': '|V0', 'fortran_order': False, 'shape': (8,)}"),
    "a long header": header(" " * 60_000),
    "another version": header("{}", b"\x09\x00"),
    "no header": b"",
}


@pytest.mark.parametrize("start", NPY.values(), ids=NPY)
def test_headers_of_npy(file, start):
    with zipfile.ZipFile(file, "w") as archive:
        for name in npz_arrays():
            archive.writestr(f"{name}.npy", start + bytes(8))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"^[^\n]*some-file: [^\n]*$"):
        read_npz(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (2, 0, 3)])
def test_arrays_are_read_as_numpy_does(order, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).copy(order)
    buffer = io.BytesIO()
    np.save(buffer, array)
    found = array_of(buffer.getvalue())
    assert np.array_equal(found, array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)


def hiding(method):
    """An archive of which one member has 1 MB, but 20 kB by the directory."""
    bits = np.random.default_rng(0).integers(0, 2, 1_000_000, np.uint8)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        with archive.open("x_train.npy", "w") as member:
            member.write(bits)
        for name, array in npz_arrays().items():
            if name != "x_train":
                with archive.open(f"{name}.npy", "w") as member:
                    np.save(member, array)
    content = bytearray(buffer.getvalue())
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", 20_000)
    return content


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2]
)
def test_a_member_that_hides_its_size(file, monkeypatch, method):
    # A small window, so that the memory is that of what is unpacked.
    properties = lzma._encode_filter_properties
    small = {"dict_size": 4096, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC3}
    monkeypatch.setattr(
        lzma, "_encode_filter_properties", lambda f: properties(f | small)
    )
    file.write_bytes(hiding(method))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"some-file: (damaged|compressed)"):
        read_npz(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 700_000


def test_a_directory_without_end(file):
    """Each of its entries is the same, and takes 50 bytes; zipfile would read all."""
    content = npz_bytes({"x": np.zeros(0)})
    first, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    directory = content[first:end] * 30_000
    size = struct.pack("<I", len(directory))
    file.write_bytes(
        content[:first] + directory + content[end : end + 12] + size + content[-6:]
    )
    assert len(zipfile.ZipFile(file).infolist()) == 30_000
    with pytest.raises(ValueError, match=r"some-file: .* too many files"):
        read_npz(file)


def test_two_members_of_one_name(file):
    file.write_bytes(npz_bytes(npz_arrays()))
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(match="Duplicate"):
        archive.writestr("y_test.npy", b"?")
    with pytest.raises(ValueError, match="some-file: two arrays in it have the same"):
        read_npz(file)


@pytest.mark.parametrize(
    "rows",
    [np.array([6]), np.array([-1]), np.array([[0]]), np.array([0.5]), np.arange(9)],
)
def test_rows_of_inexact_images_that_are_none(file, rows):
    file.write_bytes(npz_bytes({**npz_arrays(), "lossy_train_idx": rows}))
    with pytest.raises(ValueError, match="lossy_train_idx should hold row numbers"):
        read_npz(file)


def test_rows_are_counted_once(file):
    twice = {**npz_arrays(), "lossy_train_idx": np.array([1, 4, 4, 1])}
    file.write_bytes(npz_bytes(twice))
    assert read_npz(file)[1] == 3


def sparse():
    """A member of 3 MB whose bytes aren't there: old GNU's sparse format."""
    member = tarfile.TarInfo(BATCH)
    member.type, member.size = tarfile.GNUTYPE_SPARSE, 3073
    return member


def twice(members):
    info = tarfile.TarInfo(BATCH)
    info.size = 0
    return {**members, "again": info}


def long_names(count):
    """Headers each of which only says that the next one's name is long."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 512
    return zipped((info.tobuf() + b"x" * 512) * count, 1)


TARS = {
    "sparse": (tar_bytes({**cifar_members(), BATCH: sparse()}), "should be a plain"),
    "twice": (tar_bytes(twice(cifar_members())), "data_batch_1 is in it twice"),
    "many": (
        tar_bytes({**dict.fromkeys(map(str, range(999)), b""), **cifar_members()}),
        "more than 100 files",
    ),
    "absolute": (
        tar_bytes({f"/{n}": c for n, c in cifar_members().items()}),
        "no data_batch_1, .* test_batch in it",
    ),
    "upwards": (
        tar_bytes({f"../{n}": c for n, c in cifar_members().items()}),
        "no data_batch_1, .* test_batch in it",
    ),
    "an archive in it": (
        tar_bytes({"cifar-10-binary.tar.gz": tar_bytes(cifar_members())}),
        "no data_batch_1, .* test_batch in it",
    ),
    "names without end": (long_names(3000), "damaged"),
    "bzip2": (bz2.compress(b"?"), "damaged"),
    "xz": (lzma.compress(b"?"), "damaged"),
    "zip": (npz_bytes(npz_arrays()), "damaged"),
    "text": (b"<html>404 Not Found</html>" * 99, "damaged"),
    "nothing": (b"", "damaged"),
}


@pytest.mark.parametrize(("content", "reason"), TARS.values(), ids=TARS)
def test_absurd_archives(file, content, reason):
    file.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^[^\n]*some-file: [^\n]*{reason}[^\n]*$"):
        read_batches(file)


@pytest.mark.parametrize("setting", ["~nobody-of-this-name", "x" * 5000, "/dev/null"])
def test_data_folders_that_are_none(monkeypatch, setting):
    monkeypatch.setenv("MINIDL_DATA", setting)
    with pytest.raises(FileNotFoundError, match=r"^MINIDL_DATA='.*' is not a folder$"):
        load_mnist()


def test_a_data_folder_of_others(monkeypatch, data_dir):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(FileNotFoundError, match=r"^MINIDL_DATA='.*' may not be read$"):
        load_mnist()


NO_CACHE = {
    "unknown user": ("MINIDL_CACHE", "~nobody-of-this-name"),
    "no folder": ("MINIDL_CACHE", "/dev/null/cache"),
    "a long name": ("MINIDL_CACHE", "/" + "x" * 5000),
    "no home": ("HOME", None),
}


@pytest.mark.parametrize(("name", "setting"), NO_CACHE.values(), ids=NO_CACHE)
def test_data_are_loaded_without_a_cache(monkeypatch, data_dir, name, setting):
    if setting is None:
        monkeypatch.delenv("MINIDL_CACHE")
        monkeypatch.setattr("pooch.os_cache", homeless)
    else:
        monkeypatch.setenv(name, setting)
    arrays, files = publish_idx(monkeypatch, "mnist", 0)
    write_files(data_dir, files)
    with pytest.warns(UserWarning, match="decoded data can't be kept") as caught:
        data = load_mnist()
    assert len(caught) == 1
    for found, made in zip(data, arrays, strict=True):
        assert np.array_equal(found, made)
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
        cache.cache_folder()


def homeless(name):
    raise RuntimeError("could not determine the home directory")


@pytest.mark.parametrize("where", ["x_train", "y_train", "x_test", "y_test"])
def test_changing_what_was_loaded_changes_nothing_else(monkeypatch, data_dir, where):
    arrays, files = publish_idx(monkeypatch, "mnist", 0)
    write_files(data_dir, files)
    array = getattr(load_mnist(), where)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1
    try:
        array.flags.writeable = True
    except ValueError:
        pass  # mapped
    else:
        array[:] = 1
    for found, made in zip(load_mnist(), arrays, strict=True):
        assert np.array_equal(found, made)
