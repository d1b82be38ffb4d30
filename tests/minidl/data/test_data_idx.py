"""IDX files: what was written is read back, and anything else is refused."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl.data.idx import MAX_COUNT, read_images, read_labels
from tests.minidl.data.synthetic_data import (
    idx_images,
    idx_labels,
    images_and_labels,
    md5,
    zipped,
)

IMAGES, LABELS, *_ = images_and_labels(seed=0)
FILES = {
    "images": idx_images(IMAGES[:2]),
    "labels": idx_labels(LABELS),
    "images.gz": zipped(idx_images(IMAGES[:2])),
    "labels.gz": zipped(idx_labels(LABELS)),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "some-file"


def read(name, path):
    return read_images(path) if name.startswith("images") else read_labels(path)


@given(
    labels=st.lists(st.integers(0, 9), min_size=1, max_size=300),
    wrap=st.sampled_from([bytes, zipped]),
)
@settings(deadline=None, max_examples=30)
def test_labels_round_trip(file, labels, wrap):
    content = idx_labels(np.array(labels, np.uint8))
    file.write_bytes(wrap(content))
    found, _, checksum = read_labels(file)
    assert found.dtype == np.uint8
    assert found.tolist() == labels
    assert checksum == md5(content)


@given(
    count=st.integers(1, 5),
    seed=st.integers(0, 2**32),
    wrap=st.sampled_from([bytes, zipped]),
)
@settings(deadline=None, max_examples=30)
def test_images_round_trip(file, count, seed, wrap):
    images = np.random.default_rng(seed).integers(0, 256, (count, 28, 28, 1), np.uint8)
    content = idx_images(images)
    file.write_bytes(wrap(content))
    found, _, checksum = read_images(file)
    assert found.dtype == np.uint8
    assert np.array_equal(found, images)
    assert checksum == md5(content)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_every_truncation_is_refused(file, name, data):
    whole = FILES[name]
    kept = data.draw(st.integers(0, len(whole) - 1))
    file.write_bytes(whole[:kept])
    with pytest.raises(ValueError, match=r"some-file: "):
        read(name, file)


@pytest.mark.parametrize("name", FILES)
def test_a_byte_too_many_is_refused(file, name):
    file.write_bytes(FILES[name] + b"\x07")
    with pytest.raises(ValueError, match=r"some-file: (more bytes follow|damaged)"):
        read(name, file)


@pytest.mark.parametrize("position", [-8, -4])
def test_damaged_gzip_checksum_is_refused(file, position):
    content = bytearray(FILES["images.gz"])
    content[position] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"some-file: damaged"):
        read_images(file)


def test_labels_are_no_images_and_images_no_labels(file):
    file.write_bytes(FILES["labels"])
    with pytest.raises(ValueError, match=r"some-file: magic number 2049.*2051 exp"):
        read_images(file)
    file.write_bytes(FILES["images.gz"])
    with pytest.raises(ValueError, match=r"some-file: magic number 2051.*2049 exp"):
        read_labels(file)


def test_label_10_is_refused_and_9_is_not(file):
    file.write_bytes(idx_labels(np.array([0, 9], np.uint8)))
    assert read_labels(file).array.tolist() == [0, 9]
    file.write_bytes(idx_labels(np.array([3, 10], np.uint8)))
    with pytest.raises(ValueError, match=r"some-file: label 10 found.*0 to 9"):
        read_labels(file)


@pytest.mark.parametrize("shape", [(27, 28), (28, 29), (14, 56)])
def test_other_image_sizes_are_refused(file, shape):
    file.write_bytes(idx_images(np.zeros((1, *shape), np.uint8)))
    with pytest.raises(ValueError, match=rf"{shape[0]}x{shape[1]} found, 28x28 exp"):
        read_images(file)


@pytest.mark.parametrize("count", [0, MAX_COUNT + 1, 2**32 - 1])
def test_impossible_counts_are_refused(file, count):
    file.write_bytes(struct.pack(">4I", 2051, count, 28, 28) + bytes(784))
    with pytest.raises(ValueError, match=rf"some-file: {count} items announced"):
        read_images(file)


def test_a_gzip_bomb_is_not_unpacked(file):
    with gzip.open(file, "wb", compresslevel=1) as bomb:
        bomb.write(idx_labels(np.zeros(10, np.uint8)))
        for _ in range(50):
            bomb.write(bytes(1_000_000))
    tracemalloc.start()
    with pytest.raises(ValueError, match="some-file: more bytes follow"):
        read_labels(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_missing_file_is_not_called_malformed(file):
    with pytest.raises(FileNotFoundError):
        read_images(file.with_name("absent"))
