"""Which networks are trained for each search, and how they are scored."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ensembles import METHODS, MemberJob
from ensembles.training import train_member
from minidl import accuracy
from minidl.backend import Array
from minidl.data import load_dataset
from tutorials.paper.experiment.config import settings_of
from tutorials.paper.search.rules import (
    SAMPLE,
    Search,
    Trial,
    choose_optimizer,
    least_with_noise,
    means,
)

# One of so many parts of the training images is held out. For MNIST this part is as
# large as the test set: a binomial standard error of 0.001, and 0.006 for CIFAR-10.
PARTS = {SAMPLE: 5, "mnist": 6, "cifar10": 10}
SEEDS = {SAMPLE: 5, "mnist": 2, "cifar10": 1}
# Name, learning rate, batch size, the most usual first: the defaults of Keras, in which
# most code of the time was written, and classical momentum.
OPTIMIZERS = (
    ("adam", 1e-3, 128),
    ("adam", 1e-3, 32),
    ("rmsprop", 1e-3, 128),
    ("adadelta", 1.0, 128),
    ("momentum", 1e-2, 128),
)
BATCH_SIZES, EPOCHS = (16, 32, 64), (5, 6, 7, 8)  # on the sample
SIGMAS = {  # the largest first
    SAMPLE: (0.4, 0.3, 0.2, 0.1, 0.0),
    "mnist": (0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.025),
    "cifar10": (0.2, 0.1, 0.05, 0.025),
}
AT_A_TIME = {SAMPLE: 5, "mnist": 2, "cifar10": 2}  # fewer would leave a core idle
ARCHITECTURE_EPOCHS = {"mnist": 2, "cifar10": 5}  # a fifth of the full profile's


def held_out(job: MemberJob, images: int) -> Array:
    """Return which training images a trial is scored on: (images,) bool."""
    i, parts = np.arange(images), PARTS[job.dataset]
    if job.dataset == SAMPLE:
        return i % parts == job.index
    return i >= images - images // parts


def validate(job: MemberJob, runs: Path) -> Trial:
    """Train on the images that aren't held out; score on the held-out images."""
    data = load_dataset(job.dataset)
    out = held_out(job, len(data.x_train))
    seen = data.x_train[~out], data.y_train[~out]
    member = train_member(job, runs, images=seen)
    return Trial(job, accuracy(member.model(), data.x_train[out], data.y_train[out]))


def optimizer_jobs(search: Search) -> list[MemberJob]:
    """Return a job for each seed and optimizer, or batch size and epochs (sample)."""
    dataset = search.dataset
    if dataset == SAMPLE:
        pairs = [(size, epochs) for size in BATCH_SIZES for epochs in EPOCHS]
        settings = [
            {"batch_size": size, "epochs": epochs, "architecture": search.architecture}
            for size, epochs in pairs
        ]
    else:
        settings = [optimizer_settings(search, *choice) for choice in OPTIMIZERS]
    make = METHODS["bagging" if dataset == SAMPLE else "random-init"]
    return [job for s in settings for job in make(SEEDS[dataset], 0, dataset, **s)]


def optimizer_settings(
    search: Search, optimizer: str, lr: float, batch_size: int
) -> dict[str, Any]:
    """Return the settings of a job on a full data set."""
    return {
        "epochs": settings_of(search.dataset, search.network).epochs,
        "train_images": search.train_images,
        "optimizer": optimizer,
        "lr": lr,
        "batch_size": batch_size,
        "architecture": search.architecture,
        "attempts": settings_of(search.dataset, search.network).attempts,
    }


def chosen_settings(search: Search) -> dict[str, Any]:
    """Return the settings of the later searches."""
    if search.dataset != SAMPLE:
        return optimizer_settings(search, *choose_optimizer(search))
    own = settings_of(SAMPLE, search.network)
    return {
        "epochs": own.quick_epochs,
        "batch_size": own.batch_size,
        "architecture": search.architecture,
    }


def sigma_jobs(search: Search) -> list[MemberJob]:
    """Return a job for each noise and seed, which differ in nothing else.

    From the largest noise down, until some noise that was tried costs little enough.
    """
    dataset, make = search.dataset, METHODS["gaussian-noise"]
    seeds = make(SEEDS[dataset], 0, dataset, sigma=0.1, **chosen_settings(search))
    jobs = [replace(job, sigma=s) for s in SIGMAS[dataset] for job in seeds]
    accuracy_of = {trial.job: trial for trial in search.sigma}
    step = AT_A_TIME[dataset] * len(seeds)
    for stop in range(step, len(jobs), step):
        block = jobs[:stop]
        if not accuracy_of.keys() >= {*block}:
            return block
        scores = means([accuracy_of[job] for job in block], "sigma")
        if max(scores.values()) >= least_with_noise(search):
            return block
    return jobs


def architecture_jobs(search: Search) -> list[MemberJob]:
    """Return a job for each of the ten architectures, on a full data set."""
    dataset, settings = search.dataset, chosen_settings(search)
    if dataset == SAMPLE:
        return []
    settings["epochs"] = min(settings["epochs"], ARCHITECTURE_EPOCHS[dataset])
    return METHODS["mixed-models"](10, 0, dataset, **settings)
