"""CIFAR-10 from `cifar10.npz`, a zip file of NumPy arrays.

It holds the images' planes, their labels, and the row numbers of images that are not
pixel-exact.
"""

from pathlib import Path

import numpy as np

from minidl.backend import Array
from minidl.data.cifar import MAX_BATCH, Arrays, Checksums, nhwc, sha1
from minidl.data.idx import check_labels
from minidl.data.published import BATCHES
from minidl.data.untrusted import MAX_BYTES, opened
from minidl.store.npy import arrays_in


def read_npz(path: Path) -> tuple[Arrays, Checksums, int]:
    """Return the four arrays, each batch's checksum, and how many images aren't exact.

    The archive lists inexact ones in `lossy_train_idx` and `lossy_test_idx`. Raises
    ValueError naming the file and what is wrong with it.
    """
    arrays: Arrays = {}
    checksums: Checksums = {}
    inexact = 0
    with opened(path) as file:
        found = arrays_in(file.read(), MAX_BYTES)
        for part, names in ("train", BATCHES[:-1]), ("test", BATCHES[-1:]):
            x = _array(found, f"x_{part}", 3, 32, 32)
            y = _array(found, f"y_{part}")
            if not 0 < len(x) == len(y):
                raise ValueError(f"{len(x)} images, {len(y)} {part} labels")
            check_labels(y, f"y_{part}")
            arrays |= {f"x_{part}": nhwc(x), f"y_{part}": y}
            records = np.column_stack([y, x.reshape(-1, 3072)])
            starts = range(MAX_BATCH, MAX_BATCH * len(names), MAX_BATCH)
            for name, batch in zip(names, np.split(records, starts), strict=True):
                checksums[name] = {sha1(batch)}
            inexact += _inexact(found, f"lossy_{part}_idx", len(x))
    return arrays, checksums, inexact


def _array(found: dict[str, Array], name: str, *item: int) -> Array:
    """Return an array of bytes; ValueError unless it has items of this shape."""
    if name not in found:
        raise ValueError(f"no {name} in it")
    array = found[name]
    if array.dtype != np.uint8 or array.ndim == 0 or array.shape[1:] != item:
        shape = str(("N", *item)).replace("'", "")
        raise ValueError(
            f"{name} is {array.dtype} {array.shape}, uint8 {shape} expected"
        )
    return array


def _inexact(found: dict[str, Array], name: str, images: int) -> int:
    """Return how many images an array of row numbers lists; 0 without the array."""
    rows = found.get(name, np.zeros(0, int))
    in_range = np.isin(rows, np.arange(images)).all()
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or not in_range:
        raise ValueError(f"{name} should hold row numbers below {images}")
    return np.unique(rows).size
