"""Each format: what was written is read back, and anything else is refused by name."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import tracemalloc
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl.data import CLASS_NAMES, cifar, npz
from minidl.data.cifar import read_batches
from minidl.data.idx import MAX_COUNT, read_idx
from minidl.data.npz import read_npz
from minidl.data.pickled import plain_value
from tests.minidl.data.synthetic_data import (
    cifar_batch,
    cifar_members,
    idx_images,
    idx_labels,
    images_and_labels,
    md5,
    npz_arrays,
    npz_bytes,
    python_batch,
    python_members,
    tar_bytes,
    tree,
    zipped,
)
from tests.minidl.npy_headers import HEADERS

IMAGES, LABELS, *_ = images_and_labels(seed=0)
FOLDER = "cifar-10-batches-bin"
BATCH = f"{FOLDER}/data_batch_1.bin"
PYTHON_BATCH = "cifar-10-batches-py/data_batch_1"


def read_images(path):
    return read_idx(path, images=True)


def read_labels(path):
    return read_idx(path, images=False)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("formats") / "some-file"


@contextmanager
def at_most(peak):
    """The block takes no more bytes of memory."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < peak
    finally:
        tracemalloc.stop()


def assert_refused(read, file, reason, peak=100_000_000):
    with at_most(peak), pytest.raises(ValueError, match=reason):
        read(file)


@given(
    count=st.integers(1, 300),
    seed=st.integers(0, 2**32),
    wrap=st.sampled_from([bytes, zipped]),
)
@settings(deadline=None, max_examples=30)
def test_idx_round_trip(file, count, seed, wrap):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count, np.uint8)
    images = rng.integers(0, 256, (count % 5 + 1, 28, 28, 1), np.uint8)
    for array, content, read in (
        (labels, idx_labels(labels), read_labels),
        (images, idx_images(images), read_images),
    ):
        file.write_bytes(wrap(content))
        found, checksum = read(file)
        assert found.dtype == np.uint8
        assert np.array_equal(found, array)
        assert checksum == md5(content)


def test_batches_are_ordered_by_number_not_by_position(file):
    members = dict(reversed(cifar_members().items()))
    file.write_bytes(tar_bytes({f"{FOLDER}/readme.html": b"hello", **members}))
    assert read_batches(file)[0]["y_train"][0] == members[BATCH][0]


