"""From jobs to a trained ensemble, here or on any executor's workers.

Only jobs are sent to workers, and each worker loads the data set by its name. With a
folder, each epoch of each member is kept: after any interruption, the same call
continues from there and ends in the same bits.
"""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ensembles.adp import adp
from ensembles.chains import vote_of, waves
from ensembles.ensemble import Ensemble
from ensembles.jobs import MemberJob
from ensembles.materialise import Network, materialise, networks_of, untrained
from ensembles.member_files import (
    Progress,
    TrainedMember,
    place_of,
    read_whole,
    write_finished,
)
from ensembles.together import Committee, sum_of_costs, train_together
from minidl.backend import DEVICES, Array, Device, from_host
from minidl.batches import in_batches
from minidl.checks import check_kind, several
from minidl.checks.rules import alone, checked
from minidl.checks.training import Callback, Perturb
from minidl.data import load_dataset
from minidl.layers import Sequential
from minidl.optimizers import OPTIMIZERS, Optimizer
from minidl.parallel import available_cores, limit_threads
from minidl.store.files import check_path
from minidl.store.finish import finish
from minidl.training import train

State = tuple[Network, Optimizer, np.random.Generator]
JOINT_LOSSES: dict[str, Any] = {"cross-entropy": sum_of_costs, "adp": adp}
check_job = partial(check_kind, kind=MemberJob)


def train_member(
    job: MemberJob,
    folder: str | Path | None = None,
    device: Device = "cpu",
    images: tuple[Array, Array] | None = None,
    earlier: Sequence[TrainedMember] = (),
) -> TrainedMember:
    """Train one member, on one thread or the GPU, after the `earlier` ones in a chain.

    With more threads, BLAS would add in another order, and the bits would depend on the
    executor. Training continues after the latest epoch in `folder`, a path on this
    worker. Instead of the data set's training images, the member can get other `images`
    x and y; then it needs a folder of its own.

    If after the first epoch a logit is the same for all training images, its class is
    dead, and the network is trained again from other initial weights, in another order,
    in at most `job.attempts` attempts. The last one is trained to its end.
    """
    if images is None:
        data = load_dataset(job.dataset)
        images = data.x_train, data.y_train
    all_x, all_y = images
    learners = [(member.model(), member.vote) for member in earlier]
    with limit_threads(1):
        model, x, y = materialise(job, all_x, all_y, learners)
        so_far = Progress(job, folder, *first_state(job, model, device))
        while so_far.attempt < job.attempts - 1 and not starts(so_far, x, y):
            attempt = so_far.attempt + 1
            model = untrained(job, attempt)
            so_far.restart(*first_state(job, model, device, attempt))
        go_on(so_far, x, y, job.epochs)
        model = so_far.state[0].to_device("cpu")
        vote = vote_of(job, model, all_x, all_y, learners)
    params = [p.data for p in model.params]
    about = so_far.losses, so_far.seconds, so_far.attempt, vote
    return TrainedMember(job, params, *about)


def first_state(
    job: MemberJob, model: Network, device: Device, attempt: int = 0
) -> State:
    """Return what an attempt begins with: network, optimizer and generator."""
    model.to_device(device)
    optimizer = OPTIMIZERS[job.optimizer](model.params, job.lr)
    optimizer.weight_decay = job.weight_decay
    return model, optimizer, job.generator("training", attempt)


def go_on(so_far: Progress, x: Array, y: Array, epochs: int) -> None:
    """Train until `epochs` epochs are done."""
    model, optimizer, rng = so_far.state
    if (left := epochs - len(so_far.losses)) > 0:
        callbacks = [scheduled(so_far), so_far.epoch_ended]
        perturb = perturb_of(so_far, len(x))
        how = left, so_far.job.batch_size, rng, callbacks, perturb
        if isinstance(model, Committee):
            loss = JOINT_LOSSES[so_far.job.loss]
            train_together(model, x, y, optimizer, *how, loss)
        else:
            train(model, x, y, optimizer, *how)


