"""Saving and loading a network in the middle or at the end of its training.

A checkpoint is a file of arrays (see `store`): parameters, averages and states. It has
no pickled objects, so loading an untrusted file can't run code.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minidl.backend import Array, get_array_module, to_numpy
from minidl.checks.rules import Rule, checked
from minidl.layers import Layer
from minidl.optimizers import Optimizer
from minidl.store import (
    MAX_JSON,
    check,
    kept_fields,
    plain,
    read_arrays,
    refused,
    to_json,
    write_arrays,
)
from minidl.store.schema import build

# Arguments with a state to save or to restore.
STATE: dict[str, Rule] = {
    **{"model": Layer, "optimizer": Optimizer, "rng": "generator", "config": Mapping}
}
AVERAGES = 16  # per parameter, at most; usual optimizers have one or two


@dataclass(frozen=True)
class Facts:
    """What a checkpoint holds besides its arrays."""

    LATER: ClassVar = ("seeds",)

    config: dict[str, Any]
    rng: dict[str, Any] | None = None
    optimizer: dict[str, float] | None = None  # its settings
    seeds: dict[str, Any] | None = None  # from which the generator spawns others


@checked(**STATE)
def save_checkpoint(
    path: str | Path,
    model: Layer,
    optimizer: Optimizer | None = None,
    rng: np.random.Generator | None = None,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Write the parameters and, if given, the states of optimizer and generator.

    `config` is a JSON-like description of what the numbers belong to. Raises TypeError
    for anything else.
    """
    arrays = {name: to_numpy(a) for name, a in state_arrays(model, optimizer).items()}
    facts = Facts(
        config=plain(dict(config or {}), "config"),
        rng=None if rng is None else dict(rng.bit_generator.state),
        optimizer=None if optimizer is None else optimizer.settings,
        seeds=None if rng is None else seeds_of(rng),
    )
    write_arrays(path, arrays, kept_fields(facts))


@checked(**STATE)
def load_checkpoint(
    path: str | Path,
    model: Layer,
    optimizer: Optimizer | None = None,
    rng: np.random.Generator | None = None,
    config: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Restore the saved state of a model and, if given, of optimizer and generator.

    The optimizer's settings are restored, too, so training continues as before.
    Returns the saved config. Raises FileNotFoundError if there is no file,
    DamagedError if it is damaged, and ValueError if it belongs to another
    `config` or doesn't fit the model, the optimizer or the generator; then nothing is
    changed.
    """
    size = sum(p.data.nbytes for p in model.params)
    arrays, facts = read_arrays(path, most=MAX_JSON + AVERAGES * size)
    with refused(path):
        saved = build(Facts, facts)
    check_config(path, saved.config, config)
    targets = state_arrays(model, optimizer)
    with fitting(path):
        check_arrays(arrays, targets)
        restore(saved, copy(optimizer), deepcopy(rng))
    restore(saved, optimizer, rng)
    for name, target in targets.items():
        target[...] = get_array_module(target).asarray(arrays[name])
    if optimizer is not None:
        optimizer.t = int(arrays["optimizer.t"])
    return saved.config


def state_arrays(model: Layer, optimizer: Optimizer | None) -> dict[str, Array]:
    """Return the arrays that a checkpoint holds, by name."""
    arrays = {f"param.{i}": p.data for i, p in enumerate(model.params)}
    state = {} if optimizer is None else optimizer.state
    return arrays | {f"optimizer.{name}": a for name, a in state.items()}


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


def check_arrays(arrays: Mapping[str, Array], targets: Mapping[str, Array]) -> None:
    """Raise ValueError unless file and targets hold the same parameters and averages.

    Without an optimizer, its averages in the file are ignored.
    """
    kinds = {name.split(".")[0] for name in targets} | {"param"}
    relevant = {name for name in arrays if name.split(".")[0] in kinds}
    for name in sorted(targets.keys() | relevant):
        found, wanted = (describe(a.get(name)) for a in (arrays, targets))
        check(found == wanted, f"{name} is {found}, wanted {wanted}")


def seeds_of(rng: np.random.Generator) -> dict[str, Any] | None:
    """Return what a generator spawns others from, if it is NumPy's usual sequence."""
    seeds = rng.bit_generator.seed_seq
    return dict(seeds.state) if isinstance(seeds, np.random.SeedSequence) else None


def describe(array: Array | None) -> str:
    """Return type and shape in words."""
    return "missing" if array is None else f"{array.dtype} {array.shape}"


def restore(
    saved: Facts, optimizer: Optimizer | None, rng: np.random.Generator | None
) -> None:
    """Restore an optimizer's settings and a generator's state.

    Raises ValueError or TypeError if another kind of either was saved.
    """
    if rng is not None:
        wanted = type(rng.bit_generator).__name__
        found = "missing" if saved.rng is None else saved.rng.get("bit_generator")
        check(found == wanted, f"rng is {found}, wanted {wanted}")
        rng.bit_generator.state = saved.rng or {}
        if saved.seeds is not None:
            restore_seeds(saved.seeds, rng)
    if optimizer is not None and saved.optimizer:
        none = {"weight_decay": 0.0}  # which isn't saved
        settings, expected = none | saved.optimizer, none | optimizer.settings
        both = f"{', '.join(settings)}, wanted {', '.join(expected)}"
        check(settings.keys() == expected.keys(), f"the optimizer has {both}")
        for name, value in settings.items():
            setattr(optimizer, name, value)


def restore_seeds(seeds: dict[str, Any], rng: np.random.Generator) -> None:
    """Let a generator spawn the others that the saved one would have spawned next.

    Raises ValueError for a sequence of another size than the generator's own, which
    bounds the memory.
    """
    wanted = getattr(rng.bit_generator.seed_seq, "pool_size", 4)
    found = seeds.get("pool_size")
    check(found == wanted, f"the seeds' pool_size is {found}, wanted {wanted}")
    state = rng.bit_generator.state, np.random.SeedSequence(**seeds)
    rng.bit_generator.__setstate__(state)  # type: ignore[attr-defined]  # unpickling's


@contextmanager
def fitting(path: str | Path) -> Iterator[None]:
    """Turn any error into a ValueError, which says that the file doesn't fit."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"{path} doesn't fit: {error}") from error
