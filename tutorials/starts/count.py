"""Train networks from many seeds for one epoch, the best optimizer's for all epochs.

A network *has started* if the mean of J over the test images is below 1.5 after one
epoch: guessing costs log(10) = 2.30. (J in training is a mean over the epoch, with
dropout; it is higher and decides nothing.) A class is *dead* if its logit is 0 for all
test images.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ensembles import MemberJob, random_init
from ensembles.member_files import forget
from ensembles.training import train_member
from minidl.batches import in_batches
from minidl.data import load_dataset
from minidl.losses import cross_entropy
from minidl.parallel import limit_threads
from minidl.store import key_of, write_json
from minidl.store.finish import Place, finish
from minidl.store.schema import read_as
from tutorials.paper.experiment.attack import images_of
from tutorials.paper.experiment.config import table_of
from tutorials.paper.experiment.environment import Environment, environment
from tutorials.paper.search.trials import OPTIMIZERS

STARTED = 1.5  # J: a network that only guesses has log(10) = 2.30
LAST_SEEDS = 5  # the first so many are trained for all epochs


@dataclass(frozen=True)
class Plan:
    """What decides the numbers."""

    dataset: str
    network: str
    seeds: int
    epochs: int  # of the best optimizer's networks
    train_images: int | None  # the first so many; None: all


@dataclass(frozen=True)
class Start:
    """A network after its training, with means of J."""

    job: MemberJob
    J_training: float  # over the last epoch
    J: float  # over the test images, at the end
    dead: list[int]  # classes
    accuracy: float  # on the test images

    @property
    def started(self) -> bool:
        """Whether the network is better than guessing."""
        return self.J < STARTED


@dataclass(frozen=True)
class Starts:
    """The committed file."""

    plan: Plan
    first: list[Start]  # each seed with each optimizer, after one epoch
    last: list[Start]  # the first seeds with the best optimizer, after all epochs
    environment: Environment


def count(plan: Plan, runs: Path, workers: int) -> Starts:
    """Return all starts; each is written into a folder as soon as it is finished.

    The folder holds nothing else, as finished members are removed from it.
    """
    first = carry_out(first_jobs(plan), runs, workers)
    jobs = [replace(start.job, epochs=plan.epochs) for start in best(first)]
    last = carry_out(jobs[:LAST_SEEDS], runs, workers)
    return Starts(plan, first, last, environment())


def first_jobs(plan: Plan) -> list[MemberJob]:
    """Return a job for each optimizer of the search and each seed."""
    make = partial(
        random_init,
        plan.seeds,
        0,
        plan.dataset,
        architecture=table_of(plan.dataset, plan.network),
        epochs=1,
        train_images=plan.train_images,
    )
    return [
        job
        for optimizer, lr, batch_size in OPTIMIZERS
        for job in make(optimizer=optimizer, lr=lr, batch_size=batch_size)
    ]


def carry_out(jobs: Sequence[MemberJob], runs: Path, workers: int) -> list[Start]:
    """Return the starts of all jobs in their order; finished starts are read."""
    places = {place_of(job, runs): job for job in jobs}
    make, read = partial(train_and_measure, runs=runs), partial(read_as, Start)
    found = {}
    done = finish(places, make, read, write_json, workers, "networks")
    for place, result in done:
        found[place] = result
        forget(result.job, runs)  # removes its epochs, which are no longer needed
    return [found[place] for place in places]


def place_of(job: MemberJob, runs: Path) -> Place:
    """Return where a start is kept."""
    key = key_of(job, images_of(job.dataset))
    return Place(runs / job.dataset / f"{key[:16]}.json", key)


def train_and_measure(job: MemberJob, runs: Path) -> Start:
    """Train a network, and measure it on the test images."""
    member, data = train_member(job, runs), load_dataset(job.dataset)
    with limit_threads(1):
        z = in_batches(member.model().forward, data.x_test, 500)
    costs, _ = cross_entropy(z, data.y_test)
    return Start(
        job=job,
        J_training=member.losses[-1],
        J=float(costs.mean(dtype=float)),
        dead=np.flatnonzero((z == 0).all(axis=0)).tolist(),
        accuracy=float((z.argmax(axis=1) == data.y_test).mean()),
    )


def by_optimizer(starts: Sequence[Start]) -> list[list[Start]]:
    """Return the starts with each optimizer, in their order."""
    groups: dict[tuple[str, float, int], list[Start]] = {}
    for start in starts:
        job = start.job
        groups.setdefault((job.optimizer, job.lr, job.batch_size), []).append(start)
    return [*groups.values()]


def best(starts: Sequence[Start]) -> list[Start]:
    """Return the best optimizer's starts: most start, and the lower J decides ties."""
    return max(
        by_optimizer(starts),
        key=lambda own: (sum(s.started for s in own), -np.mean([s.J for s in own])),
    )
