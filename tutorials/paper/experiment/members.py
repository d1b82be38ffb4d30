"""A configuration's members: who they are, their training, and finding them again."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ensembles import METHODS, MemberJob, train_ensemble
from ensembles.member_files import forget, load_member, member_path, read_member
from minidl.backend import Device
from minidl.layers import Sequential
from minidl.store import key_of
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.places import Places


@dataclass(frozen=True)
class Team:
    """One method's trained members, as workers find them."""

    jobs: tuple[MemberJob, ...]
    checksums: tuple[str, ...]  # of what the members compute
    folder: Path  # of runs

    @property
    def dataset(self) -> str:
        """The data set that the members were trained on."""
        return self.jobs[0].dataset

    @property
    def method(self) -> str:
        """The method that made the members."""
        return self.jobs[0].method


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


def train_members(
    jobs: Sequence[MemberJob], executor: Executor | None, places: Places
) -> None:
    """Train the members that aren't in the folder of runs yet.

    Raises OSError if one couldn't be saved there.
    """
    if places.fresh:
        for job in jobs:
            forget(job, places.runs)
    if found := members_found(jobs, places.runs):
        # Who has changed a layer must know that these were trained before.
        print(
            f"{found} of {len(jobs)} members found in {places.runs}; "
            "--fresh trains again",
            flush=True,
        )
    train_ensemble(jobs, executor, places.runs, places.jobs, places.device)
    check_saved(jobs, places.runs)


def members_found(jobs: Sequence[MemberJob], folder: Path) -> int:
    """Return how many of these members are trained."""
    return sum(member_path(job, folder).exists() for job in jobs)


def check_saved(jobs: Sequence[MemberJob], folder: Path) -> None:
    """Raise OSError if members that were trained just now aren't in the folder."""
    lost = len(jobs) - members_found(jobs, folder)
    if lost:
        raise OSError(
            f"{lost} of {len(jobs)} members couldn't be saved in {folder}: make room "
            "there, then the same command goes on"
        )


def find_team(
    jobs: Iterable[MemberJob], folder: Path, training: str = "the verb run"
) -> Team:
    """Return trained members.

    Raises FileNotFoundError, which says what trains them, if some are missing.
    """
    jobs = tuple(jobs)
    missing = len(jobs) - members_found(jobs, folder)
    if missing:
        raise FileNotFoundError(
            f"{missing} of {len(jobs)} members of {jobs[0].method} aren't in "
            f"{folder}: {training} trains them"
        )
    return Team(jobs, tuple(checksum(job, folder) for job in jobs), folder)


def checksum(job: MemberJob, folder: Path) -> str:
    """Return a name of what a trained member computes, however it was trained."""
    return key_of(job.architecture, *read_member(job, folder).params)


@lru_cache(maxsize=2)  # one piece of work after another has the same members
def load_members(
    team: Team, bits: int = 32, device: Device = "cpu"
) -> list[Sequential]:
    """Return trained members in float32 or float64, on a device."""
    dtype: Any = {32: np.float32, 64: np.float64}[bits]
    members = [load_member(job, team.folder).astype(dtype) for job in team.jobs]
    return [member.to_device(device) for member in members]
