"""Finished work in files: kept with the key of what made it and a checksum.

A key is a name that only equal inputs have. Who reads a file says which key it must
have, and gets what was written or an error that names the file: never half of it,
another's, or what somebody changed. There are two formats, both readable by others:

    JSON     an object with `sha256`, `key` if there is one, and the content's names
    arrays   an uncompressed .npz file with the arrays, `sha256`, and a `description`
             in JSON that holds the key and all other facts

Any file may be handed in: its size is looked at before it is read, nothing is
unpacked or unpickled, and no array is larger than its file.
"""

import hashlib
import io
import json
import math
import stat
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minidl.backend import Array
from minidl.files import atomic_write, write_text

NPY_HEADER = 2**14  # bytes; NumPy takes no header of more than 10,000 from strangers
MAX_JSON, MAX_ARRAYS = 2**25, 2**32  # bytes: nothing that is kept comes near


class DamagedError(ValueError):
    """A file isn't what was kept under its name: damaged, or another's."""


def key_of(*parts: Any) -> str:
    """Return a name that only equal arrays and JSON-like values, in order, have."""
    arrays = {str(i): p for i, p in enumerate(parts) if isinstance(p, np.ndarray)}
    others = [None if str(i) in arrays else p for i, p in enumerate(parts)]
    return digest(arrays, to_json(others))


def digest(arrays: Mapping[str, Array], text: str) -> str:
    """Return the SHA-256 of a text and of arrays, in hexadecimal."""
    sha256 = hashlib.sha256(text.encode())
    for name, array in sorted(arrays.items()):
        sha256.update(f"{name} {array.dtype.str} {array.shape}".encode())
        sha256.update(array.tobytes())
    return sha256.hexdigest()


def plain(value: Any, name: str = "content") -> Any:
    """Return a value as JSON gives it back; of dataclasses and NumPy's values, too."""

    def replaced(value: Any) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            return asdict(value)
        if not hasattr(value, "tolist"):
            raise TypeError(f"{name} must be JSON-like, got {value!r} in it")
        return value.tolist()

    return json.loads(json.dumps(value, default=replaced))


def to_json(value: Any) -> str:
    """Return the one text of all equal values."""
    return json.dumps(plain(value), sort_keys=True)


def write_json(path: str | Path, content: Any, key: str | None = None) -> None:
    """Keep a JSON object or a dataclass."""
    body = plain(content) | ({} if key is None else {"key": key})
    whole = {"sha256": digest({}, to_json(body)), **body}
    write_text(path, json.dumps(whole, indent=1, allow_nan=False) + "\n")


def read_json(path: str | Path, key: str | None = None) -> dict[str, Any]:
    """Return a kept object; without a key, whatever its key is.

    Raises FileNotFoundError if there is none, and DamagedError if it isn't whole or
    has another key.
    """
    content = read_bytes(path, MAX_JSON)
    with refused(path):
        body = json.loads(content)
        checksum = body.pop("sha256")
        check(
            checksum == digest({}, to_json(body)),
            "its checksum doesn't match its content",
        )
        check(key in (None, body.pop("key", None)), "it holds other work")
        return body


def write_arrays(
    path: str | Path,
    arrays: Mapping[str, Array],
    facts: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> None:
    """Keep arrays, and JSON-like facts about them."""
    text = json.dumps(plain({**(facts or {}), "key": key}))
    content: dict[str, Any] = {"description": text, "sha256": digest(arrays, text)}
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, **content, **arrays)


def read_arrays(
    path: str | Path, key: str | None = None
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return kept arrays and facts; without a key, whatever their key is.

    Raises FileNotFoundError if there is no file, and DamagedError if it isn't whole or
    has another key.
    """
    content = read_bytes(path, MAX_ARRAYS)
    with refused(path):
        arrays = unpack(content)
        check({"description", "sha256"} <= {*arrays}, "it has no checksum")
        text, checksum = (str(arrays.pop(name)) for name in ("description", "sha256"))
        check(
            checksum == digest(arrays, text), "its checksum doesn't match its content"
        )
        facts = json.loads(text)
        check(key in (None, facts.pop("key", None)), "it holds other work")
        return arrays, facts


def read_bytes(path: str | Path, most: int) -> bytes:
    """Return a file's content, unless it is no file or holds more than `most`."""
    about = Path(path).stat()
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(f"{path} is a folder, not a file")
    with refused(path):
        check(stat.S_ISREG(about.st_mode), "it isn't a regular file")
        check(
            about.st_size <= most,
            f"it has {about.st_size} bytes, {most} at most are read",
        )
    return Path(path).read_bytes()


def unpack(content: bytes) -> dict[str, Array]:
    """Return the arrays in the bytes of an uncompressed .npz file."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        parts = {part.filename.removesuffix(".npy"): part for part in file.infolist()}
        size = sum(part.file_size for part in file.infolist())
        stored = all(p.compress_type == zipfile.ZIP_STORED for p in parts.values())
        check(stored and size <= len(content), "it is compressed or overlaps")
        check(len(parts) == len(file.infolist()), "two of its arrays have one name")
        return {name: array_of(file.read(part)).copy() for name, part in parts.items()}


def array_of(content: Any) -> Array:
    """Return the array in the bytes of an .npy file, without copying them.

    Raises an error unless the header announces the very bytes that follow it.
    """
    header = io.BytesIO(bytes(content[:NPY_HEADER]))
    version = np.lib.format.read_magic(header)
    check(version == (1, 0), f"it has arrays of format {version}")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(header)
    check(dtype.kind in "biufU", f"it has an array of type {dtype}")
    size, found = math.prod(shape) * dtype.itemsize, len(content) - header.tell()
    check(size == found, f"{dtype} {shape} announced, {found} bytes follow")
    flat = np.frombuffer(content, dtype, offset=header.tell())
    return flat.reshape(shape, order="F" if fortran else "C")


def check(right: bool, wrong: str) -> None:
    """Raise ValueError, which says what is wrong, unless a file is right."""
    if not right:
        raise ValueError(wrong)


@contextmanager
def refused(path: str | Path) -> Iterator[None]:
    """Turn any error that a file causes into one that names it."""
    try:
        yield
    except Exception as error:
        raise DamagedError(f"{path} is damaged or another's: {error}") from error


def set_aside(path: Path, error: DamagedError, then: str) -> None:
    """Rename a damaged file, so that its work is done again, and say so."""
    with suppress(FileNotFoundError):  # another process was faster
        path.replace(path.with_suffix(".damaged"))
    warnings.warn(f"{error}; set aside, {then}", stacklevel=3)
