"""Saving and loading a network in the middle or at the end of its training.

A checkpoint is a file of kept arrays, see `store`: parameters, averages and states. It
holds no pickled objects, so that loading a stranger's file can't run code.
"""

from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np

from minidl.backend import Array, get_array_module, to_numpy
from minidl.checks import check_generator
from minidl.layers import Layer
from minidl.optimizers import Optimizer
from minidl.store import (
    MAX_ARRAYS,
    MAX_JSON,
    check,
    plain,
    read_arrays,
    refused,
    to_json,
    write_arrays,
)

AVERAGES = 16  # for each parameter at most; usual optimizers have one or two


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
    facts = {
        "config": plain(dict(config or {}), "config"),
        "rng": None if rng is None else rng.bit_generator.state,
        "optimizer": None if optimizer is None else optimizer.settings,
    }
    write_arrays(path, arrays, facts)


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
    DamagedError if it isn't whole, and ValueError if it belongs to another
    `config` or doesn't fit the model, the optimizer or the generator; nothing is
    changed then.
    """
    size = sum(p.data.nbytes for p in model.params)
    arrays, facts = read_checkpoint(path, most=MAX_JSON + AVERAGES * size)
    check_config(path, facts["config"], config)
    targets = state_arrays(model, optimizer)
    check_fit(path, arrays, targets)
    settings = fitting_settings(path, facts, optimizer)
    if rng is not None:
        check_kind(path, facts["rng"], rng)
        rng.bit_generator.state = facts["rng"]
    for name, target in targets.items():
        target[...] = get_array_module(target).asarray(arrays[name])
    if optimizer is not None:
        optimizer.t = int(arrays["optimizer.t"])
        for name, value in settings.items():
            setattr(optimizer, name, value)
    return dict(facts["config"])


def state_arrays(model: Layer, optimizer: Optimizer | None) -> dict[str, Array]:
    """Return the arrays that a checkpoint holds, by name."""
    arrays = {f"param.{i}": p.data for i, p in enumerate(model.params)}
    state = {} if optimizer is None else optimizer.state
    return arrays | {f"optimizer.{name}": a for name, a in state.items()}


def read_checkpoint(
    path: str | Path, most: int = MAX_ARRAYS
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays in a file, and what it says of them: config, rng, optimizer."""
    arrays, facts = read_arrays(path, most=most)
    with refused(path):
        check(isinstance(facts["config"], dict), "its config is no object")
        settings = (facts.get("optimizer") or {}).values()
        check(
            all(type(s) in (int, float) for s in settings), "a setting isn't a number"
        )
        return arrays, {"rng": None, **facts}


def check_config(
    path: str | Path, saved: Mapping[str, Any], wanted: Mapping[str, Any] | None
) -> None:
    """Raise ValueError, naming the first difference, unless saved is as wanted."""
    if wanted is None:
        return
    asked: dict[str, Any] = plain(dict(wanted), "config")
    for key in sorted(saved.keys() | asked.keys()):
        if to_json(saved.get(key)) != to_json(asked.get(key)):
            raise ValueError(
                f"{path} belongs to another configuration: {key} is "
                f"{saved.get(key)!r}, wanted {asked.get(key)!r}"
            )


def check_kind(path: str | Path, saved: Any, rng: np.random.Generator) -> None:
    """Raise ValueError unless the file holds the state of such a generator."""
    with refused(path):
        found = "missing" if saved is None else saved["bit_generator"]
    wanted = type(rng.bit_generator).__name__
    if found != wanted:
        raise ValueError(f"{path} doesn't fit: rng is {found}, wanted {wanted}")
    with refused(path):
        type(rng.bit_generator)(0).state = saved


def fitting_settings(
    path: str | Path, facts: Mapping[str, Any], optimizer: Optimizer | None
) -> dict[str, float]:
    """Return an optimizer's saved settings; ValueError if they are another kind's.

    Files of earlier versions hold none.
    """
    if optimizer is None:
        return {}
    saved: dict[str, float] = facts.get("optimizer") or {}
    if saved and saved.keys() != optimizer.settings.keys():
        raise ValueError(
            f"{path} doesn't fit: the optimizer has {', '.join(saved)}, wanted "
            f"{', '.join(optimizer.settings)}"
        )
    trial = copy(optimizer)
    try:
        for name, value in saved.items():
            setattr(trial, name, value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} doesn't fit: {error}") from error
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
