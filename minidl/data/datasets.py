"""The loaders, one for each data set, and the names of the classes."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minidl.checks import check_choice
from minidl.data.files import load_arrays, notes
from minidl.data.published import PUBLISHED
from minidl.data.untrusted import MAX_BYTES, opened

DIGITS = tuple("0123456789")

CLASS_NAMES: dict[str, tuple[str, ...]] = {
    "mnist-sample": DIGITS,
    "mnist": DIGITS,
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "cifar10": (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
}

SAMPLE_FILE = Path(__file__).parent / "mnist_sample" / "mnist_sample.npz"


class Dataset(NamedTuple):
    """Images and labels for training, and others for testing; all read-only.

    Shapes: x_train and x_test uint8 (N, H, W, C), y_train and y_test int64 (N,).
    Units: 0 (black) to 255; x.astype(np.float32) / 255 are the images in [0, 1].
    """

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]


def load_mnist() -> Dataset:
    """Return MNIST: 60,000 + 10,000 handwritten digits, images (N, 28, 28, 1).

    Raises FileNotFoundError if it is neither here nor can be downloaded, ValueError if
    a file is malformed. Source: LeCun, Cortes and Burges.
    """
    return _load_idx_dataset("mnist")


def load_fashion_mnist() -> Dataset:
    """Return Fashion-MNIST: 60,000 + 10,000 articles of clothing, (N, 28, 28, 1).

    Raises FileNotFoundError if it is neither here nor can be downloaded, ValueError if
    a file is malformed. Source: Xiao, Rasul and Vollgraf, arXiv 1708.07747.
    """
    return _load_idx_dataset("fashion-mnist")


def load_cifar10() -> Dataset:
    """Return CIFAR-10: 50,000 + 10,000 colour photographs, images (N, 32, 32, 3).

    Raises FileNotFoundError if it is neither here nor can be downloaded, ValueError if
    a file is malformed. Source: Krizhevsky (2009).
    """
    [published] = PUBLISHED["cifar10"]
    arrays = load_arrays("cifar10", published)
    return _dataset(*(arrays[name] for name in Dataset._fields))


def load_mnist_sample() -> Dataset:
    """Return 4,000 + 1,000 digits that come with minidl, images (N, 28, 28, 1).

    Every class has 400 training and 100 test images. All 5,000 belong to MNIST's
    *training* file, test images included: never score a model that was trained on the
    full MNIST with them. Raises ValueError if the file is damaged. Source: see
    mnist_sample/README.md.
    """
    with opened(SAMPLE_FILE, MAX_BYTES) as file:
        sample = np.load(file, allow_pickle=False)
        return _dataset(*(sample[name] for name in Dataset._fields))


LOADERS = {
    "mnist-sample": load_mnist_sample,
    "mnist": load_mnist,
    "fashion-mnist": load_fashion_mnist,
    "cifar10": load_cifar10,
}


def differences(name: str) -> list[str]:
    """Return a sentence for each file of a data set that isn't as it was published.

    Raises what `load_dataset` raises.
    """
    load_dataset(name)
    return [f"{note}." for (d, _), note in notes.items() if d == name and note]


def load_dataset(name: str) -> Dataset:
    """Return the data set of this name, one of the keys of CLASS_NAMES.

    Raises ValueError for another name, and what the data set's own loader raises.
    """
    check_choice("name", name, LOADERS)
    return LOADERS[name]()


def _load_idx_dataset(name: str) -> Dataset:
    files = PUBLISHED[name]
    arrays = [load_arrays(name, published) for published in files]
    x_train, y_train, x_test, y_test = (next(iter(a.values())) for a in arrays)
    for x, y, (x_file, y_file) in (
        (x_train, y_train, files[:2]),
        (x_test, y_test, files[2:]),
    ):
        if len(x) != len(y):
            raise ValueError(
                f"{name}: {x_file.name} holds {len(x)} images, but {y_file.name} "
                f"{len(y)} labels"
            )
    return _dataset(x_train, y_train, x_test, y_test)


def _dataset(
    x_train: NDArray[np.uint8],
    y_train: NDArray[np.uint8],
    x_test: NDArray[np.uint8],
    y_test: NDArray[np.uint8],
) -> Dataset:
    """Make labels int64 and everything read-only."""
    data = Dataset(x_train, y_train.astype(np.int64), x_test, y_test.astype(np.int64))
    for array in data:
        array.flags.writeable = False
    return data
