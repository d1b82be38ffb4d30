"""A stored file is read back as it was, or refused."""

import io
import json
import os
import zipfile
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import store
from minidl.store import (
    DamagedError,
    key_of,
    read_arrays,
    read_json,
    write_arrays,
    write_json,
)
from tests.minidl.npy_headers import HEADERS


@dataclass(frozen=True)
class Setting:
    """Some dataclass."""

    rate: float
    sizes: tuple[int, ...] = (1, 2)


ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "F": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "empty": np.zeros((0, 3), bool),
    "alone": np.array(3),
    "text": np.array("ε"),
}
FACTS = {"seconds": 1.5, "losses": [0.25, 1e-9], "name": "ε"}


@pytest.fixture
def json_file(tmp_path):
    path = tmp_path / "folder" / "kept.json"
    write_json(path, FACTS, "key")
    return path


@pytest.fixture
def array_file(tmp_path):
    path = tmp_path / "folder" / "kept.npz"
    write_arrays(path, ARRAYS, FACTS, "key")
    return path


def refusal(read, path, *key):
    with pytest.raises(DamagedError) as caught:
        read(path, *key)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("key", [None, "key"])
def test_what_is_kept_comes_back(json_file, array_file, key):
    assert read_json(json_file, key) == FACTS
    arrays, facts = read_arrays(array_file, key)
    assert facts == FACTS
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert_array_equal(arrays[name], array, strict=True)
        assert arrays[name].flags.writeable


def test_both_files_can_be_read_without_minidl(json_file, array_file):
    content = json.loads(json_file.read_text(encoding="utf-8"))
    assert content.items() >= FACTS.items()
    with np.load(array_file, allow_pickle=False) as file:
        assert_array_equal(file["a"], ARRAYS["a"])
        assert json.loads(str(file["description"])) == FACTS | {"key": "key"}


def test_dataclasses_and_numpys_values_are_kept(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"one": Setting(np.float64(0.5)), 10: np.arange(2), 9: "nine"})
    expected = {"one": {"rate": 0.5, "sizes": [1, 2]}, "10": [0, 1], "9": "nine"}
    assert list(read_json(path).items()) == [*expected.items()]  # in their order


def test_content_that_is_not_json_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"content must be JSON-like, got \{1\}"):
        write_json(tmp_path / "x.json", {"a": {1}})
    with pytest.raises(ValueError, match=r"x\.json can't hold NaN or infinity"):
        write_json(tmp_path / "x.json", {"a": np.nan})
    for name in ("key", "sha256"):
        with pytest.raises(ValueError, match=rf"x\.json has its own {name}"):
            write_json(tmp_path / "x.json", {name: 1})
    with pytest.raises(ValueError, match=r"x\.json can hold 33554432 bytes, got 335"):
        write_json(tmp_path / "x.json", {"a": "b" * 2**25})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("read", [read_json, read_arrays])
