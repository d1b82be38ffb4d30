"""strict.json: what is left of each ensemble under attacks that fit it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minidl.schema import read_as
from minidl.store import check, refused, write_json
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.results import Environment, Member, Results, check_accuracies
from tutorials.paper.results.merge import check_same_experiment


@dataclass(frozen=True)
class Accuracies:
    """One ensemble at one eps."""

    clean: float
    attacks: dict[str, float]
    worst: float  # each image under the attack that is worst for it
    gradients: int  # of the ensemble, one an image, that all attacks took together

    def __post_init__(self) -> None:
        check_accuracies([self.clean, *self.attacks.values(), self.worst])


@dataclass(frozen=True)
class Strict:
    """The whole file: by method, and by the paper's attack whose eps was taken."""

    dataset: str
    profile: str
    members: int
    epochs: int
    seed: int
    images: int  # the first so many test images
    eps: dict[str, float]
    methods: dict[str, dict[str, Accuracies]]
    environment: Environment
    # By method, the mean of J in each member's last epoch: which members these were.
    last_losses: dict[str, list[float]]


def strict_path(folder: Path) -> Path:
    """Return where a folder of results keeps the file."""
    return folder / "strict.json"


def write(result: Strict, folder: Path) -> None:
    """Write strict.json into a folder."""
    write_json(strict_path(folder), result)


def read_strict(folder: Path) -> Strict | None:
    """Return a folder's file, None without one; DamagedError if it isn't one."""
    path = strict_path(folder)
    if not path.exists():
        return None
    found = read_as(Strict, path)
    with refused(path):
        teams = list(found.methods.values())
        check(all(team.keys() == found.eps.keys() for team in teams), "it lacks an eps")
        attacks = {tuple(left.attacks) for team in teams for left in team.values()}
        check(len(attacks) == 1, "its methods were attacked otherwise")
    return found


def strict_of(results: Results, folder: Path) -> Strict | None:
    """Return what a folder's file says of the members in its results, None if nothing.

    Members that were trained again are others.

    Raises ValueError, naming the first difference, if it is another experiment's.
    """
    found = earlier_strict(folder, results.configuration)
    if found is None:
        return None
    methods = {
        method: budgets
        for method, budgets in found.methods.items()
        if method in results.methods and same_members(found, results, method)
    }
    return replace(found, methods=methods) if methods else None


def same_members(found: Strict, results: Results, method: str) -> bool:
    """Return whether the attacked members are those of the results."""
    now = last_losses(results.methods[method].members)
    return found.last_losses.get(method) == now


def last_losses(members: Sequence[Member]) -> list[float]:
    """Return the mean of J in each member's last epoch."""
    return [member.losses[-1] for member in members]


def earlier_strict(
    folder: Path, config: Configuration, images: int | None = None
) -> Strict | None:
    """Return what a folder holds of the same experiment, None if it has nothing.

    Of so many images; None takes any number.

    Raises ValueError, naming the first difference, if it is another experiment's.
    """
    found = read_strict(folder)
    if found is None:
        return None
    wanted = experiment(config, found.images if images is None else images)
    check_same_experiment(strict_path(folder), vars(found), wanted)
    return found


def experiment(config: Configuration, images: int) -> dict[str, Any]:
    """Return the settings that the file has, too, by their names there."""
    return {
        "dataset": config.dataset,
        "profile": config.profile,
        "members": config.members,
        "epochs": config.epochs,
        "seed": config.seed,
        "images": images,
        "eps": {attack: p["eps"] for attack, p in config.attacks.items()},
    }
