"""CIFAR-10 from `cifar10.npz`, a zip file of NumPy arrays.

It holds the images' planes, their labels, and the row numbers of images that are not
pixel-exact.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minidl.data.cifar import Arrays, nhwc
from minidl.data.idx import check_labels
from minidl.data.untrusted import MAX_BYTES, opened
from minidl.npy import archive, array_of

# bzip2 is left out: a thousand bytes of it can unpack to a gigabyte in one step.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)


def read_npz(path: Path) -> tuple[Arrays, int | None]:
    """Return the four uint8 arrays and how many images are recorded as not exact.

    The count is None if the archive has no such record (`lossy_train_idx` and
    `lossy_test_idx`). Raises ValueError naming the file and what is wrong with it.
    """
    arrays: Arrays = {}
    lossy = []
    with opened(path, MAX_BYTES) as file, archive(file) as zipped:
        members = _members(zipped)
        for part in ("train", "test"):
            x, y = (_array(zipped, members, f"{xy}_{part}") for xy in "xy")
            _check(part, x, y)
            arrays |= {f"x_{part}": nhwc(x), f"y_{part}": y}
            if (name := f"lossy_{part}_idx") in members:
                lossy.append(_rows(_array(zipped, members, name), name, len(x)))
    return arrays, sum(lossy) if lossy else None


def _members(zipped: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the arrays by name; ValueError if they unpack to too much."""
    found = zipped.infolist()
    members = {member.filename.removesuffix(".npy"): member for member in found}
    size = sum(member.file_size for member in found)
    if size > MAX_BYTES:
        raise ValueError(f"unpacks to {size} bytes, at most {MAX_BYTES} taken")
    if any(member.compress_type not in METHODS for member in found):
        raise ValueError("compressed by another method than deflate or LZMA")
    if len(members) < len(found):
        raise ValueError("two arrays in it have the same name")
    return members


def _array(
    zipped: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str
) -> NDArray[Any]:
    """Unpack an array in small steps: what one step of LZMA makes is never large."""
    if name not in members:
        raise ValueError(f"no {name} in it")
    content = bytearray()
    with zipped.open(members[name]) as file:
        while step := file.read(4096):
            content += step
    return array_of(content)


def _check(part: str, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Refuse arrays of another type, images of another size, labels of no class."""
    for name, array, item in ((f"x_{part}", x, (3, 32, 32)), (f"y_{part}", y, ())):
        if array.dtype != np.uint8 or array.ndim == 0 or array.shape[1:] != item:
            expected = "(N, 3, 32, 32)" if item else "(N,)"
            raise ValueError(
                f"{name} is {array.dtype} {array.shape}, uint8 {expected} expected"
            )
    if len(x) != len(y):
        raise ValueError(f"{len(x)} images, {len(y)} {part} labels")
    check_labels(y, f"y_{part}")


def _rows(rows: NDArray[Any], name: str, images: int) -> int:
    """Return how many images an array of row numbers names."""
    known = np.isin(rows, np.arange(images)).all()
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or not known:
        raise ValueError(f"{name} should hold row numbers below {images}")
    return np.unique(rows).size
