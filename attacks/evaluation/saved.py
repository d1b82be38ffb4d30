"""Finished batches of an evaluation on disk, with their adversarial images (.npz)."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from attacks.evaluation.outcomes import Outcome
from minidl.backend import Array
from minidl.store import DamagedError, check, read_arrays, refused, write_arrays
from minidl.store.finish import Place

OF_IMAGES = ("before", "fooled", "distance")  # arrays; the others are numbers


def write_outcome(run: str, path: Path, found: tuple[Outcome, Array], key: str) -> None:
    """Save a batch atomically, with its own key and the key of its run."""
    outcome, x_adv = found
    facts = dict(vars(outcome), run=run)
    arrays = {name: facts.pop(name) for name in OF_IMAGES}
    write_arrays(path, {**arrays, "x_adv": x_adv}, facts, key)


def read_outcome(
    run: str, fools: Callable[[Place, Array], Array], path: Path, key: str
) -> tuple[Outcome, Array]:
    """Return a saved batch; raises FileNotFoundError or DamagedError.

    `fools` tells which of a batch's images fool the classifier now: others than those
    that did show another classifier. A batch with the same key from another run is
    saved again as this run's.
    """
    its_run, outcome, x_adv = read_batch(path, key)
    if not np.array_equal(fools(Place(path, key), x_adv), outcome.fooled):
        raise DamagedError(f"{path} was made against another classifier")
    if its_run != run:
        write_outcome(run, path, (outcome, x_adv), key)
    return outcome, x_adv


def read_batch(path: Path, key: str | None = None) -> tuple[str, Outcome, Array]:
    """Return the key of a batch's run, the outcome, and the adversarial images."""
    arrays, facts = read_arrays(path, key)
    parts: dict[str, Any] = {**arrays, **facts}
    with refused(path):
        run, x_adv = str(parts.pop("run")), parts.pop("x_adv")
        lengths = {len(parts[name]) for name in OF_IMAGES}
        check(lengths == {len(x_adv)}, "its arrays have different lengths")
        return run, Outcome(**parts), x_adv


def adversarial_images(folder: str | Path, name: str) -> Array:
    """Return one attack's adversarial images, which an evaluation has saved.

    Shapes: (N, H, W, C). Raises FileNotFoundError if there are none, DamagedError if a
    batch is damaged, and ValueError if batches come from several evaluations, or a
    batch between others is missing. Other files in the folder are ignored.
    """
    batch = re.compile(re.escape(name) + r"-(0|[1-9][0-9]*)\.npz")
    found = [batch.fullmatch(path.name) for path in Path(folder).glob("*.npz")]
    starts = sorted(int(match[1]) for match in found if match)
    if not starts:
        raise FileNotFoundError(f"no images of attack {name!r} in {folder}")
    batches = [read_batch(Path(folder) / f"{name}-{start}.npz") for start in starts]
    runs, _, parts = zip(*batches, strict=True)
    if len(set(runs)) > 1:
        raise ValueError(
            f"{folder} must hold one evaluation of attack {name!r}, got batches of "
            f"{len(set(runs))}: give each a folder of its own"
        )
    ends = np.cumsum([len(part) for part in parts])
    if starts != [0, *ends[:-1]]:
        raise ValueError(
            f"{folder} must hold all batches of attack {name!r}, got those that start "
            f"at {starts}: evaluate again to fill the gaps"
        )
    return np.concatenate(parts)
