"""Methods whose members form a chain: each job needs the results of those before it.

They extend the paper's four. "Many ensemble methods have been introduced in the
literature such as Bayesian averaging, Bagging [17] and boosting [18]" (the paper).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from ensembles.bayesian import mean_likelihood, seen_and_held_out
from ensembles.boosting import Learner, learners_vote, weights_of_images
from ensembles.jobs import CHAINS, MemberJob
from ensembles.materialise import Network, networks_of
from ensembles.methods import make_jobs
from minidl.backend import Array
from minidl.batches import in_batches
from minidl.checks.training import check_finite


def boosting(members: int, seed: int, dataset: str, **settings: Any) -> list[MemberJob]:
    """(v) Each member sees most often what those before it misclassified: SAMME.

    `settings` are as in `random_init`.
    """
    return chained(make_jobs("boosting", members, seed, dataset, settings))


def snapshots(
    members: int, seed: int, dataset: str, **settings: Any
) -> list[MemberJob]:
    """(vi) One network, taken after each of several cycles of the learning rate.

    Each cycle takes `epochs`, in which lr falls to 0 along a cosine; the next cycle
    starts from its weights. Members are weighted by `bayesian.mean_likelihood`.
    `settings` are as in `random_init`.
    Source: Huang et al., Snapshot Ensembles: Train 1, Get M for Free, 2017.
    """
    settings = {"schedule": "cosine"} | settings
    return chained(make_jobs("snapshots", members, seed, dataset, settings))


CHAIN_METHODS: dict[str, Callable[..., list[MemberJob]]] = dict(
    zip(CHAINS, (boosting, snapshots), strict=True)
)


def chained(jobs: Iterable[MemberJob]) -> list[MemberJob]:
    """Return the jobs as a chain, in which each follows the one before it."""
    chain: list[MemberJob] = []
    for job in jobs:
        chain.append(replace(job, after=chain[-1] if chain else None))
    return chain


def waves(jobs: Iterable[MemberJob]) -> Iterator[list[MemberJob]]:
    """Yield jobs, and those before them, in waves: first those that wait for none.

    Jobs of a wave don't wait for each other.
    """

    def length(job: MemberJob) -> int:
        return len(job.chain)

    every = dict.fromkeys(j for job in jobs for j in (*job.chain, job))
    for _, wave in groupby(sorted(every, key=length), length):
        yield list(wave)


def vote_of(
    job: MemberJob, model: Network, x: Array, y: Array, earlier: list[Learner]
) -> float:
    """Return a trained member's weight in its ensemble; x and y are all its images.

    Raises ValueError for a boosted learner that is no better than guessing, and
    FloatingPointError for a snapshot whose probabilities aren't finite.
    """
    network, *_ = networks_of(model)
    x, y = x[: job.train_images], y[: job.train_images]
    if job.method == "boosting":
        w, wrong = weights_of_images(earlier, x, y), in_batches(network.predict, x) != y
        try:
            return learners_vote(w, wrong, network.classes)
        except ValueError as error:
            raise ValueError(f"boosting, member {job.index}: {error}") from None
    if job.method == "snapshots":
        vote = mean_likelihood(network, *seen_and_held_out(x, y)[1])
        check_finite("the snapshot's vote", vote, job.epochs, job.lr)
        return vote
    return 1.0
