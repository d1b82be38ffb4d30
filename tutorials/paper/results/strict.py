"""Accuracies of each ensemble under adaptive attacks, one file a method.

The file stands beside the results of the same members, and is read the same way:
`random-init-strict.json` is `Strict` with one method.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from minidl.store import check, refused, write_json
from tutorials.paper.experiment.config import PLAIN, Configuration
from tutorials.paper.experiment.environment import Environment
from tutorials.paper.results.files import (
    check_same_experiment,
    path_of,
    read_parts,
)
from tutorials.paper.results.schema import Results
from tutorials.paper.results.scores import check_accuracies

KIND = "-strict"  # of file


@dataclass(frozen=True)
class Accuracies:
    """One ensemble at one eps."""

    clean: float
    attacks: dict[str, float]
    worst: float  # of images that withstand all attacks
    gradients: int  # of the ensemble, counted by image, in all attacks together
    # Each member's worst case, attacked alone on its own loss; older files lack it.
    singles: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        every = [self.clean, *self.attacks.values(), self.worst, *self.singles]
        check_accuracies(every)


@dataclass(frozen=True)
class Strict:
    """A method's file, or all files of a folder together."""

    dataset: str
    profile: str
    members: int
    epochs: int
    seed: int
    images: int  # the first so many test images
    eps: dict[str, float]  # the paper's, by attack
    methods: dict[str, dict[str, Accuracies]]  # by method, then by attack
    environment: Environment
    # By method, the mean of J in each member's last epoch: it identifies the members.
    last_losses: dict[str, list[float]]
    network: str = PLAIN


def write(result: Strict, folder: Path) -> None:
    """Write each method's file into a folder."""
    for method in result.methods:
        write_json(path_of(folder, method, KIND), of_methods(result, [method]))


def read_strict(
    folder: Path, config: Configuration, images: int | None = None
) -> Strict | None:
    """Return a folder's files as one result, None if there are none.

    It has the first file's environment, which no page shows. Raises DamagedError for a
    file of another kind, and ValueError, naming the first difference, for another
    experiment or number of images (None: the first file's).
    """
    files = read_parts(Strict, folder, check_complete, KIND)
    for path, part in files.items():
        images = images or part.images
        check_same_experiment(path, vars(part), experiment(config, images))
    parts = [*files.values()]
    if not parts:
        return None
    with refused(folder):
        columns = {tuple(a.attacks) for p in parts for a in accuracies(p)}
        check(len(columns) == 1, "its methods met different attacks")
    methods = {method: own for p in parts for method, own in p.methods.items()}
    losses = {method: own for p in parts for method, own in p.last_losses.items()}
    return replace(parts[0], methods=methods, last_losses=losses)


def check_complete(part: Strict) -> None:
    """Raise ValueError if a method's file lacks something."""
    check(part.last_losses.keys() == part.methods.keys(), "it lacks losses")
    methods = part.methods.values()
    check(all(own.keys() == part.eps.keys() for own in methods), "it lacks an eps")
    counts = {len(found.singles) for found in accuracies(part)}
    check(counts in ({0}, {part.members}), "it lacks single members")


def accuracies(part: Strict) -> list[Accuracies]:
    """Return all accuracies in a file."""
    return [found for method in part.methods.values() for found in method.values()]


def of_methods(found: Strict, methods: Sequence[str]) -> Strict | None:
    """Return the part of some methods, None if it is empty."""
    own = {m: found.methods[m] for m in methods}
    losses = {m: found.last_losses[m] for m in methods}
    return replace(found, methods=own, last_losses=losses) if own else None


def strict_of(results: Results, folder: Path) -> Strict | None:
    """Return the attacks on the members in a folder's results, None if there are none.

    Members that were trained again are other members. Raises as `read_strict`.
    """
    found = read_strict(folder, results.configuration)
    if found is None:
        return None
    losses = {
        method: last_losses(member.losses for member in own.members)
        for method, own in results.methods.items()
    }
    same = [m for m, own in found.last_losses.items() if losses.get(m) == own]
    return of_methods(found, same)


def with_singles(found: Strict | None) -> Strict | None:
    """Return the part of methods whose members were attacked alone, None if empty."""
    if found is None:
        return None
    methods = found.methods.items()
    attacked = [m for m, own in methods if all(a.singles for a in own.values())]
    return of_methods(found, attacked)


def last_losses(losses: Iterable[Sequence[float]]) -> list[float]:
    """Return each member's last loss, which identifies the members."""
    return [own[-1] for own in losses]


def experiment(config: Configuration, images: int) -> dict[str, Any]:
    """Return a configuration's settings that the file has, by their names there."""
    names = ("dataset", "profile", "network", "members", "epochs", "seed")
    eps = {attack: p["eps"] for attack, p in config.attacks.items()}
    return {n: getattr(config, n) for n in names} | {"images": images, "eps": eps}
