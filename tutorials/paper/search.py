"""How the settings that the paper leaves open were chosen, on full data sets.

    python -m tutorials.paper.search --dataset mnist

The last images of the training data are a validation split: the networks train on the
others. Only clean accuracy on that split is measured; no attack is run and no test
image read. All trials are in results/search/; what is there isn't trained again.

Three searches, each with what the one before it chose. The aim is the paper's networks,
so that "near" is better than "good":

    optimizer      of those usual in 2017, the one whose mean accuracy is nearest to the
                   paper's single classifiers; the first within one standard error
    sigma          of method (iv)'s noise: the largest that costs no more accuracy than
                   the paper's noise cost its single classifiers; smaller ones than
                   that needn't be tried
    architectures  of mixed models, a few epochs each: none is chosen, but one that
                   learns nothing at these settings would have to be replaced

(`choose.py` does the same for the few images of the embedded sample, by
cross-validation.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ensembles import METHODS, MemberJob
from ensembles.member_files import load_member
from ensembles.training import train_ensemble
from minidl import accuracy
from minidl.data import load_dataset
from minidl.files import check_writable
from minidl.parallel import available_cores, limit_threads, local_executor, run_jobs
from minidl.progress import progress
from minidl.schema import read_as
from minidl.store import write_json
from tutorials.command_line import (
    a_path,
    load_once,
    number_of_processes,
    one_line_errors,
    parser_of,
    runs_folder,
)
from tutorials.paper.experiment.config import DATASETS
from tutorials.paper.experiment.plan import check_saved
from tutorials.paper.paper_numbers import cost_of_noise, paper_single

# As many as the test set of MNIST has, and a tenth for CIFAR-10: a binomial standard
# error of 0.001 and 0.006.
VALIDATION_IMAGES = {"mnist": 10_000, "cifar10": 5_000}
SEEDS = {"mnist": 2, "cifar10": 1}
# Name, learning rate, batch size, from the most usual on: the defaults of Keras, which
# most code of the time was written in, and the classical momentum.
OPTIMIZERS = (
    ("adam", 1e-3, 128),
    ("adam", 1e-3, 32),
    ("rmsprop", 1e-3, 128),
    ("adadelta", 1.0, 128),
    ("momentum", 1e-2, 128),
)
SIGMAS = {  # the largest first
    "mnist": (0.5, 0.4, 0.3, 0.2, 0.1, 0.05),
    "cifar10": (0.2, 0.1, 0.05, 0.025),
}
AT_A_TIME = 2  # sigmas: fewer would leave a core idle
ARCHITECTURE_EPOCHS = {"mnist": 2, "cifar10": 5}  # a fifth of the full profile's


@dataclass(frozen=True)
class Trial:
    """One trained network, and its accuracy on the validation split."""

    job: MemberJob
    accuracy: float


@dataclass(frozen=True)
class Search:
    """The committed file: all trials, by search."""

    dataset: str
    train_images: int
    validation_images: int
    optimizer: list[Trial]
    sigma: list[Trial]
    architectures: list[Trial]


Searches = Iterator[Search]


@dataclass(frozen=True)
class Choice:
    """What the rules give."""

    optimizer: str
    lr: float
    batch_size: int
    sigma: float


def summary(trials: list[Trial], *keys: str) -> dict[tuple[Any, ...], list[float]]:
    """Return the accuracies of each setting, in the order of the trials."""
    found: dict[tuple[Any, ...], list[float]] = {}
    for trial in trials:
        setting = tuple(getattr(trial.job, key) for key in keys)
        found.setdefault(setting, []).append(trial.accuracy)
    return found


def nearest(trials: list[Trial], target: float, images: int) -> tuple[str, float, int]:
    """Return optimizer, lr and batch size of the mean accuracy nearest to the target.

    One standard error of a mean, of the images and the seeds, decides what is equal:
    of those the first.
    """
    scores = summary(trials, "optimizer", "lr", "batch_size")
    distance = {s: abs(float(np.mean(a)) - target) for s, a in scores.items()}
    seeds = len(next(iter(scores.values())))
    error = float(np.sqrt(target * (1 - target) / images / seeds))
    best = min(distance.values())
    name, lr, batch_size = next(s for s in scores if distance[s] <= best + error)
    return str(name), float(lr), int(batch_size)


def largest_sigma(trials: list[Trial], least: float) -> float:
    """Return the largest noise with at least so much mean accuracy."""
    scores = summary(trials, "sigma")
    enough = [float(s) for (s,), a in scores.items() if np.mean(a) >= least]
    if not enough:
        raise ValueError(f"no sigma reaches {least}: {scores}")
    return max(enough)


def choose_optimizer(search: Search) -> tuple[str, float, int]:
    """Return optimizer, lr and batch size, nearest to the paper's singles."""
    target = paper_single(search.dataset, "random-init")
    return nearest(search.optimizer, target, search.validation_images)


def least_with_noise(search: Search) -> float:
    """Return the chosen optimizer's accuracy, less what noise cost in the paper."""
    scores = summary(search.optimizer, "optimizer", "lr", "batch_size")
    clean = float(np.mean(scores[choose_optimizer(search)]))
    return clean - cost_of_noise(search.dataset)


def choose(search: Search) -> Choice:
    """Return what the rules make of the trials."""
    sigma = largest_sigma(search.sigma, least_with_noise(search))
    return Choice(*choose_optimizer(search), sigma)


def optimizer_jobs(dataset: str, settings: dict[str, Any]) -> list[MemberJob]:
    """Return a job for each optimizer and seed."""
    jobs = METHODS["random-init"](SEEDS[dataset], 0, dataset, **settings)
    return [
        replace(job, optimizer=name, lr=lr, batch_size=batch_size)
        for name, lr, batch_size in OPTIMIZERS
        for job in jobs
    ]


