"""The time of attacks, compared with their gradients alone and with ART and Foolbox.

All follow the same network's gradient; only the attack around it differs.
"""

import importlib.util
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from attacks import apgd, bim, model_gradient, model_loss, network, pgd
from attacks.interop import art_classifier, foolbox_attack, foolbox_model
from minidl import Sequential
from minidl.backend import Array
from tests.benchmarks.cli import Options
from tests.benchmarks.problems import ATTACK, Task, build, synthetic_batch
from tests.benchmarks.timing import interleaved, ratios, summary

STEPS = 40
BATCH = 32
PEERS = {"ART": "art", "Foolbox": "foolbox"}  # and the names of their modules


class Stopwatch:
    """Measures the time that an attack spends inside and outside its gradients."""

    def __init__(self) -> None:
        self.inside = 0.0
        self.overheads: list[float] = []  # one for each run of the attack

    def gradient(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a gradient or a loss whose seconds are counted."""

        def timed(x: Array, y: Array) -> Any:
            start = time.perf_counter()
            result = function(x, y)
            self.inside += time.perf_counter() - start
            return result

        return timed

    def attack(self, run: Task) -> Task:
        """Return an attack that records the ratio of time outside to time inside."""

        def timed() -> None:
            self.inside, start = 0.0, time.perf_counter()
            run()
            self.overheads.append((time.perf_counter() - start) / self.inside - 1)

        return timed


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return one network's figures.

    A peer's figures are ratios within a round, in which a slow second hits both.
    """
    model, (x, _) = build(name), synthetic_batch(name, BATCH)
    y, eps = model.predict(x), ATTACK[name]["eps"]  # ART skips misclassified images
    watches = {attack: Stopwatch() for attack in ("BIM", "PGD", "APGD")}
    contenders = {"minidl": ours(model, x, y, eps, watches)}
    for peer, make in (("ART", art), ("Foolbox", foolbox)):
        if importlib.util.find_spec(PEERS[peer]):
            contenders[peer] = make(model, x, y, eps)
    candidates = {
        (attack, who): run
        for who, tasks in contenders.items()
        for attack, run in tasks.items()
    }
    samples = interleaved(candidates, options.rounds)
    found = {
        attack: {
            "ms": summary([1e3 * t for t in samples[attack, "minidl"]]),
            "overhead": summary(watch.overheads[1:]),  # the first run isn't counted
            **{
                peer: ratios(samples, (attack, peer), (attack, "minidl"))
                for peer in PEERS
                if (attack, peer) in samples
            },
        }
        for attack, watch in watches.items()
    }
    return {"name": name, "steps": STEPS, "batch": BATCH, "attacks": found}


def ours(
    model: Sequential, x: Array, y: Array, eps: float, watches: dict[str, Stopwatch]
) -> dict[str, Task]:
    """Return this library's attacks."""
    alpha, rng = eps / STEPS, np.random.default_rng(0)
    gradient = watches["BIM"].gradient(model_gradient(model))
    loss, same = (watches[a].gradient(model_loss(model)) for a in ("PGD", "APGD"))
    made: dict[str, Task] = {
        "BIM": lambda: bim(gradient, x, y, eps, alpha, STEPS),
        "PGD": lambda: pgd(loss, x, y, eps, alpha, STEPS, rng=rng),
        "APGD": lambda: apgd(same, x, y, eps, STEPS, rng=rng),
    }
    return {attack: watches[attack].attack(run) for attack, run in made.items()}


def art(model: Sequential, x: Array, y: Array, eps: float) -> dict[str, Task]:
    """Return ART's attacks on the same network."""
    from art.attacks import evasion

    estimator = art_classifier(network(model), model.input_shape, model.classes)
    usual: dict[str, Any] = {"eps": eps, "max_iter": STEPS, "batch_size": len(x)}
    usual |= {"verbose": False}
    small, large = eps / STEPS, 2 * eps
    made = {
        "BIM": evasion.BasicIterativeMethod(estimator, eps_step=small, **usual),
        "PGD": evasion.ProjectedGradientDescent(
            estimator, eps_step=small, num_random_init=1, **usual
        ),
        "APGD": evasion.AutoProjectedGradientDescent(
            estimator, eps_step=large, nb_random_init=1, **usual
        ),
    }
    return {attack: partial(a.generate, x, y) for attack, a in made.items()}


def foolbox(model: Sequential, x: Array, y: Array, eps: float) -> dict[str, Task]:
    """Return Foolbox's attacks on the same network."""
    from foolbox import attacks

    gradient, wrapped = model_gradient(model), foolbox_model(model.forward)
    classes = {"BIM": attacks.LinfBasicIterativeAttack, "PGD": attacks.LinfPGD}
    made = {
        attack: foolbox_attack(cls, gradient, abs_stepsize=eps / STEPS, steps=STEPS)
        for attack, cls in classes.items()
    }
    return {a: partial(run, wrapped, x, y, epsilons=eps) for a, run in made.items()}
