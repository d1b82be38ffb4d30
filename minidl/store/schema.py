"""From JSON to dataclasses, with every key and every type checked on the way."""

import dataclasses
import reprlib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from minidl.store import read_json, refused

T = TypeVar("T")


class SchemaError(ValueError):
    """A value doesn't follow the schema; the message names its place."""


def read_as(kind: type[T], path: str | Path, key: str | None = None) -> T:
    """Return a kept JSON file as `kind`.

    Raises FileNotFoundError if there is none, and DamagedError if it isn't whole, has
    another key, or doesn't follow the schema.
    """
    content = read_json(path, key)
    with refused(path):
        return build(kind, content)


def build(kind: type[T], value: Any, place: str = "") -> T:
    """Return JSON data as `kind`: a dataclass, list, dict, union, plain type or Any."""
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return build_dataclass(kind, value, place)
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:  # int | None
        return None if value is None else build(parts[0], value, place)  # type: ignore
    check_type(origin or kind, value, place)
    if origin is list:
        items = enumerate(value)
        return [build(parts[0], v, f"{place}[{i}]") for i, v in items]  # type: ignore
    if origin is dict:
        pairs = value.items()
        return {k: build(parts[1], v, f"{place}.{k}") for k, v in pairs}  # type: ignore
    return value


def build_dataclass(kind: Any, value: Any, place: str) -> Any:
    """Return a JSON object as a dataclass; fields with defaults may be missing.

    (An older file lacks the fields that were added later.)
    """
    check_type(dict, value, place)
    hints = typing.get_type_hints(kind)
    required = {f.name for f in dataclasses.fields(kind) if not has_default(f)}
    wrong = (required - value.keys()) | (value.keys() - hints.keys())
    if wrong:
        name = min(wrong)
        what = "unknown" if name in value else "missing"
        raise SchemaError(f"{join(place, name)} is {what}")
    return kind(**{k: build(hints[k], value[k], join(place, k)) for k in value})


def has_default(field: dataclasses.Field[Any]) -> bool:
    """Return whether a dataclass's field may be left out."""
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def join(place: str, key: str) -> str:
    """Return the name of a key within a place."""
    return f"{place}.{key}".lstrip(".")


def check_type(kind: Any, value: Any, place: str) -> None:
    """Raise SchemaError unless value is a `kind`; integers are accepted as floats."""
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (
        isinstance(value, bool) and kind is not bool
    ):
        raise SchemaError(
            f"{place or 'the file'} must be {kind.__name__}, got {reprlib.repr(value)}"
        )
