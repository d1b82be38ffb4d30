"""CIFAR-10 from its binary batches in a tar file, or from a NumPy archive.

A record of a batch is 3073 bytes: the label, then the red, green and blue planes of a
32x32 image. The archive `cifar10.npz` holds the same planes as arrays, and the row
numbers of images that are not pixel-exact. Nothing is unpickled and nothing from an
archive is ever written to disk.
Source: Krizhevsky (2009), "Learning Multiple Layers of Features from Tiny Images".
"""

import gzip
import tarfile
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from minidl.data.idx import check_labels

Arrays = dict[str, NDArray[np.uint8]]

RECORD_BYTES = 1 + 3 * 32 * 32
MAX_BATCH = 10_000
# The published archive unpacks to 184 MB; anything much larger is no CIFAR-10.
MAX_BYTES = 200_000_000
TRAIN_BATCHES = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
BATCHES = (*TRAIN_BATCHES, "test_batch.bin")
NPZ_MEMBERS = ("x_train", "y_train", "x_test", "y_test")
LOSSY_MEMBERS = ("lossy_train_idx", "lossy_test_idx")


class _LimitedGzip(gzip.GzipFile):
    """A gzip file that refuses to unpack to more than MAX_BYTES: no archive bombs.

    It counts what is read; tarfile reads in small pieces, so the excess is small.
    """

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        if self.taken > MAX_BYTES:
            raise ValueError(f"unpacks to more than {MAX_BYTES} bytes")
        return data


def read_tar(path: Path) -> Arrays:
    """Return the four uint8 arrays, images (N, 32, 32, 3), of the binary batches.

    Raises ValueError naming the file if it is damaged, too large, or lacks a batch.
    """
    with path.open("rb") as file:
        try:
            batches = _read_members(_LimitedGzip(fileobj=file))
        except Exception as error:  # what damaged archives raise is anybody's guess
            raise ValueError(f"{path}: damaged CIFAR-10 archive ({error})") from error
    train = np.concatenate([batches[name] for name in TRAIN_BATCHES])  # (5M, 3073)
    test = batches["test_batch.bin"]
    arrays = {"x_train": _images(train[:, 1:]), "y_train": train[:, 0].copy()}
    arrays |= {"x_test": _images(test[:, 1:]), "y_test": test[:, 0].copy()}
    _check(arrays, path)
    return arrays


def _read_members(stream: _LimitedGzip) -> dict[str, NDArray[np.uint8]]:
    """Read the six batches by their exact names; other members are passed over."""
    batches = {}
    wanted = {f"cifar-10-batches-bin/{name}": name for name in BATCHES}
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            if member.name in wanted:
                batches[wanted.pop(member.name)] = _read_batch(tar, member)
    # The gzip checksum stands at the very end, after the tar's padding.
    while stream.read(1 << 20):
        pass
    if wanted:
        raise ValueError(f"no {', '.join(wanted)} in it")
    return batches


def _read_batch(tar: tarfile.TarFile, member: tarfile.TarInfo) -> NDArray[np.uint8]:
    """Return the records (M, 3073) of one batch."""
    records, rest = divmod(member.size, RECORD_BYTES)
    file = tar.extractfile(member) if member.isreg() else None
    if file is None or rest or not 0 < records <= MAX_BATCH:
        raise ValueError(
            f"{member.name} should be a plain file of at most {MAX_BATCH} records "
            f"of {RECORD_BYTES} bytes"
        )
    return np.frombuffer(file.read(), np.uint8).reshape(records, RECORD_BYTES)


def _images(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    nchw = planes.reshape(-1, 3, 32, 32)  # (N, 3, 32, 32)
    return np.ascontiguousarray(nchw.transpose(0, 2, 3, 1))  # (N, 32, 32, 3)


def read_npz(path: Path) -> tuple[Arrays, int | None]:
    """Return the four uint8 arrays and how many images are recorded as not exact.

    The count is None if the archive has no such record (`lossy_train_idx` and
    `lossy_test_idx`). Raises ValueError naming the file and what is wrong with it.
    """
    with path.open("rb") as file:
        try:
            _check_unpacked_size(file)
            npz = np.load(file, allow_pickle=False)
            arrays = {name: npz[name] for name in NPZ_MEMBERS}
            lossy = [npz[name] for name in LOSSY_MEMBERS if name in npz]
        except Exception as error:
            raise ValueError(f"{path}: damaged CIFAR-10 archive ({error})") from error
    _check_planes(arrays, path)
    arrays = {n: _images(a) if n[0] == "x" else a for n, a in arrays.items()}
    _check(arrays, path)
    return arrays, sum(rows.size for rows in lossy) if lossy else None


def _check_unpacked_size(file: BinaryIO) -> None:
    size = sum(member.file_size for member in zipfile.ZipFile(file).infolist())
    file.seek(0)
    if size > MAX_BYTES:
        raise ValueError(f"unpacks to {size} bytes, at most {MAX_BYTES} taken")


def _check_planes(arrays: Arrays, path: Path) -> None:
    """Refuse arrays of another type, or images of another size."""
    for name, array in arrays.items():
        item = (3, 32, 32) if name[0] == "x" else ()
        if array.dtype != np.uint8 or array.ndim == 0 or array.shape[1:] != item:
            expected = "(N, 3, 32, 32)" if item else "(N,)"
            raise ValueError(
                f"{path}: {name} is {array.dtype} {array.shape}, "
                f"uint8 {expected} expected"
            )


def _check(arrays: Arrays, path: Path) -> None:
    for part in ("train", "test"):
        images, labels = len(arrays[f"x_{part}"]), arrays[f"y_{part}"]
        if images != len(labels):
            raise ValueError(f"{path}: {images} images, {len(labels)} {part} labels")
        check_labels(labels, f"{path}, y_{part}")
