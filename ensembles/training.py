"""From jobs to a trained ensemble, here or on any executor's workers.

A job travels, data doesn't: each worker loads the data set by its name. A member that
is finished is saved at once, if a folder is given, and never trained again.
"""

import hashlib
import json
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from ensembles.architectures import build_architecture
from ensembles.ensemble import Ensemble
from ensembles.methods import MemberJob, generator, materialise
from minidl.backend import Array
from minidl.checkpoints import load_checkpoint, save_checkpoint
from minidl.data import load_dataset
from minidl.layers import Sequential
from minidl.optimizers import OPTIMIZERS
from minidl.parallel import (
    available_cores,
    limit_threads,
    local_executor,
    run_jobs,
)
from minidl.progress import progress
from minidl.training import train


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


def train_member(job: MemberJob) -> TrainedMember:
    """Train one member on its data set's training images, on one thread.

    On more, BLAS adds in another order: the bits would depend on the executor.
    """
    data = load_dataset(job.dataset)
    model, x, y = materialise(job, data.x_train, data.y_train)
    optimizer = OPTIMIZERS[job.optimizer](model.params, job.lr)
    start = time.perf_counter()
    rng = generator(job, "training")
    with limit_threads(1):
        losses = train(model, x, y, optimizer, job.epochs, job.batch_size, rng)
    seconds = time.perf_counter() - start
    return TrainedMember(job, [p.data for p in model.params], losses, seconds)


def train_ensemble(
    jobs: Sequence[MemberJob],
    executor: Executor | None = None,
    folder: str | Path | None = None,
    workers: int | None = None,
) -> Ensemble:
    """Train all members and return their ensemble, in the jobs' order.

    `executor` is any `concurrent.futures.Executor`; without one, so many `workers`
    (None: one a core) train a member each, as processes of one thread; 1 trains here.
    The result doesn't depend on it. With `folder`, members found there are loaded
    instead, and each finished one is saved there.
    """
    if not jobs:
        raise ValueError("jobs must hold at least one job, got none")
    models = {} if folder is None else load_finished(jobs, folder)
    missing = [job for job in jobs if job not in models]
    workers = min(workers or available_cores(), max(1, len(missing)))
    local = local_executor(workers) if executor is None else nullcontext(executor)
    # One thread here too: an executor's threads share the limit, see train_member.
    with local as chosen, limit_threads(1):
        trained = run_jobs(train_member, missing, chosen)
        for member in progress(trained, len(missing), "members trained"):
            models[member.job] = member.model()
            if folder is not None:
                save_member(member, models[member.job], folder)
    return Ensemble([models[job] for job in jobs])


def load_finished(
    jobs: Sequence[MemberJob], folder: str | Path
) -> dict[MemberJob, Sequential]:
    """Return the networks of those jobs that are finished in a folder.

    A damaged file is set aside under the suffix .damaged, with a warning.
    """
    models = {}
    for job in jobs:
        path = member_path(job, folder)
        try:
            models[job] = load_member(job, folder)
        except FileNotFoundError:
            continue
        except ValueError as error:
            path.replace(path.with_suffix(".damaged"))
            warnings.warn(f"{error}; set aside, training again", stacklevel=3)
    return models


def load_member(job: MemberJob, folder: str | Path) -> Sequential:
    """Return a finished member; FileNotFoundError or ValueError if there is none."""
    model = untrained(job)
    load_checkpoint(member_path(job, folder), model)
    return model


def save_member(member: TrainedMember, model: Sequential, folder: str | Path) -> None:
    """Save a finished member with its job, losses and seconds."""
    config = {
        "job": asdict(member.job),
        "losses": member.losses,
        "seconds": member.seconds,
    }
    save_checkpoint(member_path(member.job, folder), model, config=config)


def member_path(job: MemberJob, folder: str | Path) -> Path:
    """Return where a member is saved: each configuration has a file of its own."""
    text = json.dumps(asdict(job), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Path(folder) / job.dataset / f"{job.method}-{job.index}-{digest}.npz"


def untrained(job: MemberJob) -> Sequential:
    """Return the job's network with its initial weights."""
    return build_architecture(job.architecture, generator(job, "weights"))