def perturb_of(so_far: Progress, images: int) -> Perturb | None:
    """Return the function that perturbs a job's batches, if there is one."""
    job, (model, optimizer, _) = so_far.job, so_far.state
    if job.perturb is None:
        return None
    steps = job.epochs * -(-images // job.batch_size)
    return job.perturb(networks_of(model), optimizer, steps)


def scheduled(so_far: Progress) -> Callback:
    """Return a callback that sets lr after epoch e of E: lr (1 + cos(pi e / E)) / 2.

    It runs before the epoch is kept, so that the file has the next epoch's lr.
    """
    job, (_, optimizer, _) = so_far.job, so_far.state

    def epoch_ended(epoch: int, loss: float) -> None:
        e = len(so_far.losses) + 1
        if job.schedule == "cosine" and e < job.epochs:
            optimizer.lr = job.lr * (1 + math.cos(math.pi * e / job.epochs)) / 2

    return epoch_ended


def train_next(
    work: tuple[MemberJob, Sequence[TrainedMember]],
    folder: str | Path | None,
    device: Device,
) -> TrainedMember:
    """Train a member after the earlier ones of its chain."""
    job, earlier = work
    return train_member(job, folder, device, earlier=earlier)


def starts(so_far: Progress, x: Array, y: Array) -> bool:
    """Return whether a network has no dead class after its first epoch."""
    go_on(so_far, x, y, 1)
    if len(so_far.losses) > 1:
        return True
    model = so_far.state[0]
    z = in_batches(from_host(model.forward, model.device), x)
    return bool((np.ptp(z, axis=0) != 0).all())  # NaN is no dead class


def train_ensemble(
    jobs: Sequence[MemberJob],
    executor: Executor | None = None,
    folder: str | Path | None = None,
    workers: int | None = None,
    device: Device = "cpu",
) -> Ensemble:
    """Train all members and return their ensemble, on the CPU, in the jobs' order.

    `executor` is any `concurrent.futures.Executor`. Without one, `workers` processes
    with one thread each train the members (None: one per core, or one for the GPU; 1
    trains here). Processes import the script that calls this, so the call must be below
    `if __name__ == "__main__":`. The result doesn't depend on the executor. With
    `folder`, members found there are loaded, and each finished one is saved there, even
    if others fail; their error is raised at the end. A member that can't be saved, on a
    full disk, is returned with a warning. Members of a chain wait for those before
    them, which are trained, too. Each votes with its own weight.
    """
    return ensemble_of(train_members(jobs, executor, folder, workers, device))


def ensemble_of(members: Sequence[TrainedMember]) -> Ensemble:
    """Return the ensemble of trained members, weighted by their votes."""
    return Ensemble(*voters(members))


def voters(
    members: Sequence[TrainedMember],
) -> tuple[tuple[Sequential, ...], tuple[float, ...]]:
    """Return the networks of all members, and each network's vote."""
    pairs = [(net, member.vote) for member in members for net in member.networks()]
    networks, votes = zip(*pairs, strict=True)
    return networks, votes


@checked(
    jobs=lambda name, jobs, given: several(name, jobs, check_job, "jobs"),
    executor=Executor,
    folder=alone(check_path),
    workers="count",
    device=DEVICES,
)
def train_members(
    jobs: Sequence[MemberJob],
    executor: Executor | None = None,
    folder: str | Path | None = None,
    workers: int | None = None,
    device: Device = "cpu",
) -> list[TrainedMember]:
    """Return all members, loaded or trained as in `train_ensemble`."""
    if workers is None:
        workers = available_cores() if device == "cpu" else 1
    train_one = partial(train_next, folder=folder, device=device)
    where = workers if executor is None else executor
    trained: dict[MemberJob, TrainedMember] = {}
    for wave in waves(jobs):
        works = {
            place_of(job, folder): (job, [trained[before] for before in job.chain])
            for job in wave
        }
        done = finish(
            works, train_one, read_whole, write_finished, where, "members trained"
        )
        trained |= {place.key: member for place, member in done}
    return [trained[job] for job in jobs]
