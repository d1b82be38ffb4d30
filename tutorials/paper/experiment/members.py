"""A configuration's members: their jobs, their training, and finding them again."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ensembles import METHODS, MemberJob, training
from ensembles.member_files import (
    TrainedMember,
    check_saved,
    forget,
    load_member,
    member_path,
    members_found,
    read_member,
)
from minidl.backend import Device
from minidl.layers import Sequential
from tutorials.paper.experiment.config import Configuration, table_of
from tutorials.paper.experiment.places import Places


@dataclass(frozen=True)
class Team:
    """One method's trained members, and where workers find them."""

    jobs: tuple[MemberJob, ...]
    checksums: tuple[str, ...]  # of what the members compute
    folder: Path  # of runs
    losses: tuple[list[float], ...] = field(default=(), compare=False)  # by epoch
    seconds: tuple[float, ...] = field(default=(), compare=False)
    attempts: tuple[int, ...] = field(default=(), compare=False)  # the one that started

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
    names = ("epochs", "batch_size", "optimizer", "lr", "train_images", "attempts")
    settings: dict[str, Any] = {name: getattr(config, name) for name in names}
    settings["architecture"] = table_of(config.dataset, config.network)
    own = {"gaussian-noise": {"sigma": config.sigma}}
    where = config.members, config.seed, config.dataset
    return {
        method: METHODS[method](*where, **settings, **own.get(method, {}))
        for method in config.methods
    }


def train_teams(
    methods: Mapping[str, Sequence[MemberJob]],
    executor: Executor | None,
    places: Places,
) -> list[Team]:
    """Return each method's members; train those that aren't in the folder of runs yet.

    Raises OSError if a member couldn't be saved there.
    """
    jobs = [job for own in methods.values() for job in own]
    if places.fresh:
        for job in jobs:
            forget(job, places.runs)
    if found := members_found(jobs, places.runs):
        # After a change to a layer, one must know that these were trained before it.
        print(
            f"{found} of {len(jobs)} members found in {places.runs}; "
            "--fresh trains again",
            flush=True,
        )
    where = executor, places.runs, places.jobs, places.device
    trained = dict(zip(jobs, training.train_members(jobs, *where), strict=True))
    check_saved(jobs, places.runs)
    return [team_of([trained[j] for j in own], places.runs) for own in methods.values()]


def find_team(
    jobs: Iterable[MemberJob], folder: Path, training: str = "the verb run"
) -> Team:
    """Return trained members.

    Raises FileNotFoundError if some are missing; its text says what trains them.
    """
    jobs = tuple(jobs)
    missing = len(jobs) - members_found(jobs, folder)
    if missing:
        raise FileNotFoundError(
            f"{folder} lacks {missing} of {len(jobs)} members of {jobs[0].method}: "
            f"{training} trains them"
        )
    members = [read_member(member_path(job, folder), job) for job in jobs]
    return team_of(members, folder)


def team_of(members: Sequence[TrainedMember], folder: Path) -> Team:
    """Return trained members as a team, without their parameters."""
    about = [(m.job, m.checksum(), m.losses, m.seconds, m.attempt) for m in members]
    jobs, checksums, *facts = zip(*about, strict=True)
    return Team(jobs, checksums, folder, *facts)


@lru_cache(maxsize=2)  # consecutive blocks have the same members
def load_members(
    team: Team, bits: int = 32, device: Device = "cpu"
) -> list[Sequential]:
    """Return trained members in float32 or float64, on a device.

    Raises ValueError if a file has changed since the team was found: its answers would
    be kept as the old member's.
    """
    dtype: Any = {32: np.float32, 64: np.float64}[bits]
    pairs = zip(team.jobs, team.checksums, strict=True)
    members = [load_member(job, team.folder, checksum) for job, checksum in pairs]
    return [member.astype(dtype).to_device(device) for member in members]
