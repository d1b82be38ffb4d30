"""Does what fools one classifier fool another? The transfer matrix."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from attacks.evaluation.intervals import Estimate, wilson
from attacks.evaluation.suites import (
    WORK,
    Attack,
    FromHost,
    check_attack,
    generator,
    named,
    run_attack,
)
from attacks.threat import Threat
from minidl.backend import Array, device_of, from_host, to_numpy
from minidl.batches import batches, to_float
from minidl.checks import check_labels
from minidl.checks.answers import check_classifier, probabilities
from minidl.checks.rules import checked
from minidl.classifiers import Classifier
from minidl.parallel.progress import progress


@dataclass(frozen=True)
class Transfer:
    """How often images made against a source (row) fool a victim (column).

    Only images that the victim classified correctly before the attack count.
    Shapes: fooled and images (sources, victims).
    """

    threat: Threat
    sources: list[str]
    victims: list[str]
    fooled: Array
    images: Array

    def rate(self, source: str, victim: str) -> Estimate:
        """Return a fraction of images, and its interval; NaN if there are none."""
        i, j = self.sources.index(source), self.victims.index(victim)
        images = int(self.images[i, j])
        if not images:
            return Estimate(math.nan, 0, 1)
        return wilson(int(self.fooled[i, j]) / images, images)

    def rates(self) -> Array:
        """Return all fractions, (sources, victims)."""
        return np.array(
            [[self.rate(s, v).value for v in self.victims] for s in self.sources]
        )

    def table(self) -> str:
        """Return the matrix as text."""
        width = max(map(len, [*self.victims, *self.sources, "0.000"])) + 2
        head = " " * width + "".join(f"{v:>{width}}" for v in self.victims)
        lines = [str(self.threat), head]
        for s, rates in zip(self.sources, self.rates(), strict=True):
            cells = ["-" if math.isnan(rate) else f"{rate:.3f}" for rate in rates]
            lines.append(f"{s:<{width}}" + "".join(f"{c:>{width}}" for c in cells))
        return "\n".join(lines)


@checked(
    sources=named("source", check_attack),
    victims=named("victim", check_classifier),
    **WORK,
)
def transfer_matrix(
    sources: Mapping[str, Attack],
    victims: Mapping[str, Classifier],
    x: Array,
    y: Array,
    threat: Threat,
    batch_size: int = 100,
    seed: int = 0,
) -> Transfer:
    """Make images with each source's attack, and show them to each victim.

    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,) labels. Raises TypeError or
    ValueError for bad arguments, and with an attack's name if its result isn't images
    like x or leaves the threat model.
    """
    device, x, y = device_of(x), to_numpy(x), to_numpy(y)
    sources = {name: from_host(attack, device) for name, attack in sources.items()}
    victims = {name: FromHost(victim, device) for name, victim in victims.items()}
    fooled = np.zeros((len(sources), len(victims)), int)
    images = np.zeros_like(fooled)
    parts = list(batches(np.arange(len(x)), batch_size))
    for batch in progress(parts, len(parts), "batches"):
        x_n, y_n = to_float(x[batch]), y[batch]
        right = [~fools(v, x_n, y_n, threat) for v in victims.items()]
        for i, (name, attack) in enumerate(sources.items()):
            rng = generator(seed, name, int(batch[0]))
            x_adv = run_attack(name, attack, x_n, y_n, threat, rng)
            for j, victim in enumerate(victims.items()):
                won = fools(victim, x_adv, y_n, threat) & right[j]
                fooled[i, j] += won.sum()
                images[i, j] += right[j].sum()
    return Transfer(threat, list(sources), list(victims), fooled, images)


def fools(victim: tuple[str, Classifier], x: Array, y: Array, threat: Threat) -> Array:
    """Tell which images a named victim classifies as the adversary wants; (N,) bool."""
    name, classifier = victim
    p = probabilities(classifier.predict_proba, x, f"victim {name!r}: predict_proba")
    check_labels("y", y, len(x), p.shape[1])
    return threat.fooled(p.argmax(axis=1), y)
