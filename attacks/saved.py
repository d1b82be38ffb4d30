"""Finished batches of an evaluation on disk, with their adversarial images (.npz)."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from attacks.outcomes import Outcome
from minidl.backend import Array
from minidl.files import atomic_write


def digest(*parts: str | Array) -> str:
    """Return a name that only equal texts and arrays have."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            found.update(f"{len(part)} {part}".encode())
        else:
            found.update(f"{part.dtype} {part.shape}".encode())
            found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()


def write_outcome(
    path: Path, run: str, identity: str, outcome: Outcome, x_adv: Array
) -> None:
    """Save a batch with what identifies its run and itself; whole or not at all."""
    with atomic_write(path) as file:
        np.savez(file, run=run, identity=identity, x_adv=x_adv, **vars(outcome))


def read_outcome(path: Path, run: str, identity: str) -> Outcome | None:
    """Return a saved batch, or None if there is none, or a damaged or another one.

    A batch that is the same in another run belongs to this one from now on.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = dict(file)  # the images too: their checksums tell of damage
        if str(parts["identity"]) != identity:
            return None
        found = Outcome(
            before=parts["before"],
            fooled=parts["fooled"],
            distance=parts["distance"],
            gradients=int(parts["gradients"]),
            queries=int(parts["queries"]),
            seconds=float(parts["seconds"]),
        )
        x_adv = parts["x_adv"]
    # RuntimeError: a flipped bit may claim that the file is encrypted.
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile):
        return None  # it is attacked and saved again
    if str(parts.get("run")) != run:
        write_outcome(path, run, identity, found, x_adv)
    return found


def adversarial_images(folder: str | Path, name: str) -> Array:
    """Return the adversarial images of one attack that an evaluation has saved.

    Shapes: (N, H, W, C). Raises FileNotFoundError if there are none, and ValueError
    if they are of several evaluations, or a batch between others is missing.
    """
    places = {}
    for path in Path(folder).glob("*.npz"):
        attack, _, start = path.stem.rpartition("-")
        if attack == name:
            places[int(start)] = path
    if not places:
        raise FileNotFoundError(f"no images of attack {name!r} in {folder}")
    starts = sorted(places)
    runs, parts = zip(*(read_images(places[start]) for start in starts), strict=True)
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


def read_images(path: Path) -> tuple[str, Array]:
    """Return the run that a batch belongs to, and its adversarial images."""
    with np.load(path, allow_pickle=False) as file:
        return str(file.get("run")), file["x_adv"]  # no run: by an older version
