"""Saving and loading a network in the middle or at the end of its training.

A checkpoint is one .npz file: arrays, a description in JSON and a SHA-256 of both.
It is written under a temporary name and renamed when it is complete, and it holds no
pickled objects, so that loading a stranger's file can't run code.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minidl.backend import Array, get_array_module, to_numpy
from minidl.checks import check_generator
from minidl.files import atomic_write
from minidl.layers import Layer
from minidl.optimizers import Optimizer


class DamagedCheckpointError(ValueError):
    """A file isn't a whole checkpoint, or not what was written."""


def save_checkpoint(
    path: str | Path,
    model: Layer,
    optimizer: Optimizer | None = None,
    rng: np.random.Generator | None = None,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Write parameters, and if given the optimizer's and the generator's state.

    `config` is any JSON-like description of what the numbers belong to. Raises
    TypeError for others.
    """
    if rng is not None:
        check_generator("rng", rng)
    arrays = {name: to_numpy(a) for name, a in state_arrays(model, optimizer).items()}
    description = to_json(
        {
            "config": dict(config or {}),
            "rng": None if rng is None else rng.bit_generator.state,
            "optimizer": None if optimizer is None else optimizer.settings,
        }
    )
    checksum = digest(arrays, description)
    content: dict[str, Any] = {"description": description, "sha256": checksum}
    content |= arrays
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, **content)


def load_checkpoint(
    path: str | Path,
    model: Layer,
    optimizer: Optimizer | None = None,
    rng: np.random.Generator | None = None,
    config: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Bring a model, and if given optimizer and generator, to the saved state.

    The optimizer's settings are restored, too: training goes on as it was.
    Returns the saved config. Raises FileNotFoundError if there is no file,
    DamagedCheckpointError if it isn't whole, and ValueError if it belongs to another
    `config` or doesn't fit the model, the optimizer or the generator; nothing is
    changed then.
    """
    arrays, description = read_checkpoint(path)
    check_config(path, description["config"], config)
    targets = state_arrays(model, optimizer)
    check_fit(path, arrays, targets)
    settings = fitting_settings(path, description, optimizer)
    if rng is not None:
        check_kind(path, description["rng"], rng)
        rng.bit_generator.state = description["rng"]
    for name, target in targets.items():
        target[...] = get_array_module(target).asarray(arrays[name])
    if optimizer is not None:
        optimizer.t = int(arrays["optimizer.t"])
        for name, value in settings.items():
            setattr(optimizer, name, value)
    return dict(description["config"])


def to_json(value: Any) -> str:
    """Return JSON, of NumPy's arrays and numbers too: generators' states have some."""

    def plain(value: Any) -> Any:
        if not hasattr(value, "tolist"):
            raise TypeError(f"config must be JSON-like, got {value!r} in it")
        return value.tolist()

    return json.dumps(value, default=plain)


def state_arrays(model: Layer, optimizer: Optimizer | None) -> dict[str, Array]:
    """Return the arrays that a checkpoint holds, by name."""
    arrays = {f"param.{i}": p.data for i, p in enumerate(model.params)}
    state = {} if optimizer is None else optimizer.state
    return arrays | {f"optimizer.{name}": a for name, a in state.items()}


def read_checkpoint(path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the description in a file, verified by its checksum."""
    content = io.BytesIO(Path(path).read_bytes())
    try:
        with np.load(content, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        description = str(arrays.pop("description"))
        checksum = str(arrays.pop("sha256"))
    except Exception as error:  # damage makes the parsers fail in any way
        raise DamagedCheckpointError(
            f"{path} is not a whole checkpoint: {error}"
        ) from error
    if digest(arrays, description) != checksum:
        raise DamagedCheckpointError(
            f"{path} is damaged: its checksum doesn't match its content"
        )
    return arrays, json.loads(description)


def digest(arrays: Mapping[str, Array], description: str) -> str:
    """Return the SHA-256 of names, types, shapes and bytes, in hexadecimal."""
    sha256 = hashlib.sha256(description.encode())
    for name, array in sorted(arrays.items()):
        sha256.update(f"{name} {array.dtype.str} {array.shape}".encode())
        sha256.update(array.tobytes())
    return sha256.hexdigest()


def check_config(
    path: str | Path, saved: Mapping[str, Any], wanted: Mapping[str, Any] | None
) -> None:
    """Raise ValueError, naming the first difference, unless saved is as wanted."""
    if wanted is None:
        return
    wanted = json.loads(to_json(dict(wanted)))  # tuples become lists, as on disk
    for key in sorted(saved.keys() | wanted.keys()):
        if to_json(saved.get(key)) != to_json(wanted.get(key)):
            raise ValueError(
                f"{path} belongs to another configuration: {key} is "
                f"{saved.get(key)!r}, wanted {wanted.get(key)!r}"
            )


def check_kind(
    path: str | Path, saved: Mapping[str, Any] | None, rng: np.random.Generator
) -> None:
    """Raise ValueError unless the file holds the state of such a generator."""
    found = "missing" if saved is None else saved["bit_generator"]
    wanted = type(rng.bit_generator).__name__
    if found != wanted:
        raise ValueError(f"{path} doesn't fit: rng is {found}, wanted {wanted}")


def fitting_settings(
    path: str | Path, description: Mapping[str, Any], optimizer: Optimizer | None
) -> dict[str, float]:
    """Return an optimizer's saved settings; ValueError if they are another kind's.

    Files of earlier versions hold none.
    """
    if optimizer is None:
        return {}
    saved: dict[str, float] = description.get("optimizer") or {}
    if saved and saved.keys() != optimizer.settings.keys():
        raise ValueError(
            f"{path} doesn't fit: the optimizer has {', '.join(saved)}, wanted "
            f"{', '.join(optimizer.settings)}"
        )
    return saved


def check_fit(
    path: str | Path, arrays: Mapping[str, Array], targets: Mapping[str, Array]
) -> None:
    """Raise ValueError unless file and targets hold the same parameters and averages.

    The optimizer's averages in a file are no concern of a caller without an optimizer.
    """
    kinds = {name.split(".")[0] for name in targets} | {"param"}
    relevant = {name for name in arrays if name.split(".")[0] in kinds}
    for name in sorted(targets.keys() | relevant):
        found, wanted = (describe(a.get(name)) for a in (arrays, targets))
        if found != wanted:
            raise ValueError(f"{path} doesn't fit: {name} is {found}, wanted {wanted}")


def describe(array: Array | None) -> str:
    """Return type and shape in words."""
    return "missing" if array is None else f"{array.dtype} {array.shape}"