def test_a_missing_file_is_not_called_damaged(read, tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        read(tmp_path / "nothing")


@pytest.mark.parametrize("key", ["", "another"])
def test_another_key_is_refused(json_file, array_file, key):
    for read, path in (read_json, json_file), (read_arrays, array_file):
        assert "it was made from other inputs" in refusal(read, path, key)
    write_json(json_file, FACTS)  # without a key
    assert "it was made from other inputs" in refusal(read_json, json_file, "key")


@pytest.mark.parametrize(("name", "value"), [("seconds", 2.5), ("key", "K"), ("n", 0)])
def test_changed_json_is_refused(json_file, name, value):
    content = json.loads(json_file.read_text(encoding="utf-8"))
    json_file.write_text(json.dumps(content | {name: value}), encoding="utf-8")
    assert "checksum doesn't match" in refusal(read_json, json_file)


@pytest.mark.parametrize(
    "changes",
    [
        {"a": ARRAYS["a"] + 1},
        {"a": ARRAYS["a"].astype(np.float64)},
        {"a": ARRAYS["a"].T},
        {"b": ARRAYS["a"]},
        {"description": '{"key": "key"}'},
    ],
)
def test_changed_arrays_are_refused(array_file, changes):
    with np.load(array_file, allow_pickle=False) as file:
        content = dict(file)
    np.savez(array_file, **content | changes)
    assert "checksum doesn't match" in refusal(read_arrays, array_file)


@pytest.mark.parametrize("read", [read_json, read_arrays])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"3",
        b"null",
        b"notes",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"sha256": ' * 100_000,
        b'{"sha256": 1' + b"0" * 10_000 + b"}",
        b"PK\x05\x06" + bytes(18),  # an empty .zip
        b"\x93NUMPY\x01\x00",
    ],
)
def test_other_files_are_refused(tmp_path, read, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert "damaged or not the expected file" in refusal(read, path)


@pytest.mark.parametrize("read", [read_json, read_arrays])
def test_a_folder_in_the_place_of_a_file_is_named(tmp_path, read):
    with pytest.raises(IsADirectoryError, match=f"{tmp_path.name} is a folder"):
        read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
@pytest.mark.parametrize("read", [read_json, read_arrays])
def test_a_pipe_is_refused_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    assert "isn't a regular file" in refusal(read, tmp_path / "pipe")


@pytest.mark.parametrize("read", [read_json, partial(read_arrays, most=10**6)])
def test_a_file_beyond_the_limit_is_not_read(tmp_path, read):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(store.MAX_JSON + 1)
    assert "at most are read" in refusal(read, path)


def archive(path, *parts, **options):
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, content in parts:
            file.writestr(name, content)


@pytest.mark.parametrize("start", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("rest", [b"", bytes(8)])
def test_headers_are_compared_with_the_file(tmp_path, start, rest):
    path = tmp_path / "file.npz"
    archive(path, ("a.npy", start + rest))
    assert "damaged or not the expected file" in refusal(read_arrays, path)


def test_nothing_is_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    right = io.BytesIO()
    np.save(right, np.zeros(10**6))
    archive(path, ("a.npy", right.getvalue()), compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10**5
    assert "it is compressed or overlaps" in refusal(read_arrays, path)


def test_parts_that_overlap_are_refused(array_file):
    """Many names of one part would hold more than the file has."""
    with zipfile.ZipFile(array_file, "a") as file:
        part = file.getinfo("a.npy")
        for i in range(1000):
            other = zipfile.ZipInfo(f"{i}.npy")
            for slot in ("header_offset", "CRC", "compress_size", "file_size"):
                setattr(other, slot, getattr(part, slot))
            file.filelist.append(other)
        file._didModify = True
    assert "it is compressed or overlaps" in refusal(read_arrays, array_file)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name_are_refused(array_file):
    with zipfile.ZipFile(array_file, "a") as file:
        file.writestr("a.npy", file.read("a.npy"))
    assert "two of its arrays have one name" in refusal(read_arrays, array_file)


def test_equal_parts_have_one_key():
    x = np.arange(6.0).reshape(2, 3)
    one = key_of("a", x, Setting(0.5), {"b": 1, "a": (2, 3)}, None)
    assert one == key_of("a", x.copy("F"), Setting(0.5), {"a": [2, 3], "b": 1}, None)


def test_other_parts_have_other_keys():
    x = np.arange(4, dtype=np.int32)
    keys = [
        key_of(*parts)
        for parts in (
            ("ab", "c"),
            ("a", "bc"),
            ("c", "ab"),
            ("1",),
            (1,),
            (1.0,),
            (Setting(0.5),),
            (Setting(0.25),),
            (x,),
            (x.tolist(),),
            (x.astype(np.int64),),
            (x.reshape(2, 2),),
            (x + 1,),
            (None, x),
            (x, None),
        )
    ]
    assert len({*keys}) == len(keys)


def test_keys_stay_from_version_to_version():
    """Because they name files."""
    assert key_of("a", 1, np.zeros(2, "<f4")).startswith("778cdb8d26e75af6")
