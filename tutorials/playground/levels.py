"""The six levels, each with its attack, a question about ten digits, and a par.

A level's question attacks the first image of each digit. Its par is the smallest eps,
in hundredths, at which the level's own digit is misclassified. Where the player chooses
one network's gradient, the best network's counts.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ensembles import Ensemble
from minidl import kernels
from minidl.layers import Sequential
from tutorials.playground.attack import Setting, attacked, seen
from tutorials.playground.networks import EACH, images
from tutorials.playground.training import MEMBERS

DIGIT = 21  # a five: one network is fooled at a small eps, a committee at a larger one
LARGEST = 30  # eps in hundredths, as on the page's slider
TEN = range(0, 10 * EACH, EACH)


@dataclass(frozen=True)
class Level:
    """A level's attack and question; eps is the question's, in hundredths."""

    setting: Setting
    eps: int
    words: str  # about the ten digits


FGSM = "FGSM, eps = {eps:.2f}, along the gradient of the only network."
LEVELS = (
    Level(Setting(rule="fgsm", on="1000000000", whose="0"), 20, FGSM),
    Level(
        Setting(whose="0"),
        20,
        "BIM, 8 steps, eps = {eps:.2f}, along the gradient of network 1 of ten.",
    ),
    Level(
        Setting(), 20, "BIM, 8 steps, eps = {eps:.2f}, along the sum of all gradients."
    ),
    Level(
        Setting(net="noise"),
        20,
        "The same attack, eps = {eps:.2f}, on networks that were trained on noise.",
    ),
    Level(
        Setting(defence="bits"),
        0,
        "Each was attacked with the smallest eps that fools the committee, to a "
        "thousandth. Now it is saved and read again.",
    ),
    Level(
        Setting(defence="mask"),
        20,
        "The attack of level 3, eps = {eps:.2f}, along the sum of all gradients.",
    ),
)


def opening(networks: Sequence[Sequential]) -> dict[str, str]:
    """Return the attack that the page opens with, along the sum of all gradients.

    It has the smallest eps at which the committee classifies a seven as a two, and none
    of its networks as a seven. Raises ValueError if no eps up to 0.30 does.
    """
    x, y = images()
    for eps in range(1, LARGEST + 1):
        for i in np.flatnonzero(y == 7).tolist():
            with kernels.use("reference"):
                x_adv = attacked(Setting(), networks, x[[i]], y[[i]], eps / 100)
                each = [int(m.predict(x_adv)[0]) for m in networks]
                if Ensemble(networks).predict(x_adv)[0] == 2 and 7 not in each:
                    return {"digit": str(i), "eps": str(eps)}
    raise ValueError("networks must read a seven as a two, none of these does")


def describe(level: Level, networks: Sequence[Sequential]) -> dict[str, Any]:
    """Return a level's setting, question and par."""
    s = level.setting
    eps = [10 * level.eps or smallest(networks, i) for i in TEN]
    best, whose = par(s, networks)
    return {
        "setting": {**asdict(s), "digit": str(DIGIT), "eps": "2"},
        "question": {
            "words": level.words.format(eps=level.eps / 100),
            "digits": [*TEN],
            "eps": eps,  # in thousandths
            "fallen": [
                fooled(s, networks, i, e / 1000) for i, e in zip(TEN, eps, strict=True)
            ],
        },
        "par": {"eps": best, "whose": whose},
    }


def smallest(networks: Sequence[Sequential], digit: int) -> int:
    """Return an eps that fools, in thousandths, while 0.001 less doesn't: bisection."""
    low, high = 0, 1000
    while high - low > 1:
        middle = (low + high) // 2
        if fooled(Setting(), networks, digit, middle / 1000):
            high = middle
        else:
            low = middle
    return high


def par(s: Setting, networks: Sequence[Sequential]) -> tuple[int, str]:
    """Return the smallest eps that fools, in hundredths, and whose gradient does it.

    A mask counts as known, because naming it is a part of its level.
    """
    known = replace(s, flaw=s.defence if s.defence == "mask" else "")
    if s.whose.isdigit() and s.on != "1" + "0" * (MEMBERS - 1):
        choices = [replace(known, whose=str(i)) for i in range(MEMBERS)]
    else:
        choices = [known]
    return min((first_eps(c, networks), c.whose) for c in choices)


def first_eps(s: Setting, networks: Sequence[Sequential]) -> int:
    """Return the smallest eps that fools on the levels' digit, in hundredths."""
    fooling = (
        eps for eps in range(1, LARGEST + 1) if fooled(s, networks, DIGIT, eps / 100)
    )
    return next(fooling, LARGEST + 1)


def fooled(s: Setting, networks: Sequence[Sequential], digit: int, eps: float) -> bool:
    """Return whether the networks misclassify a digit after the attack."""
    return class_of(s, networks, digit, eps) != int(images()[1][digit])


def class_of(s: Setting, networks: Sequence[Sequential], digit: int, eps: float) -> int:
    """Return the networks' class of a digit after the attack.

    In the reference kernels, as in the page, windows on a constant background tie in
    pooling, and gradients are exactly 0. In faster kernels rounding decides the ties.
    """
    x, y = images()
    with kernels.use("reference"):
        return int(seen(s, networks, x[[digit]], y[[digit]], eps)[0])
