"""Decoded arrays, kept on disk: the first load decodes, the others open a file.

Each source has one folder under `CACHE/decoded`: an uncompressed .npy file for each
array and, written last, `facts.json` with a key of the source (path, sizes, times of
change), a note about its bytes, and a checksum of each array's file. An entry that is
stale, damaged or half there is simply written again. Several processes may do so at
once: they write the same files, and each takes its name in one indivisible step.
"""

import os
import warnings
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minidl.data.places import cache_folder
from minidl.data.untrusted import MAX_BYTES, opened
from minidl.files import atomic_write
from minidl.npy import array_of, header_of
from minidl.store import key_of, read_json, write_json


class Decoded(NamedTuple):
    """The uint8 arrays of one source, and a note: "" if it's the published file.

    The note completes the sentence that begins with the source's path.
    """

    arrays: dict[str, NDArray[np.uint8]]
    note: str


FORMAT = 3  # raise it when a decoder returns something else for the same file

_checked: set[tuple[str, int, int, int]] = set()
_warned: set[str] = set()


def warn_once(message: str) -> None:
    """Emit a UserWarning the first time this process meets the message."""
    if message not in _warned:
        _warned.add(message)
        warnings.warn(message, UserWarning, stacklevel=2)


def decoded(
    dataset: str,
    source: Path,
    files: Sequence[Path],
    decode: Callable[[Path], Decoded],
) -> Decoded:
    """Return what `decode` makes of the source, decoding it only if it isn't cached.

    `files` are all that it reads. Warns once per process if the cache can't be used;
    the arrays are then kept in memory. Raises ValueError if a file changes meanwhile,
    and what `decode` raises.
    """
    source = source.absolute()
    key = _key(source, files)
    with suppress(Exception):  # no entry, or none that can be trusted
        return _read_entry(_entry(dataset, source), key)
    fresh = decode(source)
    if _key(source, files) != key:
        raise ValueError(f"{source}: changed while it was read")
    where = ""
    try:
        entry = _entry(dataset, source)
        where = f" in {entry.parent}"
        _write_entry(entry, fresh, key)
        return _read_entry(entry, key)
    except Exception as error:
        reason = getattr(error, "strerror", None) or error
        warn_once(f"decoded data can't be kept{where} ({reason}): decoded each time")
        return fresh


def _key(source: Path, files: Sequence[Path]) -> str:
    stamps = []
    for file in files:
        status = file.stat()
        times = status.st_mtime_ns, status.st_ctime_ns
        stamps.append((file.name, status.st_size, *times))
    return key_of(FORMAT, str(source), stamps)


def _entry(dataset: str, source: Path) -> Path:
    path_crc = zlib.crc32(os.fsencode(source))
    return cache_folder() / "decoded" / f"{dataset}-{source.name}-{path_crc:08x}"


def _read_entry(entry: Path, key: str) -> Decoded:
    facts = read_json(entry / "facts.json", key)
    crcs = facts["crc32"]
    arrays = {name: _open(entry / f"{name}.npy", crcs[name]) for name in crcs}
    return Decoded(arrays, facts["note"])


def _open(path: Path, crc: int) -> NDArray[np.uint8]:
    """Memory-map an array; its file is compared with `crc` once per process."""
    with opened(path, MAX_BYTES) as file:
        status = os.fstat(file.fileno())
        content = np.memmap(file, np.uint8, "r")
    seen = (str(path), status.st_size, status.st_mtime_ns, crc)
    if seen not in _checked:
        if zlib.crc32(content.data) != crc:
            raise ValueError(f"{path}: damaged")
        _checked.add(seen)
    return array_of(content)


def _write_entry(entry: Path, fresh: Decoded, key: str) -> None:
    crcs = {}
    for name, array in fresh.arrays.items():
        start = header_of(array)
        with atomic_write(entry / f"{name}.npy") as file:
            file.write(start)
            file.write(array.data)
        crcs[name] = zlib.crc32(array.data, zlib.crc32(start))
    write_json(entry / "facts.json", {"note": fresh.note, "crc32": crcs}, key)
