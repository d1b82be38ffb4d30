"""Accuracies of each ensemble under adaptive attacks, one file a method.

It stands beside the method's results, of the same members, and is read the same way:
`random-init-strict.json` is `Strict` with that method alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ensembles import METHODS
from minidl.schema import read_as
from minidl.store import check, refused, write_json
from tutorials.paper.experiment.config import PLAIN, Configuration
from tutorials.paper.experiment.environment import Environment
from tutorials.paper.results.files import check_same_experiment
from tutorials.paper.results.schema import Results
from tutorials.paper.results.scores import Member, check_accuracies


@dataclass(frozen=True)
class Accuracies:
    """One ensemble at one eps."""

    clean: float
    attacks: dict[str, float]
    worst: float  # each image under the attack that is worst for it
    gradients: int  # of the ensemble, one an image, that all attacks took together
    # Each member's worst case, attacked alone on its own loss; older files lack it.
    singles: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        every = [self.clean, *self.attacks.values(), self.worst, *self.singles]
        check_accuracies(every)


@dataclass(frozen=True)
class Strict:
    """A method's file, or all of a folder: by method, by the attack with that eps."""

    dataset: str
    profile: str
    members: int
    epochs: int
    seed: int
    images: int  # the first so many test images
    eps: dict[str, float]  # the paper's, by attack
    methods: dict[str, dict[str, Accuracies]]
    environment: Environment
    # By method, the mean of J in each member's last epoch: which members these were.
    last_losses: dict[str, list[float]]
    network: str = PLAIN


def path_of(folder: Path, method: str) -> Path:
    """Return the file of a method."""
    return folder / f"{method}-strict.json"


def write(result: Strict, folder: Path) -> None:
    """Write each method's file into a folder."""
    for method, found in result.methods.items():
        losses = {method: result.last_losses[method]}
        alone = replace(result, methods={method: found}, last_losses=losses)
        write_json(path_of(folder, method), alone)


def read_strict(
    folder: Path, config: Configuration, images: int | None = None
) -> Strict | None:
    """Return what a folder's files say together, None if there are none.

    Raises DamagedError for a file that isn't one, and ValueError, naming the first
    difference, for another experiment or number of images (None: the first file's).
    """
    parts: list[Strict] = []
    for path in (path_of(folder, method) for method in METHODS):
        if path.exists():
            part = read_as(Strict, path)
            with refused(path):
                check_complete(part, path.name)
            images = images or part.images
            check_same_experiment(path, vars(part), experiment(config, images))
            parts.append(part)
    with refused(folder):
        columns = {tuple(a.attacks) for p in parts for a in accuracies(p)}
        check(len(columns) <= 1, "its methods were attacked otherwise")
    return join(parts) if parts else None


def check_complete(part: Strict, name: str) -> None:
    """Raise ValueError unless this is the whole file of one method."""
    own = [path_of(Path(), method).name for method in part.methods]
    check(own == [name], f"it holds {[*part.methods]}")
    check(part.last_losses.keys() == part.methods.keys(), "it lacks losses")
    check(all(m.keys() == part.eps.keys() for m in part.methods.values()), "no eps")
    counts = {len(found.singles) for found in accuracies(part)}
    check(counts in ({0}, {part.members}), "it lacks single members")


def accuracies(part: Strict) -> list[Accuracies]:
    """Return all accuracies in a file."""
    return [found for method in part.methods.values() for found in method.values()]


def join(parts: Sequence[Strict]) -> Strict:
    """Return several methods' files as one; pages don't show their environments."""
    return replace(
        parts[0],
        methods={method: m for part in parts for method, m in part.methods.items()},
        last_losses={method: v for p in parts for method, v in p.last_losses.items()},
    )


def strict_of(results: Results, folder: Path) -> Strict | None:
    """Return what a folder's files say of the members in its results, None if nothing.

    Members that were trained again are others.
    Raises as `read_strict`.
    """
    found = read_strict(folder, results.configuration)
    if found is None:
        return None
    methods = {
        method: budgets
        for method, budgets in found.methods.items()
        if method in results.methods
        and found.last_losses[method] == last_losses(results.methods[method].members)
    }
    return replace(found, methods=methods) if methods else None


def with_singles(found: Strict | None) -> Strict | None:
    """Return the methods whose members were attacked alone, too, None without any."""
    if found is None:
        return None
    methods = {
        method: budgets
        for method, budgets in found.methods.items()
        if all(own.singles for own in budgets.values())
    }
    return replace(found, methods=methods) if methods else None


def last_losses(members: Sequence[Member]) -> list[float]:
    """Return the mean of J in each member's last epoch."""
    return [member.losses[-1] for member in members]


def experiment(config: Configuration, images: int) -> dict[str, Any]:
    """Return the settings that the file has, too, by their names there."""
    return {
        "dataset": config.dataset,
        "profile": config.profile,
        "network": config.network,
        "members": config.members,
        "epochs": config.epochs,
        "seed": config.seed,
        "images": images,
        "eps": {attack: p["eps"] for attack, p in config.attacks.items()},
    }