def test_hostile_names_write_nothing(tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    hostile = {"../evil": b"1", f"{tmp_path}/evil": b"2", f"{FOLDER}/../../evil": b"3"}
    (here / "some-file").write_bytes(tar_bytes({**hostile, **cifar_members()}))
    assert len(read_batches(here / "some-file")[0]["x_train"]) == 15
    assert tree(tmp_path) == ["here/some-file"]


# CIFAR-10's own batches.meta, byte for byte: the same program wrote the batches.
META = (
    b"\x80\x02}q\x01(U\x13num_cases_per_batchq\x02M\x10'U\x0blabel_namesq\x03]q\x04("
    b"U\x08airplaneq\x05U\nautomobileq\x06U\x04birdq\x07U\x03catq\x08U\x04deerq\t"
    b"U\x03dogq\nU\x04frogq\x0bU\x05horseq\x0cU\x04shipq\rU\x05truckq\x0ee"
    b"U\x07num_visq\x0fM\x00\x0cu."
)


def test_a_published_pickle():
    assert md5(META) == "5ff9c542aee3614f3951f8cda6e48888"  # as published
    assert plain_value(META) == {
        "num_cases_per_batch": 10_000,
        "label_names": [*CLASS_NAMES["cifar10"]],
        "num_vis": 3072,
    }


def read_with(path, batch):
    """The arrays of an archive whose first batch for Python is this one."""
    path.write_bytes(tar_bytes({**python_members(), PYTHON_BATCH: batch}))
    return read_batches(path)[0]


PICKLED = python_batch(0)
UNPICKLED = pickle.loads(PICKLED, encoding="latin1")


def test_pickle_itself_finds_the_same(file):
    found = plain_value(PICKLED)
    for name in ("filenames", "batch_label", "labels"):
        assert found[name] == UNPICKLED[name]
    arrays = read_with(file, PICKLED)
    assert arrays["y_train"][:3].tolist() == UNPICKLED["labels"]
    planes = UNPICKLED["data"].reshape(3, 3, 32, 32)
    assert np.array_equal(arrays["x_train"][:3], planes.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("key", [str, str.encode], ids=["str", "bytes"])
@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("count", [1, 3])
def test_pickles_of_python_3(file, protocol, key, order, count):
    values = {
        key("labels"): UNPICKLED["labels"][:count],
        key("data"): np.array(UNPICKLED["data"][:count], order=order),
    }
    found = read_with(file, pickle.dumps(values, protocol))
    kept = [*range(count), *range(3, 15)]
    for name, array in read_with(file, PICKLED).items():
        assert np.array_equal(found[name], array[kept] if "train" in name else array)


def damaged(content, position):
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


ANNOUNCED = {
    "no items": (0, b"", "0 items announced, 16 bytes found"),
    "too many items": (MAX_COUNT + 1, bytes(784), "100001 items announced"),
    "all that it can": (2**32 - 1, bytes(784), "4294967295 items announced"),
    "an item less": (2, bytes(784), "2 items announced, 800 bytes found"),
    "an item more": (1, bytes(2 * 784), "1 items announced"),
}
IDX = {
    "labels as images": (read_images, idx_labels(LABELS), "number 2049.*2051 exp"),
    "images as labels": (read_labels, idx_images(IMAGES), "number 2051.*2049 exp"),
    "label 10": (
        read_labels,
        idx_labels(np.array([9, 10], np.uint8)),
        "label 10.*to 9",
    ),
    "gzip's checksum": (
        read_images,
        damaged(zipped(idx_images(IMAGES)), -8),
        "damaged",
    ),
    "gzip's size": (read_images, damaged(zipped(idx_images(IMAGES)), -4), "damaged"),
    "a byte more": (read_labels, idx_labels(LABELS) + b"\x07", "20 items announced"),
    "a byte less": (read_labels, idx_labels(LABELS)[:-1], "20 items announced"),
    "more after gzip": (read_labels, zipped(idx_labels(LABELS)) + b"\x07", "damaged"),
    "half a header": (read_images, idx_images(IMAGES)[:15], "15 bytes are too few"),
    "nothing": (read_labels, b"", "0 bytes are too few"),
    **{
        f"{height}x{width}": (
            read_images,
            idx_images(np.zeros((1, height, width), np.uint8)),
            f"{height}x{width} found, 28x28 expected",
        )
        for height, width in [(27, 28), (28, 29), (14, 56)]
    },
    **{
        name: (read_images, struct.pack(">4I", 2051, count, 28, 28) + rest, reason)
        for name, (count, rest, reason) in ANNOUNCED.items()
    },
}


def with_member(member, name=BATCH):
    return tar_bytes({**cifar_members(), name: member})


def special(kind):
    """A member that is no plain file."""
    member = tarfile.TarInfo(BATCH)
    member.type, member.linkname = kind, f"{FOLDER}/test_batch.bin"
    member.size = 3073 if kind == tarfile.GNUTYPE_SPARSE else 0
    return member


def long_names(count):
    """Headers each of which only says that the next one's name is long."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 512
    return zipped((info.tobuf() + b"x" * 512) * count, 1)


MISSING = {n: c for n, c in cifar_members().items() if "3" not in n.partition("_")[2]}
ALL_MISSING = "no data_batch_1, .* test_batch in it"
TARS = {
    "a batch that is missing": (tar_bytes(MISSING), "no data_batch_3 in it"),
    "a byte less": (with_member(cifar_batch(0)[:-1]), r"data_batch_1\.bin should "),
    "an empty batch": (with_member(b""), r"data_batch_1\.bin should "),
    "10,001 records": (with_member(bytes(3073 * 10_001)), r"data_batch_1\.bin should "),
    "label 10": (with_member(b"\x0a" + bytes(3072)), r"data_batch_1\.bin: label 10"),
    "twice": (with_member(special(tarfile.REGTYPE), "again"), "_1 is in it twice"),
    "absolute": (tar_bytes(cifar_members(f"/{FOLDER}/")), ALL_MISSING),
    "upwards": (tar_bytes(cifar_members(f"../{FOLDER}/")), ALL_MISSING),
    "an archive in it": (
        tar_bytes({"a.tar.gz": tar_bytes(cifar_members())}),
        ALL_MISSING,
    ),
    "many": (
        tar_bytes(dict.fromkeys(map(str, range(999)), b"")),
        "more than 100 files",
    ),
    "names without end": (long_names(3000), "damaged"),
    "bzip2": (bz2.compress(b"?"), "damaged"),
    "xz": (lzma.compress(b"?"), "damaged"),
    "zip": (npz_bytes(npz_arrays()), "damaged"),
    "text": (b"<html>404 Not Found</html>" * 99, "damaged"),
    "nothing": (b"", "damaged"),
    **{
        f"a member of type {kind}": (
            with_member(special(kind)),
            "should be a plain file",
        )
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, b"S")
    },
}


def replaced(old, new):
    assert PICKLED.count(old) == 1
    return PICKLED.replace(old, new)


PICKLES = {
    "code": b"cos\nsystem\n(S'touch evil'\ntR.",
    "code of Python 3": pickle.dumps({"labels": [1], "data": print}),
    "code among the rest": replaced(b"cnumpy\ndtype\n", b"cbuiltins\neval\n"),
    "an instance": b"(ios\nsystem\n.",
    "an object": replaced(b"\x87Rq\t", b"\x87\x81q\t"),
    "an extension": b"\x80\x02\x82\x01.",
    "a reference outside": b"\x80\x02U\x01aQ.",
    "a memo that isn't there": b"h\x07.",
    "an empty stack": b"R.",
    "no mark": b"]e.",
    "a list of itself": b"]q\x00h\x00a.",
    "a key that hashes for ever": b"}(K\x01" + b"q\x00h\x00\x86" * 99 + b"K\x01u.",
    "a name that doubles for ever": (
        b"\x8c\xc9" + b"A" * 201 + b"\x94" + b"h\x00h\x00\x93q\x00" * 20 + b"."
    ),
    "a string of 2 GB": b"T\xff\xff\xff\x7fabc.",
    "a negative string": b"T\xff\xff\xff\xffabc.",
    "no end": PICKLED[:-1],
    "nothing": b"",
    "another type": replaced(b"U\x02u1", b"U\x02i1"),
    "an order that is a number": replaced(b"K\x00tb\x89", b"K\x00tbK\x01"),
    "other shape": replaced(b"M\x03\x00M\x00\x0c", b"M\x04\x00M\x00\x09"),
    "more images than labels": replaced(b"M\x03\x00M\x00\x0c", b"M\x02\x00M\x00\x0c"),
    "fewer labels": pickle.dumps(UNPICKLED | {"labels": [1, 2]}, 2),
    "labels of another type": replaced(b"labelsq\x04]q\x05(", b"labelsq\x04]q\x05(N"),
    "no labels": replaced(b"labels", b"lapels"),
    "no data": replaced(b"U\x04data", b"U\x04dada"),
    "a number": b"K\x01.",
    "signed": pickle.dumps(UNPICKLED | {"data": UNPICKLED["data"].view(np.int8)}, 2),
    "floats": pickle.dumps(UNPICKLED | {"data": np.float32(UNPICKLED["data"])}, 2),
    "a list": pickle.dumps(UNPICKLED | {"data": UNPICKLED["data"].tolist()}, 2),
}


def npz_of(**changed):
    arrays = {n: a for n, a in (npz_arrays() | changed).items() if a is not None}
    return npz_bytes(arrays)


def members_of(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in npz_arrays():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def named_twice():
    buffer = io.BytesIO(npz_of())
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(match="Duplicate"):
        archive.writestr("y_test.npy", b"?")
    return buffer.getvalue()


def directory_without_end():
    """Each of its entries is the same, and takes 50 bytes; zipfile would read all."""
    content = npz_bytes({"x": np.zeros(0)})
    first, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    directory = content[first:end] * 30_000
    size = struct.pack("<I", len(directory))
    return content[:first] + directory + content[end : end + 12] + size + content[-6:]


ROWS = [np.array([6]), np.array([-1]), np.array([[0]]), np.array([0.5]), np.arange(9)]
NPZ = {
    "channels last": (
        npz_of(x_train=np.zeros((6, 32, 32, 3), "u1")),
        r"x_train is uint8 .*, uint8 \(N, 3, 32, 32\) expected",
    ),
    "floats": (npz_of(x_test=np.zeros((2, 3, 32, 32), "f4")), "x_test is float32"),
    "fewer labels": (npz_of(y_train=np.zeros(5, np.uint8)), "6 images, 5 train labels"),
    "columns": (npz_of(y_train=np.zeros((6, 1), np.uint8)), "y_train is uint8"),
    "label 10": (npz_of(y_test=np.array([1, 10], np.uint8)), "y_test: label 10"),
    "no images": (
        npz_of(x_test=np.zeros((0, 3, 32, 32), "u1"), y_test=np.zeros(0, "u1")),
        "0 images, 0 test labels",
    ),
    "int64": (
        npz_of(y_test=np.array([1, 2])),
        r"y_test is int64 \(2,\), uint8 \(N,\) expected",
    ),
    "a number": (npz_of(y_test=np.array(1, np.uint8)), r"y_test is uint8 \(\)"),
    "objects": (npz_of(x_test=np.array([{}, []], object)), "object"),
    "objects as rows": (npz_of(lossy_test_idx=np.array([None])), "object"),
    "no labels": (npz_of(y_test=None), "no y_test in it"),
    "two of a name": (named_twice(), "two of its arrays have one name"),
    "a directory without end": (directory_without_end(), "too many files"),
    **{
        f"rows {rows.tolist()}": (
            npz_of(lossy_train_idx=rows),
            "should hold row numbers",
        )
        for rows in ROWS
    },
    **{name: (members_of(start + bytes(8)), "") for name, start in HEADERS.items()},
}

REFUSED = {
    **{f"IDX, {name}": case for name, case in IDX.items()},
    **{f"tar, {name}": (read_batches, *case) for name, case in TARS.items()},
    **{
        f"pickle, {name}": (
            read_batches,
            tar_bytes({**python_members(), PYTHON_BATCH: content}),
            "",
        )
        for name, content in PICKLES.items()
    },
    "pickle, too many commands": (
        read_batches,
        tar_bytes({**python_members(), PYTHON_BATCH: b"N" * 200_000 + b"."}),
        "more than 100000 commands",
    ),
    **{f"npz, {name}": (read_npz, *case) for name, case in NPZ.items()},
}


@pytest.mark.parametrize(("read", "content", "reason"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused_by_name(tmp_path, monkeypatch, read, content, reason):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "some-file"
    file.write_bytes(content)
    assert_refused(read, file, rf"^[^\n]*some-file: [^\n]*{reason}[^\n]*$")
    assert tree(tmp_path) == ["some-file"]


@pytest.mark.parametrize("read", [read_images, read_batches, read_npz])
def test_a_missing_file_is_not_called_damaged(file, read):
    with pytest.raises(FileNotFoundError):
        read(file.with_name("absent"))


def test_rows_are_counted_once(file):
    assert read_npz_of(file, npz_of(lossy_train_idx=np.array([1, 4, 4, 1]))) == 3
    assert read_npz_of(file, npz_of(lossy_train_idx=None, lossy_test_idx=None)) == 0


def read_npz_of(file, content):
    file.write_bytes(content)
    return read_npz(file)[2]


def test_a_gzip_bomb_is_not_unpacked(file):
    with gzip.open(file, "wb", compresslevel=1) as bomb:
        for _ in range(20):
            bomb.write(bytes(1_000_000))
    assert_refused(read_labels, file, "unpacks to more than", 2_000_000)


@pytest.mark.parametrize("name", ["aaa", "zzz"])
def test_a_tar_bomb_is_refused_whether_before_or_behind(file, monkeypatch, name):
    monkeypatch.setattr(cifar, "MAX_BYTES", 200_000)
    members = {name: bytes(300_000), **cifar_members()}
    file.write_bytes(tar_bytes(dict(sorted(members.items()))))
    assert_refused(read_batches, file, "unpacks to more than 200000 bytes")


def test_an_npz_bomb_is_refused_before_it_is_unpacked(file, monkeypatch):
    monkeypatch.setattr(npz, "MAX_BYTES", 200_000)
    file.write_bytes(npz_bytes({**npz_arrays(), "more": np.zeros(9_000_000, np.uint8)}))
    assert_refused(read_npz, file, "unpacks to more than 200000 bytes", 1_000_000)


def hiding(method):
    """An archive of which one member has 1 MB, but 20 kB by the directory."""
    bits = np.random.default_rng(0).integers(0, 2, 1_000_000, np.uint8)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("x_train.npy", bits.tobytes())
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
    content = hiding(method)
    file.write_bytes(content)
    peak = 700_000 + 2 * len(content)
    assert_refused(read_npz, file, r"some-file: (damaged|.*LZMA)", peak)
