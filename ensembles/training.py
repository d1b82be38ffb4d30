"""From jobs to a trained ensemble, here or on any executor's workers.

A job travels, data doesn't: each worker loads the data set by its name. With a folder,
each epoch of each member is kept: whatever happens, the same call goes on after it and
ends in the same bits.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from ensembles.ensemble import Ensemble
from ensembles.jobs import MemberJob
from ensembles.member_files import (
    Progress,
    TrainedMember,
    place_of,
    read_whole,
    write_finished,
)
from ensembles.methods import materialise
from minidl.backend import Array, Device, to_numpy
from minidl.checks import check_count, check_kind
from minidl.data import load_dataset
from minidl.files import check_path
from minidl.finish import finish
from minidl.optimizers import OPTIMIZERS
from minidl.parallel import available_cores, limit_threads
from minidl.training import train


def train_member(
    job: MemberJob,
    folder: str | Path | None = None,
    device: Device = "cpu",
    images: tuple[Array, Array] | None = None,
) -> TrainedMember:
    """Train one member, on one thread or the GPU.

    On more, BLAS adds in another order: the bits would depend on the executor. With
    `folder`, of this worker, training goes on after the latest epoch kept there.
    Without other `images` x and y, for which it needs a folder of its own, it sees the
    training images of its data set.
    """
    if images is None:
        data = load_dataset(job.dataset)
        images = data.x_train, data.y_train
    model, x, y = materialise(job, *images)
    model.to_device(device)
    optimizer = OPTIMIZERS[job.optimizer](model.params, job.lr)
    rng = job.generator("training")
    so_far = Progress(job, folder, model, optimizer, rng)
    if epochs := job.epochs - len(so_far.losses):
        callbacks = [so_far.epoch_ended]
        with limit_threads(1):
            train(model, x, y, optimizer, epochs, job.batch_size, rng, callbacks)
    params = [to_numpy(p.data) for p in model.params]
    return TrainedMember(job, params, so_far.losses, so_far.seconds)


def train_ensemble(
    jobs: Sequence[MemberJob],
    executor: Executor | None = None,
    folder: str | Path | None = None,
    workers: int | None = None,
    device: Device = "cpu",
) -> Ensemble:
    """Train all members and return their ensemble, on the CPU, in the jobs' order.

    `executor` is any `concurrent.futures.Executor`; without one, so many `workers`
    (None: one a core, or one for the GPU) train a member each, as processes of one
    thread; 1 trains here. Processes import the script that calls this: there, the call
    must stand below `if __name__ == "__main__":`. The result doesn't depend on it. With
    `folder`, members found there are loaded instead, and each finished one is saved
    there: also when others fail, whose error is raised at the end. One that can't be
    saved, on a full disk, is returned all the same, with a warning.
    """
    members = train_members(jobs, executor, folder, workers, device)
    return Ensemble([member.model() for member in members])


def train_members(
    jobs: Sequence[MemberJob],
    executor: Executor | None = None,
    folder: str | Path | None = None,
    workers: int | None = None,
    device: Device = "cpu",
) -> list[TrainedMember]:
    """Return all members, found or trained as `train_ensemble` does it."""
    check_kind("jobs", jobs, Sequence)
    if not jobs:
        raise ValueError("jobs must hold at least one job, got none")
    for i, job in enumerate(jobs):
        check_kind(f"jobs[{i}]", job, MemberJob)
    if executor is not None:
        check_kind("executor", executor, Executor)
    if workers is None:
        workers = available_cores() if device == "cpu" else 1
    check_count("workers", workers)
    if folder is not None:
        check_path("folder", folder)
    places = [place_of(job, folder) for job in jobs]
    trained = dict(
        finish(
            dict(zip(places, jobs, strict=True)),
            partial(train_member, folder=folder, device=device),
            read_whole,
            write_finished,
            workers if executor is None else executor,
            "members trained",
        )
    )
    return [trained[place] for place in places]
