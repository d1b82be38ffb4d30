"""Which units a configuration consists of, and the finished ones on disk.

A finished unit is kept at once under its key, so an evaluation that was interrupted
goes on where it was. The key covers the members' checksums: members that were trained
to other parameters are evaluated again.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

from ensembles import METHODS, MemberJob
from ensembles.member_files import member_path, read_member
from minidl.backend import Device
from minidl.store import key_of
from tutorials.paper.experiment.attack import Counts, Unit, evaluate, images_of
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.kept import Place, keep, read_kept

BLOCK = 1000  # images of a unit at most: minutes of work, not hours


def member_jobs(config: Configuration) -> dict[str, list[MemberJob]]:
    """Return the jobs of each method's members."""
    jobs = {}
    for method in config.methods:
        settings: dict[str, Any] = {
            "epochs": config.epochs,
            "batch_size": config.batch_size,
            "optimizer": config.optimizer,
            "lr": config.lr,
            "train_images": config.train_images,
        }
        if method == "gaussian-noise":
            settings["sigma"] = config.sigma
        make = METHODS[method]
        jobs[method] = make(config.members, config.seed, config.dataset, **settings)
    return jobs


def members_found(jobs: Sequence[MemberJob], folder: Path) -> int:
    """Return how many of these members are finished."""
    return sum(member_path(job, folder).exists() for job in jobs)


def check_saved(jobs: Sequence[MemberJob], folder: Path) -> None:
    """Raise OSError if members that were trained just now aren't in the folder."""
    lost = len(jobs) - members_found(jobs, folder)
    if lost:
        raise OSError(
            f"{lost} of {len(jobs)} members couldn't be saved in {folder}: make room "
            "there, then the same command goes on"
        )


def attacked(config: Configuration, test_images: int) -> int:
    """Return how many test images are attacked: the first so many."""
    return min(config.attacked_images or test_images, test_images)


def plan(config: Configuration, test_images: int, folder: Path) -> list[Unit]:
    """Return all units; the members must be trained."""
    units: list[Unit] = []
    n = attacked(config, test_images)
    for jobs in member_jobs(config).values():
        checksums = tuple(checksum(job, folder) for job in jobs)
        unit = partial(Unit, tuple(jobs), checksums)
        clean = [*blocks(0, n), *blocks(n, test_images)]
        units += [unit(None, {}, None, *block) for block in clean]
        for attack, parameters in config.attacks.items():
            for source in (*range(len(jobs)), None):
                units += [unit(attack, parameters, source, *b) for b in blocks(0, n)]
    return units


def blocks(first: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the ends of consecutive blocks of images."""
    for start in range(first, stop, BLOCK):
        yield start, min(start + BLOCK, stop)


def checksums(
    jobs: Sequence[MemberJob], folder: Path, team: str, training: str
) -> tuple[str, ...]:
    """Return the checksums of trained members.

    Raises FileNotFoundError if some aren't trained: in its message, `team` says whose
    they are and `training` what trains them.
    """
    missing = [job for job in jobs if not member_path(job, folder).exists()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(jobs)} {team} aren't in {folder}: {training} "
            "trains them"
        )
    return tuple(checksum(job, folder) for job in jobs)


def checksum(job: MemberJob, folder: Path) -> str:
    """Return a name of what a trained member computes, however it was trained."""
    return key_of(job.architecture, *read_member(job, folder).params)


def evaluate_units(
    units: Sequence[Unit],
    executor: Executor | None,
    folder: Path,
    fresh: bool = False,
    device: Device = "cpu",
) -> list[tuple[Unit, Counts]]:
    """Return all units with their counts, from disk or computed now and saved."""
    places = {place_of(unit, folder): unit for unit in units}
    counts = {} if fresh else read_kept(places, Counts)
    if counts:
        print(f"{len(counts)} of {len(units)} evaluations found in {folder}")
    missing = {place: unit for place, unit in places.items() if place not in counts}
    one = partial(evaluate, folder=folder, device=device)
    counts |= keep(missing, one, executor, "evaluations")
    return [(unit, counts[place]) for place, unit in places.items()]


def finished(units: Sequence[Unit], folder: Path) -> dict[Place, Counts]:
    """Return the counts on disk, by their places."""
    return read_kept([place_of(unit, folder) for unit in units], Counts)


def place_of(unit: Unit, folder: Path) -> Place:
    """Return where a unit's counts are kept."""
    dataset = unit.members[0].dataset
    key = key_of(unit, images_of(dataset))
    name = f"{unit.method}-{key[:16]}.json"
    return Place(folder / dataset / "evaluations" / name, key)
