"""Finished work in files, each with a checksum and the key of its inputs.

A key is a name that only equal inputs have. A reader gives the expected key, and gets
either what was written or an error that names the file; a truncated, changed or foreign
file is never accepted. Other programs can read both formats:

    JSON     an object with `sha256`, `key` if there is one, and the content's names
    arrays   an uncompressed .npz file with the arrays, `sha256`, and a `description`
             in JSON that holds the key and all other facts

Files may be untrusted: their size is checked before they are read, nothing is unpacked
or unpickled, and no array is larger than its file.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minidl.backend import Array
from minidl.store.files import atomic_write, open_regular, write_text
from minidl.store.npy import arrays_in

MAX_JSON, MAX_ARRAYS = 2**25, 2**32  # bytes, far more than is ever kept
CHANGED = "its checksum doesn't match its content"


class DamagedError(ValueError):
    """A file doesn't hold what was written under its name: damaged, or foreign."""


def key_of(*parts: Any) -> str:
    """Return a name that only equal arrays and JSON-like values in this order have."""
    arrays = {str(i): p for i, p in enumerate(parts) if isinstance(p, np.ndarray)}
    others = [None if str(i) in arrays else p for i, p in enumerate(parts)]
    return digest(arrays, to_json(others))


def digest(arrays: Mapping[str, Array], text: str) -> str:
    """Return the SHA-256 of a text and of arrays, in hexadecimal."""
    sha256 = hashlib.sha256(text.encode())
    for name, array in sorted(arrays.items()):
        sha256.update(f"{name} {array.dtype.str} {array.shape}".encode())
        sha256.update(np.ascontiguousarray(array).view(np.uint8).data)
    return sha256.hexdigest()


def plain(value: Any, name: str = "content", typed: bool = False) -> Any:
    """Return a value as JSON gives it back; it may hold dataclasses and NumPy values.

    A dataclass becomes its `kept_fields`, or what its method `about` returns; with
    `typed`, below the full name of its class, so that no other class has its key.
    """

    def replaced(value: Any) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            about = value.about() if hasattr(value, "about") else kept_fields(value)
            kind = type(value)
            return {f"{kind.__module__}.{kind.__qualname__}": about} if typed else about
        if not hasattr(value, "tolist"):
            raise TypeError(f"{name} must be JSON-like, got {value!r} in it")
        return value.tolist()

    return json.loads(json.dumps(value, default=replaced))


def kept_fields(value: Any) -> dict[str, Any]:
    """Return a dataclass's fields, except those of its LATER that hold their default.

    The class lists there the names of fields that were added to it: what was kept
    before keeps its key.
    """
    later = getattr(type(value), "LATER", ())
    pairs = ((field, getattr(value, field.name)) for field in fields(value))
    return {f.name: v for f, v in pairs if not (f.name in later and v == f.default)}


def to_json(value: Any) -> str:
    """Return JSON text that is the same for equal values."""
    return json.dumps(plain(value), sort_keys=True)


def write_json(path: str | Path, content: Any, key: str | None = None) -> None:
    """Keep a JSON object or a dataclass.

    Raises ValueError, naming the file, for what `read_json` wouldn't return: NaN or
    infinity, names that are the file's own, and more than MAX_JSON bytes.
    """
    body = plain(content)
    if taken := {"sha256", "key"} & body.keys():
        raise ValueError(f"{path} has its own {' and '.join(sorted(taken))}")
    body |= {} if key is None else {"key": key}
    whole = {"sha256": digest({}, to_json(body)), **body}
    try:
        text = json.dumps(whole, indent=1, allow_nan=False) + "\n"
    except ValueError as error:
        raise ValueError(f"{path} can't hold NaN or infinity") from error
    if len(text) > MAX_JSON:
        raise ValueError(f"{path} can hold {MAX_JSON} bytes, got {len(text)}")
    write_text(path, text)


def read_json(path: str | Path, key: str | None = None) -> dict[str, Any]:
    """Return a kept object; without a key, whatever its key is.

    Raises FileNotFoundError if there is none, and DamagedError if it is damaged or has
    another key.
    """
    with refused(path), open_regular(path, MAX_JSON) as file:
        body = json.loads(file.read())
        check("sha256" in body, "it has no checksum")
        checksum = body.pop("sha256")
        check(checksum == digest({}, to_json(body)), CHANGED)
        check(key in (None, body.pop("key", None)), "it was made from other inputs")
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
    path: str | Path, key: str | None = None, most: int = MAX_ARRAYS
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return kept arrays and facts; without a key, whatever their key is.

    Raises FileNotFoundError if there is no file, and DamagedError if it is damaged, has
    another key, or more than `most` bytes.
    """
    with refused(path), open_regular(path, most) as file:
        arrays = arrays_in(file.read())
        check({"description", "sha256"} <= {*arrays}, "it has no checksum")
        text, checksum = (str(arrays.pop(name)) for name in ("description", "sha256"))
        check(checksum == digest(arrays, text), CHANGED)
        facts = json.loads(text)
        check(key in (None, facts.pop("key", None)), "it was made from other inputs")
        return arrays, facts


def check(right: bool, wrong: str) -> None:
    """Raise ValueError, with what is wrong as its text, unless a file is right."""
    if not right:
        raise ValueError(wrong)


@contextmanager
def refused(path: str | Path, errors: type[Exception] = Exception) -> Iterator[None]:
    """Turn any error caused by a file's content into a DamagedError that names it."""
    try:
        yield
    except OSError:
        raise
    except errors as error:
        text = f"{path} is damaged or not the expected file: {error}"
        raise DamagedError(text) from error
