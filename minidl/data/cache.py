"""Decoded arrays, kept on disk: the first load decodes, the others open a file.

Each source file has one folder under `CACHE/decoded`: an uncompressed .npy file for
each array, and `facts.json` with the identity of the source (path, size, time of
change), a note about its bytes, and a checksum for each array. An entry that is stale,
damaged or half there is simply built again. Several processes may do so at once: each
builds a folder of its own, and renaming it into place is one indivisible step.
"""

import json
import os
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minidl.data.places import cache_folder


class Decoded(NamedTuple):
    """The uint8 arrays of one source file, and a note: "" if it's the published file.

    The note completes the sentence that begins with the file's path.
    """

    arrays: dict[str, NDArray[np.uint8]]
    note: str


FORMAT = 2  # raise it when a decoder returns something else for the same file

_checked: set[tuple[str, int, int]] = set()
_warned: set[str] = set()


def warn_once(message: str) -> None:
    """Emit a UserWarning the first time this process meets the message."""
    if message not in _warned:
        _warned.add(message)
        warnings.warn(message, UserWarning, stacklevel=2)


def decoded(dataset: str, source: Path, decode: Callable[[Path], Decoded]) -> Decoded:
    """Return what `decode` makes of the source, decoding it only if it isn't cached.

    Warns once per process if the cache can't be written; the arrays are then kept in
    memory. Raises what `decode` raises.
    """
    source = source.absolute()
    identity = _identity(source)
    path_crc = zlib.crc32(os.fsencode(source))
    entry = cache_folder() / "decoded" / f"{dataset}-{source.name}-{path_crc:08x}"
    result = _read_entry(entry, identity)
    if result is None:
        result = _cached_if_possible(entry, decode(source), identity)
    return result


def _identity(source: Path) -> dict[str, Any]:
    size, changed = source.stat().st_size, source.stat().st_mtime_ns
    return {"path": str(source), "size": size, "changed": changed, "format": FORMAT}


def _read_entry(entry: Path, identity: dict[str, Any]) -> Decoded | None:
    """Return the cached arrays, or None if there are none that can be trusted."""
    try:
        facts = json.loads((entry / "facts.json").read_text(encoding="utf-8"))
        if facts["source"] != identity:
            return None
        crcs = facts["crc32"]
        arrays = {name: _open(entry / f"{name}.npy", crcs[name]) for name in crcs}
        return Decoded(arrays, str(facts["note"]))
    except Exception:  # what a damaged file raises is anybody's guess
        return None


def _open(path: Path, crc: int) -> NDArray[np.uint8]:
    """Memory-map an array; its bytes are compared with `crc` once per process."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    stat = path.stat()
    seen = (str(path), stat.st_size, stat.st_mtime_ns)
    if seen not in _checked:
        if array.dtype != np.uint8 or zlib.crc32(array.data) != crc:
            raise ValueError(f"{path}: damaged")
        _checked.add(seen)
    return np.asarray(array)  # the same mapped bytes as a plain array


def _cached_if_possible(
    entry: Path, fresh: Decoded, identity: dict[str, Any]
) -> Decoded:
    """Write the entry and open it; fall back to the arrays in memory."""
    reason = "it cannot be read back"
    try:
        _write_entry(entry, fresh, identity)
    except OSError as error:
        reason = error.strerror or str(error)
    stored = _read_entry(entry, identity)
    if stored is None:
        warn_once(f"{entry.parent} is not usable as a cache ({reason}): decoding anew")
        return fresh
    return stored


def _write_entry(entry: Path, fresh: Decoded, identity: dict[str, Any]) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=entry.parent))
    try:
        for name, array in fresh.arrays.items():
            _write(building / f"{name}.npy", array)
        crcs = {name: zlib.crc32(array.data) for name, array in fresh.arrays.items()}
        facts = {"source": identity, "note": fresh.note, "crc32": crcs}
        _write(building / "facts.json", json.dumps(facts, indent=1).encode())
        if _read_entry(entry, identity) is None:  # else another process was faster
            with suppress(FileNotFoundError):
                entry.rename(building / "old")
            building.rename(entry)
            shutil.rmtree(entry / "old", ignore_errors=True)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _write(path: Path, content: NDArray[np.uint8] | bytes) -> None:
    """Write a file and wait until it's on the disk, not only in the system's memory."""
    with path.open("xb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            np.save(file, content, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
