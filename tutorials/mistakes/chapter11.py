"""Usual wrong answers to chapter 11, each under the sentence that names it."""

import math
from typing import Any

import numpy as np

Z = 1.96


def normal(correct: float, images: float, z: float = Z) -> tuple[float, float]:
    """The textbook's interval, p +- z sqrt(p (1 - p) / n)."""
    p = correct / images
    half = z * math.sqrt(p * (1 - p) / images)
    return p - half, p + half


def wilson_with(correct: int, images: int, z: float) -> tuple[float, float]:
    """Wilson's interval with another z."""
    n, p = images, correct / images
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return centre - half, centre + half


def pairs(wrong: Any, differ: Any) -> float:
    """The mean over pairs and images of a comparison."""
    M = len(wrong)
    return float(
        np.mean([differ(wrong[i], wrong[j]) for i in range(M) for j in range(i)])
    )


MISTAKES = {
    "table2_row": {
        "this is the mean over all members: each counts under its own gradient": (
            lambda members, ensemble: (members.mean(), ensemble.mean())
        ),
        "these are the members under the others' gradients": (
            lambda members, ensemble: (
                members[~np.eye(len(members), dtype=bool)].mean(),
                ensemble.mean(),
            )
        ),
        "the ensemble's accuracy is a mean over gradients, not the smallest": (
            lambda members, ensemble: (np.diag(members).mean(), ensemble.min())
        ),
        "this is the first member only: the caption says average": (
            lambda members, ensemble: (members[0, 0], ensemble.mean())
        ),
        "the two are in the wrong order: return single, ensemble": (
            lambda members, ensemble: (ensemble.mean(), np.diag(members).mean())
        ),
        "this is the first member and the first gradient: both are means": (
            lambda members, ensemble: (members[0, 0], ensemble[0])
        ),
        "this is the first gradient only: both are means over gradients": (
            lambda members, ensemble: (members[0].mean(), ensemble[0])
        ),
        "you take the smallest: the caption says average": (
            lambda members, ensemble: (np.diag(members).min(), ensemble.min())
        ),
        "the ensemble's accuracy is a mean over gradients, not the largest": (
            lambda members, ensemble: (np.diag(members).mean(), ensemble.max())
        ),
        "you take medians: the caption says average": (
            lambda members, ensemble: (
                np.median(np.diag(members)),
                np.median(ensemble),
            )
        ),
        "this is the other diagonal: members[i, i] is under its own gradient": (
            lambda members, ensemble: (np.diag(members[::-1]).mean(), ensemble.mean())
        ),
    },
    "wilson_interval": {
        "this is the textbook's interval: near 0 and 1 it is wrong": normal,
        "this is one standard error: 95 % takes z = 1.96": (
            lambda correct, images: wilson_with(correct, images, 1.0)
        ),
        "this is 99 %: 95 % takes z = 1.96": (
            lambda correct, images: wilson_with(correct, images, 2.5758)
        ),
        "you return counts: divide by the number of images": (
            lambda correct, images: tuple(
                images * end for end in wilson_with(correct, images, 1.959964)
            )
        ),
        "the two ends are in the wrong order": (
            lambda correct, images: wilson_with(correct, images, 1.959964)[::-1]
        ),
        "this is the textbook's interval, cut at 0 and 1: it is wrong near them": (
            lambda correct, images: tuple(np.clip(normal(correct, images), 0, 1))
        ),
        "this is the interval of Agresti and Coull: Wilson's is shorter near 0 and 1": (
            lambda correct, images: normal(correct + Z**2 / 2, images + Z**2)
        ),
        "95 % takes z = 1.96, not 2": (
            lambda correct, images: wilson_with(correct, images, 2.0)
        ),
        "this is 90 %: 95 % takes z = 1.96": (
            lambda correct, images: wilson_with(correct, images, 1.645)
        ),
        "you return the centre and half of the width: return both ends": (
            lambda correct, images: (
                (
                    wilson_with(correct, images, Z)[0]
                    + wilson_with(correct, images, Z)[1]
                )
                / 2,
                (
                    wilson_with(correct, images, Z)[1]
                    - wilson_with(correct, images, Z)[0]
                )
                / 2,
            )
        ),
        "this is p plus and minus one standard error": (
            lambda correct, images: normal(correct, images, 1.0)
        ),
        "you don't divide by 1 + z^2/n": (
            lambda correct, images: tuple(
                end * (1 + Z**2 / images) for end in wilson_with(correct, images, Z)
            )
        ),
        "this is the interval of the images misclassified": (
            lambda correct, images: wilson_with(images - correct, images, Z)
        ),
    },
    "disagreement": {
        "this is how often they agree": (
            lambda wrong: pairs(wrong, lambda a, b: a == b)
        ),
        "you add up the pairs: take their mean": lambda wrong: (
            pairs(wrong, lambda a, b: a != b) * len(wrong) * (len(wrong) - 1) / 2
        ),
        "this is how often both are wrong": (
            lambda wrong: pairs(wrong, lambda a, b: a & b)
        ),
        "this is how often any is wrong": lambda wrong: float(wrong.any(axis=0).mean()),
        "you count each member with itself, too": lambda wrong: float(
            np.mean(wrong[:, None] != wrong[None])
        ),
        "this is the fraction of images misclassified": lambda wrong: float(
            wrong.mean()
        ),
        "this is how often at least one of two is wrong": (
            lambda wrong: pairs(wrong, lambda a, b: a | b)
        ),
        "this is how often all are wrong": lambda wrong: wrong.all(axis=0).mean(),
        "this is how often any two disagree: take the mean over pairs": (
            lambda wrong: (wrong.any(axis=0) & ~wrong.all(axis=0)).mean()
        ),
        "you count images: divide by their number": (
            lambda wrong: pairs(wrong, lambda a, b: a != b) * wrong.shape[1]
        ),
        "these are the first two members only": (
            lambda wrong: (wrong[0] != wrong[1]).mean()
        ),
        "you compare neighbours only: take all pairs": (
            lambda wrong: (wrong[1:] != wrong[:-1]).mean()
        ),
        "you compare with the first member only: take all pairs": (
            lambda wrong: (wrong[1:] != wrong[0]).mean()
        ),
        "this is the standard deviation over members": (
            lambda wrong: wrong.std(axis=0).mean()
        ),
        "you count only i wrong and j right: count i right and j wrong, too": (
            lambda wrong: pairs(wrong, lambda a, b: a & ~b)
        ),
    },
    "dead_for_good": {
        "b_k counts, too: above 0 it keeps the class alive where h is small": (
            lambda W, b: (W <= 0).all(axis=0)
        ),
        "the weights count, too: one above 0 revives the class where h is large": (
            lambda W, b: b <= 0
        ),
        "one weight above 0 is enough to revive a class: all must be at most 0": (
            lambda W, b: (W <= 0).any(axis=0) & (b <= 0)
        ),
        "you add up the weights: h may be large where a single weight is above 0": (
            lambda W, b: (W.sum(axis=0) <= 0) & (b <= 0)
        ),
        "you test only h = (1, ..., 1): a class is dead if no h revives it": (
            lambda W, b: W.sum(axis=0) + b <= 0
        ),
        "a weight of exactly 0 can't revive a class": (
            lambda W, b: (W < 0).all(axis=0) & (b <= 0)
        ),
        "with b_k = 0 a class can be dead, too: a ReLU at 0 has no gradient": (
            lambda W, b: (W <= 0).all(axis=0) & (b < 0)
        ),
        "these are the classes that can still learn": (
            lambda W, b: (W > 0).any(axis=0) | (b > 0)
        ),
    },
}
