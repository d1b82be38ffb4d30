"""CIFAR-10 archives: the layout of the pixels, and refusal of hostile archives."""

import tarfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl.data import cifar, npz
from minidl.data.cifar import read_batches
from minidl.data.npz import read_npz
from tests.minidl.data.synthetic_data import (
    cifar_batch,
    cifar_members,
    npz_arrays,
    npz_bytes,
    tar_bytes,
    tree,
)

FOLDER = "cifar-10-batches-bin"
BATCH = f"{FOLDER}/data_batch_1.bin"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("cifar") / "some.tar.gz"


def test_tar_round_trip(file):
    members = cifar_members()
    file.write_bytes(tar_bytes({f"{FOLDER}/readme.html": b"hello", **members}))
    arrays, _ = read_batches(file)
    assert {n: a.shape for n, a in arrays.items()} == {
        "x_train": (15, 32, 32, 3),
        "y_train": (15,),
        "x_test": (3, 32, 32, 3),
        "y_test": (3,),
    }
    everything = np.frombuffer(b"".join(members.values()), np.uint8).reshape(18, 3073)
    for n in range(15):
        assert arrays["y_train"][n] == everything[n, 0]
    # Row 5, column 7, green: the second plane of the last test image.
    assert arrays["x_test"][2, 5, 7, 1] == everything[17, 1 + 1024 + 5 * 32 + 7]
    assert arrays["x_train"][4, 31, 0, 2] == everything[4, 1 + 2048 + 31 * 32]


def test_batches_are_ordered_by_number_not_by_position(file):
    members = cifar_members()
    file.write_bytes(tar_bytes(dict(reversed(members.items()))))
    assert read_batches(file)[0]["y_train"][0] == members[BATCH][0]


@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_every_truncation_of_the_tar_is_refused(file, data):
    whole = tar_bytes(cifar_members())
    kept = data.draw(st.integers(0, len(whole) - 1) | st.just(len(whole) - 1))
    file.write_bytes(whole[:kept])
    with pytest.raises(ValueError, match=r"some\.tar\.gz: "):
        read_batches(file)[0]


def test_a_missing_batch_is_named(file):
    members = cifar_members()
    del members[f"{FOLDER}/data_batch_3.bin"]
    file.write_bytes(tar_bytes(members))
    with pytest.raises(ValueError, match="no data_batch_3 in it"):
        read_batches(file)[0]


@pytest.mark.parametrize(
    "content", [cifar_batch(0)[:-1], b"", cifar_batch(0, count=10_001)]
)
def test_a_batch_of_another_size_is_refused(file, content):
    file.write_bytes(tar_bytes({**cifar_members(), BATCH: content}))
    with pytest.raises(ValueError, match=r"data_batch_1\.bin should "):
        read_batches(file)[0]


def test_label_above_9_is_refused(file):
    batch = bytes([10]) + cifar_batch(0)[1:]
    file.write_bytes(tar_bytes({**cifar_members(), BATCH: batch}))
    with pytest.raises(ValueError, match=r"some\.tar\.gz: data_batch_1\.bin: label 10"):
        read_batches(file)[0]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_a_link_in_place_of_a_batch_is_refused(file, kind):
    link = tarfile.TarInfo(BATCH)
    link.type, link.linkname = kind, f"{FOLDER}/test_batch.bin"
    file.write_bytes(tar_bytes({**cifar_members(), BATCH: link}))
    with pytest.raises(ValueError, match=r"data_batch_1\.bin should "):
        read_batches(file)[0]


