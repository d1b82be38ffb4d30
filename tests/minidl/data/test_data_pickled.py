"""Batches for Python: the same values as pickle's, and nothing is ever executed."""

import pickle

import numpy as np
import pytest

from minidl.data import CLASS_NAMES
from minidl.data.cifar import read_batches
from minidl.data.pickled import plain_value
from tests.minidl.data.synthetic_data import (
    cifar_members,
    md5,
    python_batch,
    python_members,
    tar_bytes,
    write_files,
)

BATCH = python_batch(0)


def read(folder, batch):
    members = {name.split("/")[1]: b for name, b in python_members().items()}
    write_files(folder, {**members, "data_batch_1": batch})
    return read_batches(folder)[0]


def test_pickle_itself_finds_the_same(tmp_path):
    arrays = read(tmp_path, BATCH)
    expected = pickle.loads(BATCH, encoding="latin1")
    assert arrays["y_train"][:3].tolist() == expected["labels"]
    planes = expected["data"].reshape(3, 3, 32, 32)
    assert np.array_equal(arrays["x_train"][:3], planes.transpose(0, 2, 3, 1))
    found = plain_value(BATCH)
    assert found["filenames"] == expected["filenames"]
    assert found["batch_label"] == expected["batch_label"]


def test_both_versions_hold_the_same(tmp_path):
    both = []
    for members in (cifar_members(), python_members()):
        (tmp_path / "a.tar.gz").write_bytes(tar_bytes(members))
        both.append(read_batches(tmp_path / "a.tar.gz")[0])
    for name, array in both[0].items():
        assert np.array_equal(array, both[1][name])


# CIFAR-10's own batches.meta, byte for byte: the same program wrote the batches.
META = (
    b"\x80\x02}q\x01(U\x13num_cases_per_batchq\x02M\x10'U\x0blabel_namesq\x03]q\x04("
    b"U\x08airplaneq\x05U\nautomobileq\x06U\x04birdq\x07U\x03catq\x08U\x04deerq\t"
    b"U\x03dogq\nU\x04frogq\x0bU\x05horseq\x0cU\x04shipq\rU\x05truckq\x0ee"
    b"U\x07num_visq\x0fM\x00\x0cu."
)


def test_a_published_file():
    assert md5(META) == "5ff9c542aee3614f3951f8cda6e48888"  # as published
    assert plain_value(META) == {
        "num_cases_per_batch": 10_000,
        "label_names": [*CLASS_NAMES["cifar10"]],
        "num_vis": 3072,
    }


def replaced(old, new):
    assert BATCH.count(old) == 1
    return BATCH.replace(old, new)


HOSTILE = {
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
    "a key that hashes for ever": b"}("
    + b"K\x01"
    + b"q\x00h\x00\x86" * 99
    + b"K\x01u.",
    "too many commands": b"N" * 200_000 + b".",
    "a string of 2 GB": b"T\xff\xff\xff\x7fabc.",
    "a negative string": b"T\xff\xff\xff\xffabc.",
    "no end": BATCH[:-1],
    "nothing": b"",
    "another type": replaced(b"U\x02u1", b"U\x02i1"),
    "an order that is a number": replaced(b"K\x00tb\x89", b"K\x00tbK\x01"),
    "other shape": replaced(b"M\x03\x00M\x00\x0c", b"M\x04\x00M\x00\x09"),
    "more images than labels": replaced(b"M\x03\x00M\x00\x0c", b"M\x02\x00M\x00\x0c"),
    "labels of another type": replaced(b"labelsq\x04]q\x05(", b"labelsq\x04]q\x05(N"),
    "no labels": replaced(b"labels", b"lapels"),
    "no data": replaced(b"U\x04data", b"U\x04dada"),
    "a number": b"K\x01.",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_anything_else_is_refused_by_name(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^.*data_batch_1: [^\n]*$"):
        read(tmp_path / "py", content)
    assert [path.name for path in tmp_path.iterdir()] == ["py"]


def test_a_program_that_takes_long_is_given_up():
    with pytest.raises(ValueError, match="more than 100000 commands"):
        plain_value(b"N" * 200_000 + b".")


@pytest.mark.parametrize("key", [str, str.encode], ids=["str", "bytes"])
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pickles_of_python_3(tmp_path, protocol, key):
    batch = pickle.loads(BATCH, encoding="latin1")
    values = {key(name): value for name, value in batch.items()}
    found = read(tmp_path, pickle.dumps(values, protocol))
    for name, array in read(tmp_path, BATCH).items():
        assert np.array_equal(found[name], array)


def test_a_single_image(tmp_path):
    batch = pickle.loads(BATCH, encoding="latin1")
    one = {"labels": batch["labels"][:1], "data": batch["data"][:1]}
    found = read(tmp_path, pickle.dumps(one, 2))
    assert found["y_train"].tolist()[:1] == batch["labels"][:1]
    assert len(found["x_train"]) == 13


def test_an_array_in_columns(tmp_path):
    batch = pickle.loads(BATCH, encoding="latin1")
    columns = np.asfortranarray(batch["data"])
    found = read(tmp_path, pickle.dumps(batch | {"data": columns}, 2))
    for name, array in read(tmp_path, BATCH).items():
        assert np.array_equal(found[name], array)


@pytest.mark.parametrize("data", [np.int8, np.float32, list])
def test_other_arrays_of_python_3(tmp_path, data):
    batch = pickle.loads(BATCH, encoding="latin1")
    with pytest.raises(ValueError, match="data_batch_1: not a batch as published"):
        read(tmp_path, pickle.dumps(batch | {"data": data(batch["data"])}, 2))
