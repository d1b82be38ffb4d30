"""What a diagnosis examines: a classifier, a gradient, an attack and some images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from textwrap import fill, indent
from typing import TypeAlias

import numpy as np

from attacks.functions import check_gradient
from attacks.gradients import GradientFn
from attacks.norms import flat
from attacks.threat import Bounds, clip_to_bounds
from attacks.victims import PredictProba
from minidl.backend import Array, to_numpy
from minidl.checks.answers import kept

# (gradient, x, y, eps) -> x_adv, within eps in every pixel
AttackAlong: TypeAlias = Callable[[GradientFn, Array, Array, float], Array]

DIRECTIONS = 16  # in which a gradient is compared with finite differences
SMALL = 0.01  # of the way to a random image, for finite differences


@dataclass(frozen=True)
class Finding:
    """What a check found: a value, its meaning and limit, and the remedy beyond it."""

    name: str
    value: float
    what: str
    limit: float
    explanation: str
    remedy: str
    at_least: bool = False  # the limit is a minimum instead of a maximum

    @property
    def failed(self) -> bool:
        """Whether the value is beyond the limit."""
        if self.at_least:
            return self.value < self.limit
        return not self.value <= self.limit  # NaN is beyond it

    def __str__(self) -> str:
        limit = f"at {'least' if self.at_least else 'most'} {self.limit:.2g}"
        found = f"{self.name}: {self.value:.3g} ({self.what}, {limit})"
        if not self.failed:
            return f"ok    {found}"
        advice = "\n".join(fill(text, 82) for text in (self.explanation, self.remedy))
        return f"FAIL  {found}\n{indent(advice, 6 * ' ')}"


@dataclass(frozen=True)
class Subject:
    """What is examined, and the values that several checks use; images are NHWC."""

    predict_proba: PredictProba
    gradient: GradientFn
    attack: AttackAlong
    x: Array
    y: Array
    eps: float
    bounds: Bounds
    seed: int

    @cached_property
    def g(self) -> Array:
        """The gradient at the images."""
        return self.gradient(self.x, self.y)

    @cached_property
    def x_adv(self) -> Array:
        """The attack's adversarial images."""
        return self.walk[0]

    @property
    def labels(self) -> list[Array]:
        """The labels of the attack's gradients, call by call."""
        return self.walk[1]

    @cached_property
    def walk(self) -> tuple[Array, list[Array]]:
        """The attack's adversarial images, and the labels of its gradients."""
        labels: list[Array] = []
        return self.run(self.eps, labels), labels

    @cached_property
    def p(self) -> Array:
        """The probabilities of the images."""
        return self.predict_proba(self.x)

    @property
    def pixel_range(self) -> tuple[float, float]:
        """The bounds; where there are none, [0, 1] and what the images go beyond it."""
        if self.bounds is not None:
            return self.bounds
        return min(0.0, float(self.x.min())), max(1.0, float(self.x.max()))

    @cached_property
    def differences(self) -> tuple[Array, Array]:
        """Changes of the log-odds against y in random directions, and g's predictions.

        The gradient of log((1 - p_y) / p_y) has the direction of J's, but isn't near 0
        where a network is confident. The directions lead to images within the range.
        Shapes: both (DIRECTIONS, N).
        """
        rng = np.random.default_rng(self.seed)
        low, high = self.pixel_range
        before, found = log_odds(self.p, self.y), []
        for _ in range(DIRECTIONS):
            way = SMALL * (rng.uniform(low, high, self.x.shape) - self.x)
            way = way.astype(self.x.dtype)
            after = log_odds(self.predict_proba(self.x + way), self.y)
            along = (flat(self.g.astype(np.float64)) * flat(way)).sum(axis=1)
            found.append((after - before, along))
        changes, predicted = zip(*found, strict=True)
        return np.array(changes), np.array(predicted)

    def survivors(self, x_adv: Array) -> Array:
        """Tell which images are still classified as y; (N,) bool."""
        return self.predict_proba(x_adv).argmax(axis=1) == self.y

    def accuracy(self, eps: float) -> float:
        """Return the accuracy under the attack at another eps, clipped to bounds."""
        x_adv = clip_to_bounds(self.run(eps), self.bounds)
        return float(self.survivors(x_adv).mean())

    def run(self, eps: float, labels: list[Array] | None = None) -> Array:
        """Run the attack on copies, because it may work in place; return a copy, too.

        The labels of its gradients are added to the list.
        """

        def gradient(x: Array, y: Array) -> Array:
            if labels is not None:
                labels.append(np.array(to_numpy(y)))
            return self.numbers(x, y)

        x_adv = kept(self.attack(gradient, self.x.copy(), self.y.copy(), eps))
        check_gradient("attack", x_adv, self.x)
        return x_adv

    def numbers(self, x: Array, y: Array) -> Array:
        """Return the gradient with 0 for NaN, which `zero_gradients` reports."""
        return np.nan_to_num(self.gradient(x, y))


def downhill(s: Subject, some: Array | slice = slice(None)) -> float:
    """Return the fraction of (some of) the images whose gradient points downhill."""
    changes, predicted = s.differences
    along = np.sign((changes * predicted).sum(axis=0))[some]  # -1: downhill
    along = along[along != 0]
    return float(np.mean(along < 0)) if along.size else 0.0


def log_odds(p: Array, y: Array) -> Array:
    """Return log((1 - p_y) / p_y), where 1 - p_y is the sum of the others; (N,)."""
    others = p.astype(np.float64)
    rows = np.arange(len(p))
    p_y = others[rows, y]
    others[rows, y] = 0
    tiny = np.finfo(np.float64).tiny
    return np.log(np.maximum(others.sum(axis=1), tiny) / np.maximum(p_y, tiny))
