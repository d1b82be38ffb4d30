"""The paper's four ways to make members differ, section 3 (i) to (iv).

A method is a list of jobs, small descriptions of what to train. `materialise.py` turns
them into networks and training data. In all methods the initial weights are random.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ensembles.architectures import architecture_names
from ensembles.jobs import METHOD_NAMES, TABLE_OF, MemberJob, member_seed, tables_of
from minidl.backend import Array
from minidl.batches import to_float
from minidl.checks import check_choice, check_number
from minidl.checks.rules import checked


def random_init(
    members: int, seed: int, dataset: str, **settings: Any
) -> list[MemberJob]:
    """(i) The same architecture, different initial weights.

    `settings` are fields of MemberJob: architecture (by default the data set's table
    with plain logits), epochs, batch_size, optimizer, lr, train_images, attempts,
    weight_decay, perturb, together, loss, schedule.
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

    `sigma` is the noise's standard deviation, in units of pixels in [0, 1].
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
    """Return one job per member, each with its own seed."""
    defaults = {"architecture": TABLE_OF[dataset]}
    return [
        MemberJob(
            method, i, member_seed(seed, method, i), dataset, **defaults | settings
        )
        for i in range(members)
    ]


@checked(size="count", rng="generator")
def bootstrap_replicate(size: int, rng: np.random.Generator) -> Array:
    """Return `size` indices drawn with replacement from 0 .. size - 1.

    A given index is missing with probability (1 - 1/size)^size, about 1/e, so a
    replicate holds 63.2 % of the data, much of it repeatedly.
    Source: Breiman, Bagging Predictors, 1996.
    """
    return rng.integers(size, size=size)


def add_noise(x: Array, sigma: float, rng: np.random.Generator) -> Array:
    """Return x + sigma * normal noise, clipped to [0, 1] so that it stays an image.

    Shapes: x and result (N, H, W, C), result float32, or float64 if x is.
    """
    images = to_float(x)
    noisy = rng.standard_normal(x.shape, np.float32)
    noisy *= np.float32(sigma)  # all in place: an array of CIFAR-10 takes 0.6 GB
    noisy = noisy.astype(np.result_type(noisy, images), copy=False)
    noisy += images
    return np.clip(noisy, 0, 1, out=noisy)
