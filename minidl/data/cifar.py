"""CIFAR-10's six batches: in a tar file or in a folder, binary or for Python.

A record is 3073 bytes: the label, then the red, green and blue planes of a 32x32 image.
A binary batch is nothing but records. A Python batch is a pickle; its labels and planes
are read without unpickling (`pickled.py`). Nothing from an archive is written to disk.
Source: Krizhevsky (2009), "Learning Multiple Layers of Features from Tiny Images".
"""

import hashlib
import io
import tarfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minidl.data.idx import check_labels
from minidl.data.pickled import values_of
from minidl.data.published import BATCHES
from minidl.data.untrusted import MAX_BYTES, is_there, opened, unpacked

Arrays = dict[str, NDArray[np.uint8]]
Checksums = dict[str, set[str]]

RECORD_BYTES = 1 + 3 * 32 * 32
MAX_BATCH = 10_000
MAX_BATCH_BYTES = MAX_BATCH * (RECORD_BYTES + 100)  # a pickle holds file names, too
MAX_MEMBERS = 100
FOLDERS = ("cifar-10-batches-bin", "cifar-10-batches-py")


class Batch(NamedTuple):
    """The records (M, 3073) of a batch, and checksums of them and of its file."""

    records: NDArray[np.uint8]
    checksums: set[str]


def read_batches(path: Path) -> tuple[Arrays, Checksums]:
    """Return the four arrays, images (N, 32, 32, 3), and each batch's checksums.

    The path leads to a tar file, gzipped or not, or to a folder with the batches.
    Raises ValueError naming the file if it is damaged, too large, or lacks a batch.
    """
    batches = _read_folder(path) if path.is_dir() else _read_tar(path)
    if missing := [name for name in BATCHES if name not in batches]:
        raise ValueError(f"{path}: no {', '.join(missing)} in it")
    *train, test = (batches[name].records for name in BATCHES)
    arrays = _arrays("train", np.concatenate(train)) | _arrays("test", test)
    return arrays, {name: batches[name].checksums for name in BATCHES}


def _arrays(part: str, records: NDArray[np.uint8]) -> Arrays:
    labels, planes = records[:, 0].copy(), records[:, 1:].reshape(-1, 3, 32, 32)
    return {f"x_{part}": nhwc(planes), f"y_{part}": labels}


def nhwc(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return planes (N, C, H, W) as images (N, H, W, C)."""
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def sha1(records: NDArray[np.uint8]) -> str:
    """Return the SHA-1 of records, which is also that of their binary batch."""
    return hashlib.sha1(records.tobytes(), usedforsecurity=False).hexdigest()


def batch_files(folder: Path) -> list[Path]:
    """Return the files of a folder's batches, binary ones if there are any."""
    for suffix in (".bin", ""):
        paths = [folder / f"{name}{suffix}" for name in BATCHES]
        if found := [path for path in paths if is_there(path)]:
            return found
    return []


def _read_folder(folder: Path) -> dict[str, Batch]:
    batches = {}
    for path in batch_files(folder):
        with opened(path, MAX_BATCH_BYTES) as file:
            batches[path.stem] = _batch(path.name, file.read())
    return batches


def _read_tar(path: Path) -> dict[str, Batch]:
    """Read the batches by their names; skip other members."""
    batches: dict[str, Batch] = {}
    with opened(path) as file:
        content = io.BytesIO(unpacked(file, MAX_BYTES))
        # As a stream ("|"), so that no header can make it read one part for ever.
        with tarfile.open(fileobj=content, mode="r|") as tar:
            for count, member in enumerate(tar):
                if count == MAX_MEMBERS:  # tarfile keeps them all in memory
                    raise ValueError(f"more than {MAX_MEMBERS} files in it")
                folder, _, name = member.name.removeprefix("./").rpartition("/")
                batch = name.removesuffix(".bin")
                if folder in FOLDERS and batch in BATCHES:
                    if batch in batches:
                        raise ValueError(f"{batch} is in it twice")
                    batches[batch] = _batch(name, _content(tar, member))
    return batches


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    plain = member.isreg() and not member.issparse() and member.size <= MAX_BATCH_BYTES
    file = tar.extractfile(member) if plain else None
    if file is None:
        raise ValueError(
            f"{member.name} should be a plain file of at most {MAX_BATCH_BYTES} bytes"
        )
    return file.read()


def _batch(name: str, content: bytes) -> Batch:
    """Return the batch in a file's bytes; ValueError unless they are whole records."""
    is_binary = name.endswith(".bin")
    values = np.frombuffer(content, np.uint8) if is_binary else values_of(content)
    count, rest = divmod(values.size, RECORD_BYTES)
    if rest or not 0 < count <= MAX_BATCH:
        raise ValueError(
            f"{name} should hold 1 to {MAX_BATCH} records of {RECORD_BYTES} bytes, "
            f"got {values.size} bytes"
        )
    records = values.reshape(-1, RECORD_BYTES)
    check_labels(records[:, 0], name)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Batch(records, {sha1(records), md5})
