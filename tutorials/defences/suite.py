"""The table's attacks: the usual ones on the naive gradient, and an adaptive one."""

import math
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from attacks import Counter, Suite, apgd, bim, dlr, fgsm, loss_of, margin, pgd, square
from attacks.evaluation.suites import Attack
from attacks.gradients import gradient_of
from attacks.victims import per_image
from minidl.backend import Array
from minidl.classifiers import Classifier
from tutorials.defences.detector import undetected_margin
from tutorials.defences.rows import Row
from tutorials.defences.settings import Strength
from tutorials.defences.victims import Victim, victim

ADAPTIVE = "adaptive"
FGSM, BIM = "FGSM", "BIM"
BIM_STEPS = 8  # the paper's n, which just reach eps
found = lru_cache(maxsize=2)(victim)  # a worker attacks one defence in many batches


def suite(row: Row, folder: Path, strength: Strength) -> Suite:
    """Return a row's defence with all attacks; workers call this."""
    defence, counter = found(row, folder, strength), Counter()
    attacks = usual(defence, counter, strength)
    attacks[ADAPTIVE] = defence.adaptive(counter)
    if defence.rejects:
        attacks = {n: accepted(a, defence.classifier) for n, a in attacks.items()}
    return Suite(defence.classifier, attacks, counter)


def usual(defence: Victim, counter: Counter, strength: Strength) -> dict[str, Attack]:
    """Return the attacks that don't know the defence, with and without a gradient."""
    own = counter.loss(loss_of(defence.naive))
    ratio = counter.loss(loss_of(defence.naive, dlr))
    scores = counter.scores(defence.classifier.predict_proba)
    loss = undetected_margin if defence.rejects else margin
    gradient, n = gradient_of(own), strength.steps
    many = partial(pgd, own, steps=n, restarts=strength.restarts)
    return {
        FGSM: lambda x, y, eps, rng: fgsm(gradient, x, y, eps),
        BIM: lambda x, y, eps, rng: bim(
            gradient, x, y, eps, eps / BIM_STEPS, BIM_STEPS
        ),
        f"PGD-{n}": lambda x, y, eps, rng: many(
            x, y, eps, eps / 10, rng=rng, stop_above=MISREAD
        ),
        "APGD-CE": lambda x, y, eps, rng: apgd(
            own, x, y, eps, n, rng=rng, stop_above=MISREAD
        ),
        "APGD-DLR": lambda x, y, eps, rng: apgd(
            ratio, x, y, eps, n, rng=rng, stop_above=0
        ),
        "Square": lambda x, y, eps, rng: square(
            scores, x, y, eps, rng, strength.queries, loss=loss
        ),
    }


MISREAD = math.log(10)  # above this cost p_y < 1/10, so another of ten classes has more


def accepted(attack: Attack, classifier: Classifier) -> Attack:
    """Return an attack that keeps the clean image where its own would be rejected.

    The last class means "rejected". Only images that were classified correctly are
    attacked, so an image that is kept counts as withstood.
    """

    def limited(x: Array, y: Array, eps: float, rng: np.random.Generator) -> Array:
        x_adv = attack(x, y, eps, rng)
        p = classifier.predict_proba(x_adv)
        rejected = p.argmax(axis=1) == p.shape[1] - 1
        return np.where(per_image(rejected, x), x, x_adv)

    return limited
