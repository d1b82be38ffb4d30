"""The paper's four ways to make members differ, section 3 (i) to (iv).

A method is a list of jobs: small descriptions of what to train, which travel to
whichever process or machine trains them and become a network and its training data
there. In all methods the initial weights are random.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ensembles.architectures import architecture_names, build_architecture
from ensembles.bayesian import seen_and_held_out
from ensembles.boosting import Learner, weights_of_images
from ensembles.jobs import (
    CHAINS,
    METHOD_NAMES,
    TABLE_OF,
    MemberJob,
    member_seed,
    tables_of,
)
from ensembles.together import Committee
from minidl.backend import Array
from minidl.batches import to_float
from minidl.checks import check_choice, check_number
from minidl.layers import Sequential
from minidl.rules import checked


def random_init(
    members: int, seed: int, dataset: str, **settings: Any
) -> list[MemberJob]:
    """(i) The same architecture, other initial weights.

    `settings` are fields of MemberJob: architecture (by default the data set's table
    with plain logits), epochs, batch_size, optimizer, lr, train_images, attempts,
    perturb, together, loss, schedule.
    """
    return make_jobs("random-init", members, seed, dataset, settings)


def mixed_models(
    members: int, seed: int, dataset: str, **settings: Any
) -> list[MemberJob]:
    """(ii) Different but similar architectures: the ten variants of a table in turn."""
    jobs = make_jobs("mixed-models", members, seed, dataset, settings)
    table = jobs[0].architecture
    check_choice("architecture", table, tables_of(dataset))
    _, *variants = architecture_names(table)
    return [
        replace(job, architecture=variants[job.index % len(variants)]) for job in jobs
    ]


def bagging(members: int, seed: int, dataset: str, **settings: Any) -> list[MemberJob]:
    """(iii) Each member trains on its own bootstrap replicate of the training data."""
    return make_jobs("bagging", members, seed, dataset, settings)


def gaussian_noise(
    members: int, seed: int, dataset: str, sigma: float, **settings: Any
) -> list[MemberJob]:
    """(iv) Each member trains on images with its own small Gaussian noise.

    `sigma` is the noise's standard deviation in pixel units, of [0, 1].
    """
    settings |= {"sigma": check_number("sigma", sigma, "(0, 1]")}
    return make_jobs("gaussian-noise", members, seed, dataset, settings)


METHODS: dict[str, Callable[..., list[MemberJob]]] = dict(
    zip(METHOD_NAMES, (random_init, mixed_models, bagging, gaussian_noise), strict=True)
)


@checked(members="count", seed="count 0..", dataset=TABLE_OF)
def make_jobs(
    method: str, members: int, seed: int, dataset: str, settings: dict[str, Any]
) -> list[MemberJob]:
    """Return one job a member, each with a seed of its own."""
    defaults = {"architecture": TABLE_OF[dataset]}
    return [
        MemberJob(
            method, i, member_seed(seed, method, i), dataset, **defaults | settings
        )
        for i in range(members)
    ]


Network: TypeAlias = Sequential | Committee  # one, or several trained together


def untrained(job: MemberJob, attempt: int = 0) -> Network:
    """Return the job's network or networks, with an attempt's initial weights."""
    rng, name = job.generator("weights", attempt), job.architecture
    every = [build_architecture(name, rng) for _ in range(job.together)]
    return every[0] if job.together == 1 else Committee(every)


def networks_of(model: Network) -> tuple[Sequential, ...]:
    """Return a job's networks one by one."""
    return model.members if isinstance(model, Committee) else (model,)


@checked(job=MemberJob, x="images", y="labels", earlier=Sequence)
def materialise(
    job: MemberJob, x: Array, y: Array, earlier: Sequence[Learner] = ()
) -> tuple[Network, Array, Array]:
    """Return the job's network as training finds it, and its training data.

    `earlier` are the networks of the job's chain, with their votes.
    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,); the results' likewise.
    Raises TypeError or ValueError for other images or labels.
    """
    before = job.index if job.method in CHAINS else 0
    if len(earlier) != before:
        raise ValueError(
            f"earlier must be {before} members for member {job.index} of {job.method}, "
            f"got {len(earlier)}"
        )
    x, y = x[: job.train_images], y[: job.train_images]
    model = untrained(job)
    rng = job.generator("data")
    if job.method == "bagging":
        replicate = bootstrap_replicate(len(x), rng)
        return model, x[replicate], y[replicate]
    if job.method == "boosting":
        w = weights_of_images(earlier, x, y)
        replicate = rng.choice(len(x), len(x), p=w)
        return model, x[replicate], y[replicate]
    if job.method == "snapshots":
        if earlier:
            copy_params(earlier[-1][0], model)
        (x, y), _ = seen_and_held_out(x, y)
    if job.sigma > 0:
        return model, add_noise(x, job.sigma, rng), y
    return model, x, y


def copy_params(source: Network, target: Network) -> None:
    """Let a network go on where another stands."""
    for p, q in zip(target.params, source.params, strict=True):
        p.data[...] = q.data


@checked(size="count", rng="generator")
def bootstrap_replicate(size: int, rng: np.random.Generator) -> Array:
    """Return `size` indices drawn with replacement from 0 .. size - 1.

    A given index is missing at probability (1 - 1/size)^size, about 1/e: a replicate
    holds 63.2 % of the data, many of them repeatedly.
    Source: Breiman, Bagging Predictors, 1996.
    """
    return rng.integers(size, size=size)


def add_noise(x: Array, sigma: float, rng: np.random.Generator) -> Array:
    """Return x + sigma * normal noise, clipped to [0, 1] so that it stays an image.

    Shapes: x and result (N, H, W, C), result float32, or float64 if x is.
    """
    images = to_float(x)
    noisy = rng.standard_normal(x.shape, np.float32)
    noisy *= np.float32(sigma)  # all in place: CIFAR-10 takes 0.6 GB an array
    noisy = noisy.astype(np.result_type(noisy, images), copy=False)
    noisy += images
    return np.clip(noisy, 0, 1, out=noisy)
