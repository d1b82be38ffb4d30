"""Where trained members are kept, finished or after their latest epoch.

A folder of runs holds, by data set, one file for each job: `...npz` for a finished
member and `...partial.npz` for one in training. Each is written under a temporary name
and renamed, so that it is whole whenever a process is killed; if two processes train
the same member, both write the same bits.
"""

import hashlib
import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ensembles.architectures import build_architecture
from ensembles.methods import MemberJob, generator
from minidl.backend import Array
from minidl.checkpoints import check_config, load_checkpoint, save_checkpoint
from minidl.files import remove_leftovers, set_aside
from minidl.layers import Sequential
from minidl.optimizers import Optimizer
from minidl.store import DamagedError


@dataclass(frozen=True)
class TrainedMember:
    """What a worker sends back: the job, its parameters and how training went."""

    job: MemberJob
    params: list[Array]
    losses: list[float]  # mean J of each epoch
    seconds: float

    def model(self) -> Sequential:
        """Return the trained network."""
        model = untrained(self.job)
        for p, data in zip(model.params, self.params, strict=True):
            p.data[:] = data
        return model


def untrained(job: MemberJob) -> Sequential:
    """Return the job's network with its initial weights."""
    return build_architecture(job.architecture, generator(job, "weights"))


def member_path(job: MemberJob, folder: str | Path) -> Path:
    """Return where a member is saved: each configuration has a file of its own."""
    text = json.dumps(asdict(job), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Path(folder) / job.dataset / f"{job.method}-{job.index}-{digest}.npz"


def save_member(member: TrainedMember, model: Sequential, folder: str | Path) -> None:
    """Save a finished member with its job, losses and seconds."""
    path = member_path(member.job, folder)
    config = description(member.job, member.losses, member.seconds)
    save_checkpoint(path, model, config=config)
    partial_path(path).unlink(missing_ok=True)


def forget(job: MemberJob, folder: str | Path) -> None:
    """Remove what a folder holds of a member, finished or not."""
    path = member_path(job, folder)
    for file in (path, partial_path(path)):
        file.unlink(missing_ok=True)


def load_member(job: MemberJob, folder: str | Path) -> Sequential:
    """Return a finished member's network; raises as `read_member` does."""
    return read_member(job, folder).model()


def read_member(job: MemberJob, folder: str | Path) -> TrainedMember:
    """Return a finished member.

    Raises FileNotFoundError if there is none, DamagedError if its file isn't whole,
    and ValueError if it holds another job.
    """
    path = member_path(job, folder)
    remove_leftovers(path.parent)
    model = untrained(job)
    losses, seconds = progress_of(path, load_checkpoint(path, model), job, job.epochs)
    return TrainedMember(job, [p.data for p in model.params], losses, seconds)


def load_finished(
    jobs: Sequence[MemberJob], folder: str | Path
) -> dict[MemberJob, Sequential]:
    """Return the networks of those jobs that are finished in a folder.

    A damaged file is set aside under the suffix .damaged, with a warning.
    """
    models = {}
    for job in jobs:
        try:
            models[job] = load_member(job, folder)
        except FileNotFoundError:
            continue
        except DamagedError as error:
            set_aside(member_path(job, folder), error, "training again")
    return models


class Progress:
    """A member in training: its losses and seconds, kept on disk after each epoch."""

    def __init__(self, job: MemberJob, folder: str | Path | None) -> None:
        self.job = job
        self.path = None if folder is None else partial_path(member_path(job, folder))
        self.losses: list[float] = []
        self.seconds = 0.0
        self.warned = False

    def resume(
        self, model: Sequential, optimizer: Optimizer, rng: np.random.Generator
    ) -> None:
        """Bring everything to where the latest epoch on disk left it, if there is one.

        Raises ValueError if the file holds another job; a damaged one is set aside.
        """
        self.state = (model, optimizer, rng)
        self.since = time.perf_counter()
        if self.path is None:
            return
        remove_leftovers(self.path.parent)
        try:
            saved = load_checkpoint(self.path, *self.state)
        except FileNotFoundError:
            return
        except DamagedError as error:
            set_aside(self.path, error, "training again")
            return
        self.losses, self.seconds = progress_of(self.path, saved, self.job, 1)

    def epoch_ended(self, epoch: int, loss: float) -> None:
        """Keep what there is. A full disk doesn't stop training: the next may fit."""
        now = time.perf_counter()
        self.seconds, self.since = self.seconds + now - self.since, now
        self.losses.append(loss)
        if self.path is None:
            return
        config = description(self.job, self.losses, self.seconds)
        try:
            save_checkpoint(self.path, *self.state, config)
        except OSError as error:
            if not self.warned:
                warnings.warn(f"training goes on unsaved: {error}", stacklevel=2)
            self.warned = True


def description(job: MemberJob, losses: list[float], seconds: float) -> dict[str, Any]:
    """Return what a file says of its member."""
    return {"job": asdict(job), "losses": losses, "seconds": seconds}


def progress_of(
    path: Path, saved: dict[str, Any], job: MemberJob, least: int
) -> tuple[list[float], float]:
    """Return the losses, of at least so many epochs, and the seconds in a file.

    Raises ValueError unless it holds this job.
    """
    own = saved.get("job")
    check_config(path, own if isinstance(own, dict) else {}, asdict(job))
    losses: Any = saved.get("losses")
    seconds: Any = saved.get("seconds")
    numbers = [*losses, seconds] if isinstance(losses, list) else []
    if not least < len(numbers) <= job.epochs + 1 or not all(
        type(number) in (int, float) for number in numbers
    ):
        raise ValueError(
            f"{path} must hold the losses of {least} to {job.epochs} epochs, got "
            f"{losses}"
        )
    return losses, seconds


def partial_path(path: Path) -> Path:
    """Return where a member is kept while it is in training."""
    return path.with_suffix(".partial.npz")
