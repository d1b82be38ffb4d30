"""Attacks beside the gradients that they take, and beside ART's and Foolbox's.

All follow the same network's gradient: what differs is the attack around it.
"""

import importlib.util
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
# How many gradients each takes: PGD and APGD look at their last point too.
GRADIENTS = {"BIM": STEPS, "PGD": STEPS + 1, "APGD": STEPS + 1}
ALONE = "gradients alone"
PEERS = {"ART": "art", "Foolbox": "foolbox"}  # and the modules that they are


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return one network's figures."""
    model, (x, _) = build(name), synthetic_batch(name, BATCH)
    eps, y = ATTACK[name]["eps"], model.predict(x)  # ART leaves out what is misread
    candidates = ours(model, x, y, eps) | gradients_alone(model, x, y)
    if there("ART"):
        candidates |= art(model, x, y, eps)
    if there("Foolbox"):
        candidates |= foolbox(model, x, y, eps)
    samples = interleaved(candidates, options.rounds)
    found = compare(samples)
    return {"name": name, "steps": STEPS, "batch": BATCH, "attacks": found}


def there(peer: str) -> bool:
    """Return whether a library is installed."""
    return importlib.util.find_spec(PEERS[peer]) is not None


def ours(
    model: Sequential, x: Array, y: Array, eps: float
) -> dict[Key, Callable[[], Any]]:
    """Return this library's attacks."""
    gradient, loss = model_gradient(model), model_loss(model)
    alpha, rng = eps / STEPS, np.random.default_rng(0)
    return {
        ("BIM", "minidl"): lambda: bim(gradient, x, y, eps, alpha, STEPS),
        ("PGD", "minidl"): lambda: pgd(loss, x, y, eps, alpha, STEPS, rng=rng),
        ("APGD", "minidl"): lambda: apgd(loss, x, y, eps, STEPS, rng=rng),
    }


def gradients_alone(
    model: Sequential, x: Array, y: Array
) -> dict[Key, Callable[[], Any]]:
    """Return as many gradients as each attack takes, and nothing else."""
    loss = model_loss(model)

    def take(count: int) -> None:
        for _ in range(count):
            loss(x, y)

    return {(attack, ALONE): partial(take, n) for attack, n in GRADIENTS.items()}


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


def compare(samples: Samples) -> dict[str, dict[str, Any]]:
    """Return by attack: times, the share above its gradients, and peers' times in ours.

    Of pairs of one round, so that a slow second hits both.
    """
    return {
        attack: {
            "ms": summary([1e3 * t for t in samples[attack, "minidl"]]),
            "overhead": ratios(samples, attack, "minidl", ALONE, less=1),
            **{
                peer: ratios(samples, attack, peer, "minidl")
                for peer in PEERS
                if (attack, peer) in samples
            },
        }
        for attack in GRADIENTS
    }


def ratios(
    samples: Samples, attack: str, over: str, under: str, less: float = 0
) -> dict[str, float]:
    """Return the summary of one's time over another's in each round."""
    pairs = zip(samples[attack, over], samples[attack, under], strict=True)
    return summary([a / b - less for a, b in pairs])
