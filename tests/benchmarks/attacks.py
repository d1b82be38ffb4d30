"""What attacks take beside their gradients, and beside ART's and Foolbox's.

All follow the same network's gradient: what differs is the attack around it.
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
from tests.benchmarks.problems import ATTACK, build, synthetic_batch
from tests.benchmarks.timing import Key, Samples, interleaved, summary

STEPS = 40
BATCH = 32
ATTACKS = ("BIM", "PGD", "APGD")
PEERS = {"ART": "art", "Foolbox": "foolbox"}  # and the modules that they are


class Stopwatch:
    """Counts the seconds that an attack spends in its gradients, and the others."""

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

    def attack(self, run: Callable[[], Any]) -> Callable[[], None]:
        """Return an attack that notes the seconds outside over those inside."""

        def timed() -> None:
            self.inside, start = 0.0, time.perf_counter()
            run()
            self.overheads.append((time.perf_counter() - start) / self.inside - 1)

        return timed


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return one network's figures."""
    model, (x, _) = build(name), synthetic_batch(name, BATCH)
    eps, y = ATTACK[name]["eps"], model.predict(x)  # ART leaves out what is misread
    watches = {attack: Stopwatch() for attack in ATTACKS}
    candidates = ours(model, x, y, eps, watches)
    if there("ART"):
        candidates |= art(model, x, y, eps)
    if there("Foolbox"):
        candidates |= foolbox(model, x, y, eps)
    samples = interleaved(candidates, options.rounds)
    found = compare(samples, watches)
    return {"name": name, "steps": STEPS, "batch": BATCH, "attacks": found}


def there(peer: str) -> bool:
    """Return whether a library is installed."""
    return importlib.util.find_spec(PEERS[peer]) is not None


def ours(
    model: Sequential, x: Array, y: Array, eps: float, watches: dict[str, Stopwatch]
) -> dict[Key, Callable[[], Any]]:
    """Return this library's attacks."""
    alpha, rng = eps / STEPS, np.random.default_rng(0)
    gradient = watches["BIM"].gradient(model_gradient(model))
    loss = watches["PGD"].gradient(model_loss(model))
    same = watches["APGD"].gradient(model_loss(model))
    made: dict[str, Callable[[], Any]] = {
        "BIM": lambda: bim(gradient, x, y, eps, alpha, STEPS),
        "PGD": lambda: pgd(loss, x, y, eps, alpha, STEPS, rng=rng),
        "APGD": lambda: apgd(same, x, y, eps, STEPS, rng=rng),
    }
    return {(name, "minidl"): watches[name].attack(run) for name, run in made.items()}


def art(
    model: Sequential, x: Array, y: Array, eps: float
) -> dict[Key, Callable[[], Any]]:
    """Return ART's attacks on the same network."""
    from art.attacks import evasion

    estimator = art_classifier(network(model), model.input_shape, model.classes)
    usual: dict[str, Any] = {"batch_size": len(x), "verbose": False}
    made = {
        "BIM": evasion.BasicIterativeMethod(
            estimator, eps, eps / STEPS, STEPS, **usual
        ),
        "PGD": evasion.ProjectedGradientDescent(
            estimator,
            eps=eps,
            eps_step=eps / STEPS,
            max_iter=STEPS,
            num_random_init=1,
            **usual,
        ),
        "APGD": evasion.AutoProjectedGradientDescent(
            estimator,
            eps=eps,
            eps_step=2 * eps,
            max_iter=STEPS,
            nb_random_init=1,
            **usual,
        ),
    }
    return {(name, "ART"): partial(a.generate, x, y) for name, a in made.items()}


def foolbox(
    model: Sequential, x: Array, y: Array, eps: float
) -> dict[Key, Callable[[], Any]]:
    """Return Foolbox's attacks on the same network."""
    from foolbox import attacks

    gradient, wrapped = model_gradient(model), foolbox_model(model.forward)
    classes = {"BIM": attacks.LinfBasicIterativeAttack, "PGD": attacks.LinfPGD}
    made = {
        name: foolbox_attack(cls, gradient, abs_stepsize=eps / STEPS, steps=STEPS)
        for name, cls in classes.items()
    }
    return {
        (name, "Foolbox"): partial(attack, wrapped, x, y, epsilons=eps)
        for name, attack in made.items()
    }


def compare(
    samples: Samples, watches: dict[str, Stopwatch]
) -> dict[str, dict[str, Any]]:
    """Return by attack: times, the share above its gradients, and peers' times in ours.

    A peer's, of pairs of one round, so that a slow second hits both.
    """
    return {
        attack: {
            "ms": summary([1e3 * t for t in samples[attack, "minidl"]]),
            "overhead": summary(watch.overheads[1:]),  # the first run isn't counted
            **{
                peer: ratio(samples, attack, peer)
                for peer in PEERS
                if (attack, peer) in samples
            },
        }
        for attack, watch in watches.items()
    }


def ratio(samples: Samples, attack: str, peer: str) -> dict[str, float]:
    """Return the summary of a peer's time over ours in each round."""
    pairs = zip(samples[attack, peer], samples[attack, "minidl"], strict=True)
    return summary([theirs / ours for theirs, ours in pairs])
