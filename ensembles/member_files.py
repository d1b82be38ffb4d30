"""The files of trained members, finished or after their latest epoch.

A folder of runs holds, by data set, one file for each job: `...npz` for a finished
member and `...partial.npz` for one in training. If two processes train the same member,
both write the same bits.
"""

import hashlib
import time
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ensembles.jobs import MemberJob
from ensembles.materialise import Network, networks_of, untrained
from minidl.backend import Array
from minidl.layers import Sequential
from minidl.optimizers import Optimizer
from minidl.parallel.progress import part
from minidl.store import DamagedError, key_of, plain, to_json
from minidl.store.checkpoints import check_config, load_checkpoint, save_checkpoint
from minidl.store.files import remove_leftovers, set_aside
from minidl.store.finish import Place
from minidl.store.schema import build


@dataclass(frozen=True)
class TrainedMember:
    """A job, the parameters that training found, and how it went."""

    job: MemberJob
    params: list[Array]
    losses: list[float]  # mean J of each epoch
    seconds: float
    attempt: int = 0  # the first one that started to learn
    vote: float = 1.0  # its weight in the ensemble, relative to the others'

    def whole(self) -> Network:
        """Return what was trained: a network, or several together."""
        model = untrained(self.job)
        for p, data in zip(model.params, self.params, strict=True):
            p.data[:] = data
        return model

    def networks(self) -> tuple[Sequential, ...]:
        """Return the trained networks: one, or those that were trained together."""
        return networks_of(self.whole())

    def model(self) -> Sequential:
        """Return the trained network; ValueError if there are several."""
        [network] = self.networks()
        return network

    def checksum(self) -> str:
        """Return a name for what the network computes, however it was trained."""
        return key_of(self.job.architecture, *self.params)


@dataclass
class History:
    """What a file says about its member, besides the parameters."""

    LATER: ClassVar = ("attempt", "vote")

    job: dict[str, Any]
    losses: list[float]
    seconds: float
    attempt: int = 0
    vote: float = 1.0


def place_of(job: MemberJob, folder: str | Path | None) -> Place:
    """Return where a finished member is kept; its key is the job itself."""
    return Place(None if folder is None else member_path(job, folder), job)


def member_path(job: MemberJob, folder: str | Path) -> Path:
    """Return where a member is saved: each configuration has a file of its own."""
    digest = hashlib.sha256(to_json(job).encode()).hexdigest()[:12]
    return Path(folder) / job.dataset / f"{job.method}-{job.index}-{digest}.npz"


def partial_path(path: Path) -> Path:
    """Return where a member is kept while it is in training."""
    return path.with_suffix(".partial.npz")


def forget(job: MemberJob, folder: str | Path) -> None:
    """Remove a member's files from a folder, finished or not."""
    path = member_path(job, folder)
    for file in (path, partial_path(path)):
        file.unlink(missing_ok=True)


def load_member(
    job: MemberJob, folder: str | Path, checksum: str | None = None
) -> Sequential:
    """Return a finished member's network; raises as `read_member` does.

    Raises ValueError, too, if a checksum is given and the member has another one.
    """
    member = read_member(path := member_path(job, folder), job)
    if checksum not in (None, member.checksum()):
        raise ValueError(
            f"{path} has changed: another process has trained this member anew"
        )
    return member.model()


def members_found(jobs: Iterable[MemberJob], folder: str | Path) -> int:
    """Return how many of these members have been trained."""
    return sum(member_path(job, folder).exists() for job in jobs)


def check_saved(jobs: Sequence[MemberJob], folder: str | Path) -> None:
    """Raise OSError if some of these trained members couldn't be saved."""
    if lost := len(jobs) - members_found(jobs, folder):
        raise OSError(
            f"{lost} of {len(jobs)} members couldn't be saved in {folder}: make room "
            "there, then the same command continues"
        )


def read_member(path: Path, job: MemberJob) -> TrainedMember:
    """Return a finished member.

    Raises FileNotFoundError if there is no file, DamagedError if it is damaged, and
    ValueError if it holds another job.
    """
    model = untrained(job)
    found = history(path, load_checkpoint(path, model), job, True)
    params = [p.data for p in model.params]
    about = found.losses, found.seconds, found.attempt, found.vote
    return TrainedMember(job, params, *about)