def test_hostile_names_write_nothing(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = tree(file.parent)
    outside = tmp_path / "outside"
    hostile = {"../evil": b"1", str(outside): b"2", f"{FOLDER}/../../evil": b"3"}
    file.write_bytes(tar_bytes({**hostile, **cifar_members()}))
    assert len(read_batches(file)[0]["x_train"]) == 15
    assert tree(tmp_path) == []
    assert set(tree(file.parent)) <= {*before, file.name}


def test_a_tar_bomb_is_refused_whether_in_a_member_or_behind(file, monkeypatch):
    monkeypatch.setattr(cifar, "MAX_BYTES", 200_000)
    file.write_bytes(tar_bytes(cifar_members()))
    assert len(read_batches(file)[0]["x_train"]) == 15
    for name in ("aaa", "zzz"):
        members = {name: bytes(300_000), **cifar_members()}
        file.write_bytes(tar_bytes(dict(sorted(members.items()))))
        with pytest.raises(ValueError, match="unpacks to more than 200000 bytes"):
            read_batches(file)[0]


def test_npz_round_trip(file):
    made = npz_arrays()
    file.write_bytes(npz_bytes(made))
    arrays, inexact = read_npz(file)
    assert inexact == 3
    assert np.array_equal(arrays["y_test"], made["y_test"])
    assert arrays["x_train"].shape == (6, 32, 32, 3)
    assert arrays["x_train"].flags.c_contiguous
    assert arrays["x_train"][4, 5, 7, 2] == made["x_train"][4, 2, 5, 7]


def test_npz_without_a_record_of_inexact_images(file):
    made = {n: a for n, a in npz_arrays().items() if not n.startswith("lossy")}
    file.write_bytes(npz_bytes(made))
    assert read_npz(file)[1] is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x_train", np.zeros((6, 32, 32, 3), np.uint8), r"x_train is uint8 \(6, 32"),
        ("x_test", np.zeros((2, 3, 32, 32), np.float32), "x_test is float32"),
        ("y_train", np.zeros(5, np.uint8), "6 images, 5 train labels"),
        ("y_train", np.zeros((6, 1), np.uint8), "y_train is uint8"),
        ("y_test", np.array([1, 10], np.uint8), "y_test: label 10"),
        ("y_test", np.array([1, 2]), "y_test is int64"),
        ("y_test", np.array(1, np.uint8), r"y_test is uint8 \(\)"),
        ("x_test", np.array([{}, []], object), "object"),
        ("lossy_test_idx", np.array([None]), "object"),
    ],
)
def test_npz_with_a_wrong_array_is_refused(file, name, value, message):
    file.write_bytes(npz_bytes({**npz_arrays(), name: value}))
    with pytest.raises(ValueError, match=rf"some\.tar\.gz.*({message})"):
        read_npz(file)


def test_npz_without_a_needed_array_is_refused(file):
    made = npz_arrays()
    del made["y_test"]
    file.write_bytes(npz_bytes(made))
    with pytest.raises(ValueError, match=r"some\.tar\.gz: no y_test in it"):
        read_npz(file)


@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_every_truncation_of_the_npz_is_refused(file, data):
    whole = npz_bytes(npz_arrays())
    file.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(ValueError, match=r"some\.tar\.gz: "):
        read_npz(file)


@pytest.mark.parametrize(
    ("read", "whole"),
    [(read_batches, tar_bytes(cifar_members())), (read_npz, npz_bytes(npz_arrays()))],
    ids=["tar", "npz"],
)
@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_damage_raises_value_error_if_anything(file, read, whole, data):
    damaged = bytearray(whole)
    # The directory of a zip file is at its end, the headers of both are at the start.
    place = st.integers(0, 600) | st.integers(-900, -1)
    for position in data.draw(st.lists(place, min_size=1, max_size=3)):
        damaged[position] ^= data.draw(st.integers(1, 255))
    file.write_bytes(damaged)
    with suppress(ValueError):
        read(file)


@pytest.mark.parametrize("read", [read_batches, read_npz])
def test_a_missing_file_is_not_called_damaged(file, read):
    with pytest.raises(FileNotFoundError):
        read(file.with_name("absent"))


def test_an_npz_bomb_is_refused_before_it_is_unpacked(file, monkeypatch):
    monkeypatch.setattr(npz, "MAX_BYTES", 200_000)
    monkeypatch.setattr(npz, "_array", lambda *a: pytest.fail("unpacked"))
    file.write_bytes(npz_bytes({**npz_arrays(), "more": np.zeros(300_000, np.uint8)}))
    with pytest.raises(ValueError, match="at most 200000 taken"):
        read_npz(file)
