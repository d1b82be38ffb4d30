"""Files damaged at random: no wrong data are accepted.

A damaged file is refused in one line with its name, or named as not the published file,
or its data are unharmed. A damaged cache is made again, in silence.
"""

import gzip
import os
import warnings

import numpy as np
import pytest

from minidl.data import load_cifar10, load_mnist
from tests.minidl.data.synthetic_data import (
    cifar_members,
    idx_contents,
    npz_arrays,
    npz_bytes,
    publish_cifar,
    publish_idx,
    python_members,
    tar_bytes,
    write_files,
)

SEEDS = range(22)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda number: None)


def flip(content, rng):
    """Flip up to three bits, anywhere or in the first 200 bytes."""
    end = len(content) if rng.random() < 0.5 else min(200, len(content))
    for position in rng.integers(0, end, rng.integers(1, 4)):
        content[position] ^= 1 << rng.integers(8)
    return content


def truncate(content, rng):
    return content[: rng.integers(len(content))]


def shorten(content, rng):
    """As if its last byte hadn't arrived."""
    return content[:-1]


def swap(content, rng):
    """Its end stands before its start."""
    place = int(rng.integers(len(content)))
    return content[place:] + content[:place]


def blank(content, rng):
    """A block that never reached the disk."""
    start = rng.integers(len(content))
    size = min(len(content) - start, int(rng.integers(1, 600)))
    content[start : start + size] = bytes(size)
    return content


def extend(content, rng):
    return content + rng.bytes(int(rng.integers(1, 2000)))


def repeat(content, rng):
    return content + content


def noise(content, rng):
    return rng.bytes(len(content))


def ones(content, rng):
    """A header that announces as much as it can."""
    start = int(rng.integers(0, 24))
    content[start : start + 4] = b"\xff\xff\xff\xff"
    return content


DAMAGES = [
    flip,
    flip,
    flip,
    truncate,
    shorten,
    swap,
    blank,
    extend,
    repeat,
    noise,
    ones,
]


def damage(path, seed):
    rng = np.random.default_rng(seed)
    content = DAMAGES[seed % len(DAMAGES)](bytearray(path.read_bytes()), rng)
    path.write_bytes(content)
    return content


TAR, PYTHON_TAR = tar_bytes(cifar_members()), tar_bytes(python_members())
CIFAR = {
    "cifar-10-binary.tar.gz": {"cifar-10-binary.tar.gz": TAR},
    "cifar-10-binary.tar": {"cifar-10-binary.tar": gzip.decompress(TAR)},
    "cifar-10-python.tar.gz": {"cifar-10-python.tar.gz": PYTHON_TAR},
    "data_batch_3.bin": cifar_members(""),
    "data_batch_3": python_members(""),
    "cifar10.npz": {"cifar10.npz": npz_bytes(npz_arrays())},
}
IDX = [
    "train-images-idx3-ubyte",
    "train-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte",
    "t10k-labels-idx1-ubyte.gz",
]


def write_data(monkeypatch, folder, damaged):
    """Write the data set to which the file belongs; return its loader."""
    if damaged in CIFAR:
        publish_cifar(monkeypatch)
        write_files(folder, CIFAR[damaged])
        return load_cifar10
    arrays, packed = publish_idx(monkeypatch, "mnist", 0)
    write_files(folder, packed if damaged.endswith(".gz") else idx_contents(arrays))
    return load_mnist


@pytest.fixture
def loaded(new_process):
    def found(load):
        """What a new process finds: arrays or an error, and the warnings."""
        new_process()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                data = [np.array(array) for array in load()]
            except (ValueError, FileNotFoundError) as error:
                data = error
        return data, [str(warning.message) for warning in caught]

    return found


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", [*IDX, *CIFAR])
def test_a_damaged_data_file(monkeypatch, data_dir, loaded, name, seed):
    load = write_data(monkeypatch, data_dir, name)
    original, said = loaded(load)
    assert (len(said) == 1) == (name == "cifar10.npz")
    whole = (data_dir / name).read_bytes()
    changed = damage(data_dir / name, seed)
    found, said = loaded(load)
    if isinstance(found, Exception):
        assert changed != whole
        assert "\n" not in str(found)
        assert name in str(found) or "no data_batch_3" in str(found)
    elif not same(found, original):
        assert any("is not the published file" in words for words in said)


@pytest.mark.parametrize("seed", range(2 * len(DAMAGES)))
@pytest.mark.parametrize("name", ["data_batch_3", "cifar10.npz"])
def test_a_damaged_cache(monkeypatch, data_dir, cache_dir, loaded, name, seed):
    load = write_data(monkeypatch, data_dir, name)
    original, first_said = loaded(load)
    kept = cache_dir / "decoded" / "cifar10.npz"
    damage(kept, seed)
    for _ in range(2):  # made again, and read
        found, said = loaded(load)
        assert same(found, original)
        assert said == first_said


def test_a_cache_of_other_data(monkeypatch, data_dir, cache_dir, loaded):
    load = write_data(monkeypatch, data_dir, "data_batch_3")
    original, _ = loaded(load)
    kept = cache_dir / "decoded" / "cifar10.npz"
    whole = kept.read_bytes()
    write_files(data_dir / "cifar10", CIFAR["cifar10.npz"])
    assert not same(loaded(load)[0][1], original[1])
    kept.write_bytes(whole)
    assert not same(loaded(load)[0][1], original[1])