def read_whole(path: Path, job: MemberJob) -> TrainedMember:
    """Return the finished member in a file, which is set aside if it is damaged."""
    try:
        member = read_member(path, job)
    except DamagedError as error:
        set_aside(path, error, "training again")
        raise
    drop_partial(path)  # its writer may have been killed before it did
    return member


def write_finished(path: Path, member: TrainedMember, job: MemberJob) -> None:
    """Save a finished member. On a full disk only warn, as the training isn't lost."""
    try:
        own = member.losses, member.seconds, member.attempt, member.vote
        about = History(plain(job), *own)
        save_checkpoint(path, member.whole(), config=plain(about))
        drop_partial(path)
    except OSError as error:
        warnings.warn(f"member not saved: {error}", stacklevel=2)


def drop_partial(path: Path) -> None:
    """Remove what was kept of a finished member's training, if the folder allows."""
    with suppress(OSError):
        partial_path(path).unlink()


class Progress:
    """A member in training: its losses and seconds, kept on disk after each epoch.

    Model, optimizer and generator are restored from the latest epoch on disk, if there
    is one. Raises ValueError if the file holds another job; a damaged file is set
    aside.
    """

    def __init__(
        self,
        job: MemberJob,
        folder: str | Path | None,
        model: Network,
        optimizer: Optimizer,
        rng: np.random.Generator,
    ) -> None:
        self.job, self.state = job, (model, optimizer, rng)
        self.path = None if folder is None else partial_path(member_path(job, folder))
        self.losses: list[float] = []
        self.attempt, self.seconds, self.since = 0, 0.0, time.thread_time()
        if self.path is not None:
            remove_leftovers(self.path.parent)
            self.resume(self.path)

    def resume(self, path: Path) -> None:
        """Continue after the latest epoch on disk."""
        try:
            saved = load_checkpoint(path, *self.state)
        except FileNotFoundError:
            return
        except DamagedError as error:
            set_aside(path, error, "training again")
            return
        found = history(path, saved, self.job)
        self.losses, self.seconds = found.losses, found.seconds
        self.attempt = found.attempt

    def restart(
        self, model: Network, optimizer: Optimizer, rng: np.random.Generator
    ) -> None:
        """Begin the next attempt."""
        self.state, self.losses = (model, optimizer, rng), []
        self.attempt += 1
        self.keep()

    def epoch_ended(self, epoch: int, loss: float) -> None:
        """Add an epoch."""
        self.losses.append(loss)
        self.keep()

    def keep(self) -> None:
        """Save the state. A full disk doesn't stop training: the next save may fit.

        Python shows the same warning only once.
        """
        now = time.thread_time()  # a job has one thread; others may use its core
        self.seconds, self.since = self.seconds + now - self.since, now
        part.tell(len(self.losses) / self.job.epochs)
        if self.path is None:
            return
        try:
            job = plain(self.job)
            about = History(job, self.losses, self.seconds, self.attempt)
            save_checkpoint(self.path, *self.state, plain(about))
        except OSError as error:
            warnings.warn(f"training goes on unsaved: {error}", stacklevel=2)


def history(
    path: Path, saved: dict[str, Any], job: MemberJob, finished: bool = False
) -> History:
    """Return what a file says about its member.

    Raises ValueError unless it holds this job, after at least one epoch or at the
    beginning of a later attempt.
    """
    found = build(History, saved, str(path))
    check_config(path, found.job, plain(job))
    least = job.epochs if finished else int(found.attempt == 0)
    if not least <= len(found.losses) <= job.epochs:
        raise ValueError(
            f"{path} must hold the losses of {least} to {job.epochs} epochs, got "
            f"{found.losses}"
        )
    if not 0 <= found.attempt < job.attempts:
        raise ValueError(
            f"{path} must be of attempt 0 to {job.attempts - 1}, got {found.attempt}"
        )
    return found