def sigma_jobs(dataset: str, settings: dict[str, Any]) -> list[MemberJob]:
    """Return a job for each noise and seed, which differ in nothing else."""
    make = METHODS["gaussian-noise"]
    jobs = make(SEEDS[dataset], 0, dataset, sigma=0.1, **settings)
    return [replace(job, sigma=sigma) for sigma in SIGMAS[dataset] for job in jobs]


def architecture_jobs(dataset: str, settings: dict[str, Any]) -> list[MemberJob]:
    """Return a job for each of the ten architectures."""
    return METHODS["mixed-models"](10, 0, dataset, **settings)


def validate(job: MemberJob, runs: Path, images: int) -> tuple[MemberJob, float]:
    """Return a trained job's accuracy on the last images of the training data."""
    data = load_dataset(job.dataset)
    with limit_threads(1):
        model = load_member(job, runs)
        return job, accuracy(model, data.x_train[-images:], data.y_train[-images:])


@dataclass(frozen=True)
class Means:
    """How trials are carried out; `known` ones aren't repeated."""

    images: int  # of the validation split
    runs: Path
    workers: int
    known: Sequence[Trial]


def measure(jobs: list[MemberJob], means: Means) -> list[Trial]:
    """Train what isn't trained yet, and measure all that isn't known."""
    trials = {trial.job: trial for trial in means.known}
    missing = [job for job in jobs if job not in trials]
    if missing:
        with local_executor(means.workers) as executor:
            train_ensemble(missing, executor, means.runs, means.workers)
            check_saved(missing, means.runs)
            function = partial(validate, runs=means.runs, images=means.images)
            done = run_jobs(function, missing, executor)
            for job, score in progress(done, len(missing), "validated"):
                trials[job] = Trial(job, score)
    return [trials[job] for job in jobs]


def noisy_trials(
    jobs: list[MemberJob], least: float, means: Means
) -> Iterator[list[Trial]]:
    """Yield what is tried so far, from the largest noise down, until one is enough."""
    step, tried = AT_A_TIME * SEEDS[jobs[0].dataset], list[Trial]()
    for start in range(0, len(jobs), step):
        tried = [*tried, *measure(jobs[start : start + step], means)]
        yield tried
        if any(np.mean(scores) >= least for scores in summary(tried, "sigma").values()):
            return


def search(before: Search, epochs: int, runs: Path, workers: int) -> Searches:
    """Yield what is found so far, whenever there is more.

    Trials of `before` aren't repeated, and stay until there are others in their place.
    """
    dataset, found = before.dataset, before
    known = [*before.optimizer, *before.sigma, *before.architectures]
    means = Means(before.validation_images, runs, workers, known)
    settings: dict[str, Any] = {"epochs": epochs, "train_images": before.train_images}
    tried = measure(optimizer_jobs(dataset, settings), means)
    report("optimizer", tried, "optimizer", "lr", "batch_size")
    yield (found := replace(found, optimizer=tried))
    name, lr, batch_size = choose_optimizer(found)
    settings |= {"optimizer": name, "lr": lr, "batch_size": batch_size}
    noises = sigma_jobs(dataset, settings)
    for noisy in noisy_trials(noises, least_with_noise(found), means):
        report("sigma", noisy, "sigma")
        yield (found := replace(found, sigma=noisy))
    settings["epochs"] = min(epochs, ARCHITECTURE_EPOCHS[dataset])
    mixed = measure(architecture_jobs(dataset, settings), means)
    report("architectures", mixed, "architecture")
    yield replace(found, architectures=mixed)


def report(title: str, trials: list[Trial], *keys: str) -> None:
    """Print the accuracies of each setting."""
    print(f"{title}: accuracy on the validation split", flush=True)
    for setting, scores in summary(trials, *keys).items():
        name = " ".join(map(str, setting))
        each = " ".join(f"{score:.4f}" for score in scores)
        print(f"  {name:<24} mean {np.mean(scores):.4f}  of {each}", flush=True)


def begin(dataset: str, path: Path) -> Search:
    """Return what a file has already, or a search without trials.

    Raises DamagedError if the file isn't one, and ValueError if it holds another data
    set's, or another split's.
    """
    images = VALIDATION_IMAGES[dataset]
    train_images = len(load_once(dataset).x_train) - images
    empty = Search(dataset, train_images, images, [], [], [])
    before = read_as(Search, path) if path.exists() else empty
    if replace(before, optimizer=[], sigma=[], architectures=[]) != empty:
        raise ValueError(
            f"{path} holds a search on {before.train_images} images of "
            f"{before.dataset}, asked for {train_images} of {dataset}: choose another "
            "--json"
        )
    return before


def main(argv: list[str] | None = None) -> None:
    """Search, print what was found and what the rules choose, write the file."""
    parser = parser_of("tutorials.paper.search", __doc__)
    add = parser.add_argument
    add("--dataset", choices=VALIDATION_IMAGES, default="mnist")
    add("--json", type=a_path, metavar="FILE", help="where all trials are kept")
    add("--runs", type=a_path, metavar="DIR")
    add("--jobs", type=number_of_processes, default=available_cores())
    args = parser.parse_args(argv)
    path = args.json or Path(f"results/search/{args.dataset}.json")
    epochs = DATASETS[args.dataset].epochs
    with one_line_errors(parser.prog, lambda: "the same command goes on"):
        runs = args.runs or runs_folder()
        check_writable("--runs", runs)
        check_writable("--json", path.parent)
        before = begin(args.dataset, path)
        for found in search(before, epochs, runs, args.jobs):
            write_json(path, found)
        print(f"{path} written; chosen: {choose(found)}")


if __name__ == "__main__":
    main()
