"""The loaders, one for each data set, and the names of the classes."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minidl.checks import check_choice
from minidl.data.cifar import Arrays
from minidl.data.files import Found, load_arrays
from minidl.data.published import PUBLISHED
from minidl.data.untrusted import opened

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
    """Images and labels for training and for testing; all arrays are read-only.

    Shapes: x_train and x_test uint8 (N, H, W, C), y_train and y_test int64 (N,).
    Units: 0 (black) to 255; x.astype(np.float32) / 255 are the images in [0, 1].
    """

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]


def load_mnist() -> Dataset:
    """Return MNIST: 60,000 + 10,000 handwritten digits, images (N, 28, 28, 1).

    Raises FileNotFoundError if it isn't here and can't be downloaded, ValueError if
    a file is malformed. Source: LeCun, Cortes and Burges.
    """
    return load_dataset("mnist")


def load_fashion_mnist() -> Dataset:
    """Return Fashion-MNIST: 60,000 + 10,000 articles of clothing, (N, 28, 28, 1).

    Raises FileNotFoundError if it isn't here and can't be downloaded, ValueError if
    a file is malformed. Source: Xiao, Rasul and Vollgraf, arXiv 1708.07747.
    """
    return load_dataset("fashion-mnist")


def load_cifar10() -> Dataset:
    """Return CIFAR-10: 50,000 + 10,000 colour photographs, images (N, 32, 32, 3).

    Raises FileNotFoundError if it isn't here and can't be downloaded, ValueError if
    a file is malformed. Source: Krizhevsky (2009).
    """
    return load_dataset("cifar10")


def load_mnist_sample() -> Dataset:
    """Return 4,000 + 1,000 digits that come with minidl, images (N, 28, 28, 1).

    Every class has 400 training and 100 test images. All 5,000, test images included,
    come from MNIST's *training* file, so never use them to test a model that was
    trained on the full MNIST. Raises ValueError if the file is damaged. Source: see
    mnist_sample/README.md.
    """
    return load_dataset("mnist-sample")


def load_dataset(name: str) -> Dataset:
    """Return the data set of this name, one of the keys of CLASS_NAMES.

    Raises ValueError for another name, and what the data set's own loader raises.
    """
    return _load(name)[0]


def differences(name: str) -> list[str]:
    """Return a sentence for each file of a data set that isn't the published one.

    Raises what `load_dataset` raises.
    """
    return _load(name)[1]


def _load(name: str) -> tuple[Dataset, list[str]]:
    check_choice("name", name, CLASS_NAMES)
    arrays: Arrays = {}
    found = {p.field: load_arrays(p) for p in PUBLISHED.get(name, ())}
    if name == "mnist-sample":
        with opened(SAMPLE_FILE) as file:
            arrays = dict(np.load(file, allow_pickle=False))
    for source in found.values():
        arrays |= source.arrays
    for x, y in ("x_train", "y_train"), ("x_test", "y_test"):
        if x in found:
            check_pair(found[x], found[y], len(arrays[x]), len(arrays[y]))
    x_train, x_test = (arrays[x].view() for x in ("x_train", "x_test"))
    y_train, y_test = (arrays[y].astype(np.int64) for y in ("y_train", "y_test"))
    data = Dataset(x_train, y_train, x_test, y_test)
    for array in data:
        array.flags.writeable = False
    return data, [f"{source.note}." for source in found.values() if source.note]


def check_pair(x: Found, y: Found, images: int, labels: int) -> None:
    """Raise ValueError if images and labels are from sources that may not fit.

    Published files fit wherever they are, others only if they are in one folder.
    """
    if images != labels:
        raise ValueError(
            f"{x.path} holds {images} images, but {y.path} {labels} labels"
        )
    if x.folder != y.folder and (x.note or y.note):
        raise ValueError(
            f"{x.path} and {y.path} must be in one folder, because they aren't both as "
            "published: images and labels might be in different orders"
        )
