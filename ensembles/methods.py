"""The paper's four ways to make members differ, section 3 (i) to (iv).

A method is a list of jobs: small descriptions of what to train, which travel to
whichever process or machine trains them and become a network and its training data
there. In all methods the initial weights are random.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from numbers import Real
from typing import Any

import numpy as np

from ensembles.architectures import architecture_names, build_architecture
from minidl.backend import Array
from minidl.checks import (
    check_choice,
    check_count,
    check_generator,
    check_kind,
    check_labels,
    check_number,
    check_stored_images,
)
from minidl.layers import Sequential
from minidl.optimizers import OPTIMIZERS
from minidl.training import to_float

TABLE_OF = {
    "mnist-sample": "mnist-cnn",
    "mnist": "mnist-cnn",
    "fashion-mnist": "mnist-cnn",
    "cifar10": "cifar10-cnn",
}


@dataclass(frozen=True)
class MemberJob:
    """All that defines one trained member: equal jobs give equal bits.

    Raises TypeError or ValueError for a setting that can't be.
    """

    method: str
    index: int
    seed: int
    dataset: str
    architecture: str
    sigma: float = 0.0  # of the noise on training images, in pixel units
    epochs: int = 10
    batch_size: int = 128
    optimizer: str = "adam"
    lr: float = 1e-3
    train_images: int | None = None  # only the first so many; None: all

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        check_choice("dataset", self.dataset, TABLE_OF)
        names = architecture_names(TABLE_OF[self.dataset])
        check_choice("architecture", self.architecture, names)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_count("index", self.index, at_least=0)
        check_count("seed", self.seed, at_least=0)
        check_count("epochs", self.epochs)
        check_count("batch_size", self.batch_size)
        check_number("sigma", self.sigma, 0, 1)
        if self.sigma > 0 and self.method != "gaussian-noise":
            raise ValueError(
                f"sigma belongs to gaussian-noise: must be 0 for {self.method}, got "
                f"{self.sigma}"
            )
        check_number("lr", self.lr, 0, float("inf"), open_low=True, open_high=True)
        if self.train_images is not None:
            check_count("train_images", self.train_images)
        self.make_numbers_plain()

    def make_numbers_plain(self) -> None:
        """Turn lr = 1 and NumPy's numbers into Python's: equal jobs, equal files."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Real):
                plain: Any = float if field.type is float else int
                object.__setattr__(self, field.name, plain(value))  # frozen otherwise


def random_init(
    members: int, seed: int, dataset: str, **settings: Any
) -> list[MemberJob]:
    """(i) The same architecture, other initial weights.

    `settings` are fields of MemberJob: architecture (by default the data set's table),
    epochs, batch_size, optimizer, lr, train_images.
    """
    return make_jobs("random-init", members, seed, dataset, settings)


def mixed_models(
    members: int, seed: int, dataset: str, **settings: Any
) -> list[MemberJob]:
    """(ii) Different but similar architectures: the ten variants in turn."""
    jobs = make_jobs("mixed-models", members, seed, dataset, settings)
    if "architecture" in settings:
        raise ValueError(
            "architecture must be left out, mixed models take all variants in turn; "
            f"got {settings['architecture']!r}"
        )
    _, *variants = architecture_names(TABLE_OF[dataset])
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
    check_number("sigma", sigma, 0, 1, open_low=True)
    settings |= {"sigma": sigma}
    return make_jobs("gaussian-noise", members, seed, dataset, settings)


METHODS: dict[str, Callable[..., list[MemberJob]]] = {
    "random-init": random_init,
    "mixed-models": mixed_models,
    "bagging": bagging,
    "gaussian-noise": gaussian_noise,
}


def make_jobs(
    method: str, members: int, seed: int, dataset: str, settings: dict[str, Any]
) -> list[MemberJob]:
    """Return one job a member, each with a seed of its own."""
    check_count("members", members)
    check_count("seed", seed, at_least=0)
    check_choice("dataset", dataset, TABLE_OF)
    defaults = {"architecture": TABLE_OF[dataset]}
    return [
        MemberJob(
            method, i, member_seed(seed, method, i), dataset, **defaults | settings
        )
        for i in range(members)
    ]


def member_seed(seed: int, method: str, index: int) -> int:
    """Return a member's own seed, unrelated to those of other members and methods."""
    key = list(METHODS).index(method), index
    sequence = np.random.SeedSequence(seed, spawn_key=key)
    return int(sequence.generate_state(1, np.uint64)[0])


def materialise(job: MemberJob, x: Array, y: Array) -> tuple[Sequential, Array, Array]:
    """Return the job's network with its initial weights, and its training data.

    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,); the results' likewise.
    Raises TypeError or ValueError for other images or labels.
    """
    check_kind("job", job, MemberJob)
    check_stored_images("x", x)
    check_labels("y", y, len(x))
    x, y = x[: job.train_images], y[: job.train_images]
    model = build_architecture(job.architecture, generator(job, "weights"))
    rng = generator(job, "data")
    if job.method == "bagging":
        replicate = bootstrap_replicate(len(x), rng)
        return model, x[replicate], y[replicate]
    if job.sigma > 0:
        return model, add_noise(x, job.sigma, rng), y
    return model, x, y


def generator(job: MemberJob, purpose: str) -> np.random.Generator:
    """Return the job's generator for "weights", "data" or "training"."""
    stream = ("weights", "data", "training").index(purpose)
    return np.random.default_rng([job.seed, stream])


def bootstrap_replicate(size: int, rng: np.random.Generator) -> Array:
    """Return `size` indices drawn with replacement from 0 .. size - 1.

    A given index is missing at probability (1 - 1/size)^size, about 1/e: a replicate
    holds 63.2 % of the data, many of them repeatedly.
    Source: Breiman, Bagging Predictors, 1996.
    """
    check_count("size", size)
    check_generator("rng", rng)
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
