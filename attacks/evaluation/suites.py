"""A classifier and its attacks, as users define them; one attack on one batch.

An attack's result is checked here, for evaluations and transfer: it must have the shape
of x and stay within the threat model, otherwise an error names the attack.
"""

import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from attacks.evaluation.counter import Counter
from attacks.norms import flat
from attacks.threat import Threat
from attacks.victims import per_image
from minidl.backend import Array, Device, from_host, get_array_module
from minidl.batches import to_float
from minidl.checks import check_images, check_kind
from minidl.checks.answers import check_classifier, check_floats_like, check_function
from minidl.checks.rules import Check, Given, Rule, alone, checked
from minidl.classifiers import Classifier, classes_of
from minidl.store.files import check_writable

# (x, y, eps, rng) -> x_adv; y holds targets if the threat model is targeted.
Attack: TypeAlias = Callable[[Array, Array, float, np.random.Generator], Array]


check_attack = partial(check_function, example="lambda x, y, eps, rng: x_adv")


@dataclass
class Suite:
    """A classifier and the attacks it must withstand, by name.

    The counter tells what the attacks cost, if it wraps the functions that they use.
    """

    classifier: Classifier
    attacks: Mapping[str, Attack]
    counter: Counter = field(default_factory=Counter)


MakeSuite: TypeAlias = Callable[[], Suite]


class FromHost:
    """A classifier on a device, for images on the host."""

    def __init__(self, classifier: Classifier, device: Device) -> None:
        self.classes = classes_of(classifier)
        self.predict_proba = from_host(classifier.predict_proba, device)


def made(make_suite: MakeSuite, device: Device) -> Suite:
    """Return make_suite(); TypeError or ValueError unless it can be evaluated.

    A suite for images on a device is wrapped, so that it takes them from the host.
    """
    suite = make_suite()
    if not isinstance(suite, Suite):
        raise TypeError(f"make_suite must return a Suite, got {suite!r}")
    check_classifier("a suite's classifier", suite.classifier)
    named("attack", check_attack)("a suite's attacks", suite.attacks, Given())
    for name in suite.attacks:
        if not (0 < len(name) <= 100 and name.isprintable()) or set(name) & {*"/\\"}:
            raise ValueError(
                f"an attack's name must be usable in a file's name, got {name!r}"
            )
    if not isinstance(suite.counter, Counter):
        raise TypeError(f"a suite's counter must be a Counter, got {suite.counter!r}")
    return suite_from_host(suite, device)


def suite_from_host(suite: Suite, device: Device) -> Suite:
    """Let a suite for images on a device take them from the host."""
    if device == "cpu":
        return suite
    attacks = {name: from_host(a, device) for name, a in suite.attacks.items()}
    return Suite(FromHost(suite.classifier, device), attacks, suite.counter)


def run_attack(
    name: str,
    attack: Attack,
    x: Array,
    y: Array,
    threat: Threat,
    rng: np.random.Generator,
) -> Array:
    """Run an attack on copies of a batch; return the checked result in x's type."""
    what = f"attack {name!r}"
    try:
        found = attack(x.copy(), y.copy(), threat.eps, rng)
    except Exception as error:
        error.add_note(f"raised by {what}")
        raise
    check_floats_like(what, found, x, x.shape, finite=False)
    found = found.astype(x.dtype, copy=False)
    threat.check(found, x, what)
    return found


def generator(seed: int, name: str, start: int) -> np.random.Generator:
    """Return the generator of one attack on one batch, independent of all others."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), start])


@checked(attack=alone(check_attack), threat=Threat)
def within(attack: Attack, threat: Threat) -> Attack:
    """Return an attack without eps that returns x where its result leaves the ball.

    Images with NaN are kept, so that the evaluation raises an error for them.
    """

    def limited(x: Array, y: Array, eps: float, rng: np.random.Generator) -> Array:
        x_adv = attack(x.copy(), y.copy(), eps, rng)  # it may work in place
        xp, inside = get_array_module(x), replace(threat, eps=eps).contains(x_adv, x)
        broken = xp.isnan(flat(x_adv)).any(axis=1)
        return xp.where(per_image(inside | broken, x), x_adv, x)

    return limited


def in_unit(name: str, threat: Any, given: Mapping[str, Any]) -> Threat:
    """Return a threat model with bounds in [0, 1] that hold the images."""
    check_kind(name, threat, Threat)
    x, (low, high) = given["x"], threat.bounds or (0, 1)
    if low < 0 or high > 1:
        raise ValueError(
            f"{name}'s bounds must lie in [0, 1], as images do, got {threat.bounds}"
        )
    replace(threat, bounds=(low, high)).check_room(x[0].size)
    extremes = to_float(get_array_module(x).stack([x.min(), x.max()]))
    check_images("x", extremes, (low, high))
    return threat


# Rules for images that are attacked in batches, and for where this is done and saved.
WORK: dict[str, Rule] = {
    **{"batch_size": "count", "seed": "count 0..", "x": "images", "y": "labels"},
    "threat": in_unit,
}
KEPT: dict[str, Rule] = {
    "make_suite": alone(check_function, "lambda: suite, which returns a Suite"),
    "executor": Executor,
    "folder": alone(check_writable),
}


def named(what: str, check: Callable[[str, Any], None]) -> Check:
    """Return a check of a mapping of names to things; check(name, thing) checks one."""

    def check_all(where: str, things: Any, given: Given) -> Any:
        if not isinstance(things, Mapping):
            kind = type(things).__name__
            raise TypeError(f"{where} must hold each {what} by its name, got {kind}")
        if not things:
            raise ValueError(f"{where} must hold at least one {what}, got none")
        for name, thing in things.items():
            if not isinstance(name, str):
                raise TypeError(f"{where} must have strings as names, got {name!r}")
            check(f"{what} {name!r}", thing)
        return things

    return check_all
