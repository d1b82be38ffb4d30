"""Exercises of chapter 12: does the defence hold?"""

from typing import Any

import numpy as np

from tutorials.exercises.exercise import Exercise
from tutorials.solutions.chapter12 import margin_loss, smallest_eps, worst_case

Rng = np.random.Generator


def logits(rng: Rng) -> tuple[Any, ...]:
    """z (N, K) and y (N,): some right, some wrong, all logits below 0 in one case."""
    N, K = int(rng.choice([1, 4, 6, 8])), int(rng.integers(3, 7))
    z = rng.standard_normal((N, K)) * 3 - float(rng.choice([0.0, 20.0]))
    return z, rng.integers(K, size=N)


def by_attack(rng: Rng) -> tuple[Any, ...]:
    """fooled (attacks, N): no attack fools all images, and some only one of them."""
    N = int(rng.integers(8, 12))
    A = int(rng.integers(3, 6))
    fooled = rng.random((A, N)) < 0.4
    fooled[:, 0] = False
    fooled[:, 1] = True
    fooled[:, 2] = np.arange(A) == 0
    return (fooled,)


def by_eps(rng: Rng) -> tuple[Any, ...]:
    """fooled (E, N) and eps (E,): one never, one by chance at a small eps only."""
    E, N = int(rng.integers(3, 6)), int(rng.integers(5, 12))
    fooled = rng.random((E, N)) < np.linspace(0.1, 0.9, E)[:, None]
    fooled[:, 0] = False
    fooled[:, 1] = np.arange(E) % 2 == 1
    fooled[:, 2] = np.arange(E) == 0
    return fooled, np.sort(rng.random(E)) * 0.3 + 0.01


def others(z: Any, y: Any, low: float) -> Any:
    """z with the label's logit replaced."""
    found = z.copy()
    found[np.arange(len(z)), y] = low
    return found


def slope(z: Any, y: Any, k: Any) -> Any:
    """+1 at k and -1 at y."""
    rows = np.arange(len(z))
    dz = np.zeros_like(z)
    dz[rows, k] += 1
    dz[rows, y] -= 1
    return dz


def own(z: Any, y: Any) -> Any:
    """The label's logit."""
    return z[np.arange(len(z)), y]


def margin_of(z: Any, y: Any, k: Any) -> tuple[Any, Any]:
    """z_k - z_y with its gradient."""
    return own(z, k) - own(z, y), slope(z, y, k)


EXERCISES = (
    Exercise(
        "12.1",
        "the margin loss of logits, and its gradient",
        margin_loss,
        logits,
        {
            "your k may be y itself: leave the label out": (
                lambda z, y: margin_of(z, y, z.argmax(axis=1))
            ),
            "you set the label's logit to 0: leave it out, with -inf": (
                lambda z, y: margin_of(z, y, others(z, y, 0.0).argmax(axis=1))
            ),
            "your sign is flipped: above 0 means misclassified": lambda z, y: tuple(
                -part for part in margin_of(z, y, others(z, y, -np.inf).argmax(axis=1))
            ),
            "your gradient is that of J, p - onehot(y)": lambda z, y: (
                margin_of(z, y, others(z, y, -np.inf).argmax(axis=1))[0],
                np.exp(z - z.max(axis=1, keepdims=True))
                / np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)
                - np.eye(z.shape[1])[y],
            ),
            "your gradient has only the + 1: z_y counts too": lambda z, y: (
                margin_of(z, y, others(z, y, -np.inf).argmax(axis=1))[0],
                np.eye(z.shape[1])[others(z, y, -np.inf).argmax(axis=1)],
            ),
        },
        (
            "Copy z and set the label's logit to -inf: then argmax finds k.",
            "z[np.arange(N), k] picks one logit of each image.",
            "The gradient is 1 at k, -1 at y, and 0 elsewhere.",
        ),
    ),
    Exercise(
        "12.2",
        "the accuracy in the worst case: per image, the strongest attack",
        worst_case,
        by_attack,
        {
            "you count fooled images: accuracy is the fraction of the others": (
                lambda fooled: fooled.any(axis=0).mean()
            ),
            "an image counts as fooled if any attack succeeds, not only if all do": (
                lambda fooled: (~fooled.all(axis=0)).mean()
            ),
            "you take the strongest single attack: another may fool other images": (
                lambda fooled: (~fooled).mean(axis=1).min()
            ),
            "you take the mean over attacks": lambda fooled: (~fooled).mean(),
            "you count images: divide by their number": (
                lambda fooled: (~fooled.any(axis=0)).sum()
            ),
        },
        (
            "An image is fooled if any attack fools it.",
            "fooled.any(axis=0) marks these; accuracy is the fraction of the others.",
        ),
    ),
    Exercise(
        "12.3",
        "the smallest eps that fools each image",
        smallest_eps,
        by_eps,
        {
            "an image never fooled gets the first eps: argmax of all False is 0": (
                lambda fooled, eps: eps[fooled.argmax(axis=0)]
            ),
            "you count how many eps fail: an attack may fail by chance": (
                lambda fooled, eps: np.append(eps, 1.0)[(~fooled).sum(axis=0)]
            ),
            "you take the largest eps that fools": lambda fooled, eps: np.where(
                fooled.any(axis=0), eps[::-1][fooled[::-1].argmax(axis=0)], 1.0
            ),
            "you return positions: return eps[position]": (
                lambda fooled, eps: np.where(
                    fooled.any(axis=0), fooled.argmax(axis=0), 1.0
                )
            ),
            "you take the largest eps that doesn't fool": lambda fooled, eps: np.where(
                fooled.all(axis=0), 0.0, eps[::-1][(~fooled[::-1]).argmax(axis=0)]
            ),
        },
        (
            "argmax along axis 0 finds the first True.",
            "Where nothing is True, argmax returns 0: check any(axis=0), too.",
        ),
    ),
)
