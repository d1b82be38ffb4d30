"""From a published file's name to its arrays: search, decode, compare, download.

A file found on this machine is used if its structure is right. If its content isn't as
published, it is used with a warning of one line, unless it is another published file:
MNIST and Fashion-MNIST share their file names. A malformed file is an error; among the
downloads, it is downloaded again instead.
"""

import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from minidl.data.cifar import Arrays, batch_files, read_batches
from minidl.data.download import download
from minidl.data.idx import read_idx
from minidl.data.npz import read_npz
from minidl.data.places import cache_folder, candidates, download_folder, folders
from minidl.data.published import PublishedFile, owner_of
from minidl.data.untrusted import MAX_BYTES
from minidl.store import DamagedError, key_of, read_arrays, write_arrays

FORMAT = 4  # raise it when a decoder returns something else for the same file

Stamps = tuple[tuple[str, int, int, int], ...]


class Decoded(NamedTuple):
    """uint8 arrays by field of Dataset, and a note if their source isn't as published.

    The note is "" or a sentence, without a full stop, that begins with the file's name.
    """

    arrays: Arrays
    note: str


class Found(NamedTuple):
    """A decoded source, its path, and the searched folder in which it was."""

    arrays: Arrays
    note: str
    path: Path
    folder: Path


class WrongFileError(ValueError):
    """The content belongs to another published file."""


def load_arrays(published: PublishedFile) -> Found:
    """Return the arrays of a published file, from wherever it is.

    Raises ValueError if one of the user's files is malformed, FileNotFoundError if none
    is found and none can be downloaded.
    """
    users, downloads = folders(published.dataset), []
    with suppress(FileNotFoundError):  # raised again when it is needed
        downloads = [download_folder(published.dataset)]
    searched = {folder: "" for folder in (*users, *downloads)}
    for folder in searched:
        for path in candidates(folder, published):
            try:
                return Found(*_decoded(published, path), path, folder)
            except ValueError as error:
                if not isinstance(error, WrongFileError) and folder not in downloads:
                    raise
                _warn_once(f"{error}; skipped")
                searched[folder] = f" (skipped: {error})"
    path = download(published, searched)
    return Found(*_decoded(published, path), path, path.parent)


@cache
def _warn_once(message: str) -> None:
    """Emit a UserWarning, but each message only once in this process."""
    warnings.warn(message, UserWarning, stacklevel=1)


def _decoded(published: PublishedFile, path: Path) -> Decoded:
    """Return a source's arrays; warn unless they are the published ones."""
    path = path.absolute()
    found = _decode_once(published, path, _stamps(path))
    if found.note:
        _warn_once(f"{path.parent / found.note}")
    return found


def _stamps(path: Path) -> Stamps:
    """Return name, size and times of change of all files of a source."""
    files = batch_files(path) if os.path.isdir(path) else [path]
    about = [(file.name, file.stat()) for file in files]
    return tuple((n, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for n, s in about)


@lru_cache(maxsize=8)  # MNIST has four files
def _decode_once(published: PublishedFile, path: Path, stamps: Stamps) -> Decoded:
    """Decode a source once per process; CIFAR-10 only if the cache on disk lacks it."""
    decode = partial(_decode, published, path, stamps)
    if published.field:
        found = decode()
    else:
        found = _cached(decode, key_of(FORMAT, str(path), stamps))
    for array in found.arrays.values():
        array.flags.writeable = False
    return found


def _cached(decode: Callable[[], Decoded], key: str) -> Decoded:
    """Return decoded data from disk, or decode it, which takes seconds, and save it."""
    with suppress(OSError, DamagedError):
        arrays, facts = read_arrays(_cache_file(), key, MAX_BYTES)
        return Decoded(arrays, facts["note"])
    fresh = decode()
    try:
        write_arrays(_cache_file(), fresh.arrays, {"note": fresh.note}, key)
    except OSError as error:
        _warn_once(f"decoded data can't be kept ({error}): decoded in each process")
    return fresh


def _cache_file() -> Path:
    return cache_folder() / "decoded" / "cifar10.npz"


def _decode(published: PublishedFile, path: Path, stamps: Stamps) -> Decoded:
    decode = _decode_idx if published.field else _decode_cifar10
    arrays, difference = decode(published, path)
    if _stamps(path) != stamps:
        raise ValueError(f"{path}: changed while it was read")
    note = f"{path.name} is not the published file: {difference}" if difference else ""
    return Decoded(arrays, note)


def _decode_idx(published: PublishedFile, path: Path) -> tuple[Arrays, str]:
    array, md5 = read_idx(path, images=published.field.startswith("x"))
    [(expected,)] = published.contents.values()
    owner = owner_of(md5)
    if owner is None:
        return {published.field: array}, f"md5 {md5} instead of {expected}"
    if owner is not published:
        raise WrongFileError(f"{path} holds {owner}, not {published}")
    return {published.field: array}, ""


def _decode_cifar10(published: PublishedFile, path: Path) -> tuple[Arrays, str]:
    if path.suffix == ".npz":
        arrays, checksums, inexact = read_npz(path)
        if inexact:
            total = len(arrays["x_train"]) + len(arrays["x_test"])
            return arrays, f"{inexact} of its {total} images differ from it"
    else:
        arrays, checksums = read_batches(path)
    known = published.contents
    others = [name for name in known if not checksums[name] & {*known[name]}]
    return arrays, f"{', '.join(others)} differ" if others else ""
