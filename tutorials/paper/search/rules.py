"""From trials to settings: the rules that choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ensembles import MemberJob
from tutorials.paper.experiment.config import PLAIN, settings_of, table_of
from tutorials.paper.paper_numbers import cost_of_noise, paper_single

SAMPLE = "mnist-sample"
ENOUGH = 0.96  # for bagging on the sample: 0.01 more than the quick profile promises
Scores = dict[tuple[Any, ...], float]


@dataclass(frozen=True)
class Trial:
    """One trained network, and its accuracy on images that it wasn't trained on."""

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
    network: str = PLAIN

    @property
    def architecture(self) -> str:
        """The network whose settings are searched."""
        return table_of(self.dataset, self.network)


def accuracies(trials: Sequence[Trial], *keys: str) -> dict[Any, list[float]]:
    """Return the accuracies of each setting, in the order of the trials."""
    found: dict[Any, list[float]] = {}
    for trial in trials:
        setting = tuple(getattr(trial.job, key) for key in keys)
        found.setdefault(setting, []).append(trial.accuracy)
    return found


def means(trials: Sequence[Trial], *keys: str) -> Scores:
    """Return the mean accuracy of each setting, in the order of the trials."""
    scores = accuracies(trials, *keys).items()
    return {setting: float(np.mean(values)) for setting, values in scores}


def nearest(trials: Sequence[Trial], target: float, images: int) -> tuple[Any, ...]:
    """Return optimizer, lr and batch size of the mean accuracy nearest to the target.

    Settings within one standard error of the nearest, from the choice of images and
    seeds, count as equally near: the first of them is returned.
    """
    scores = means(trials, "optimizer", "lr", "batch_size")
    distance = {setting: abs(mean - target) for setting, mean in scores.items()}
    seeds = len(trials) / len(scores)
    error = float(np.sqrt(target * (1 - target) / images / seeds))
    best = min(distance.values())
    return next(s for s in scores if distance[s] <= best + error)


def fewest_epochs(trials: Sequence[Trial], batch_size: int) -> int:
    """Return the fewest epochs with enough accuracy, in batches of this size."""
    own = [trial for trial in trials if trial.job.batch_size == batch_size]
    return min(reaching(ENOUGH, own, "epochs"))


def largest_sigma(trials: Sequence[Trial], least: float) -> float:
    """Return the largest noise with at least this mean accuracy."""
    return max(reaching(least, trials, "sigma"))


def reaching(least: float, trials: Sequence[Trial], key: str) -> list[Any]:
    """Return the values of a setting with at least this mean accuracy."""
    scores = means(trials, key)
    if enough := [value for (value,), mean in scores.items() if mean >= least]:
        return enough
    raise ValueError(f"no {key} reaches {least}: {scores}")


def choose_optimizer(search: Search) -> tuple[Any, ...]:
    """Return optimizer, lr and batch size, nearest to the paper's singles."""
    target = paper_single(search.dataset, "random-init")
    return nearest(search.optimizer, target, search.validation_images)


def least_with_noise(search: Search) -> float:
    """Return the chosen optimizer's accuracy minus the cost of noise in the paper."""
    scores = means(search.optimizer, "optimizer", "lr", "batch_size")
    return scores[choose_optimizer(search)] - cost_of_noise(search.dataset)


def choose(search: Search) -> dict[str, Any]:
    """Return the settings that the rules choose, by their names in `settings_of`.

    The sample is too small to choose a noise.
    """
    if search.dataset == SAMPLE:
        batch_size = settings_of(SAMPLE, search.network).batch_size
        return {"quick_epochs": fewest_epochs(search.optimizer, batch_size)}
    names = ("optimizer", "lr", "batch_size")
    chosen = dict(zip(names, choose_optimizer(search), strict=True))
    return chosen | {"sigma": largest_sigma(search.sigma, least_with_noise(search))}
