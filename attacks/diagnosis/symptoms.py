"""Signs of a broken attack, whatever its cause."""

import math

import numpy as np

from attacks.diagnosis.causes import FEW
from attacks.diagnosis.subject import Finding, Subject
from attacks.fgsm import fgsm
from attacks.losses import margin
from attacks.pgd import pgd
from attacks.square import scores, square
from minidl.backend import Array

QUERIES = 300  # of the black-box attack
RESTARTS = 5
STEPS = 10


def one_step(s: Subject) -> Finding:
    """Compare the attack with FGSM: more steps must not be worse."""
    once = fgsm(s.numbers, s.x, s.y, s.eps, s.bounds)
    return Finding(
        "one step beats many",
        float(s.survivors(s.x_adv).mean() - s.survivors(once).mean()),
        "accuracy under the attack minus that under FGSM",
        FEW,
        "One step does better than the whole attack: the gradient misleads after the "
        "first step, or the steps are too small or too large.",
        "Look at the loss step by step: it must rise.",
    )


def more_room(s: Subject) -> Finding:
    """Check whether the accuracy rises anywhere as eps grows."""
    low, high = s.bounds or (-math.inf, math.inf)
    radii = [min(part * s.eps, high - low) for part in (0.25, 0.5, 1.0, 2.0)]
    return Finding(
        "accuracy rises with eps",
        float(max(np.diff([s.accuracy(eps) for eps in radii]))),
        "largest rise from eps / 4 to 2 eps",
        FEW,
        "A larger ball contains the smaller one, so that an attack can't do worse in "
        "it: it doesn't use what it is given.",
        "Let the size of a step grow with eps, and take more steps.",
    )


def unbounded(s: Subject) -> Finding:
    """Let every pixel take any value: hardly any image should survive."""
    low, high = s.pixel_range
    chance = 1 / s.p.shape[1]
    return Finding(
        "survives without bounds",
        s.accuracy(max(high - low, s.eps)),  # never less room than was examined
        f"accuracy when any image is allowed, {chance:.2g} being chance",
        chance + FEW,
        "Where every image may become any other, an accuracy above chance shows that "
        "the attack fails, not that the defence holds.",
        "Find the cause above; more steps, a random start or a margin loss may help.",
    )


def black_box(s: Subject) -> Finding:
    """Count images that random squares fool, but the gradient doesn't."""
    rng = np.random.default_rng(s.seed)
    blind = square(s.predict_proba, s.x, s.y, s.eps, rng, QUERIES, bounds=s.bounds)
    return Finding(
        "black box beats white box",
        float(np.mean(~s.survivors(blind) & s.survivors(s.x_adv))),
        "share of the images that only random squares fool",
        FEW,
        "An attack without gradients finds what the gradient doesn't: the gradient is "
        "masked.",
        "Differentiate what the classifier really computes.",
    )


def restarts(s: Subject) -> Finding:
    """Measure what two more random starts find after three."""

    def loss(x: Array, y: Array) -> tuple[Array, Array]:
        return scores(s.predict_proba, margin, x, y), s.numbers(x, y)

    def left(count: int) -> float:
        rng, walk = np.random.default_rng(s.seed), (s.eps, s.eps / 4, STEPS, "Linf")
        x_adv = pgd(loss, s.x, s.y, *walk, count, rng, 0, s.bounds)
        return float(s.survivors(x_adv).mean())

    return Finding(
        "restarts still gain",
        left(RESTARTS - 2) - left(RESTARTS),
        f"accuracy lost from {RESTARTS - 2} to {RESTARTS} random starts",
        FEW,
        "Each random start finds new images: one run ends where it happens to.",
        "Take more restarts and steps until nothing changes, and report that number.",
    )


SYMPTOMS = (one_step, more_room, unbounded, black_box, restarts)
