"""Usual wrong answers to chapter 12, each under the sentence that names it."""

from typing import Any

import numpy as np

from tutorials.mistakes import label
from tutorials.solutions.chapter12 import margin_loss


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


def margin_of(z: Any, y: Any, k: Any) -> tuple[Any, Any]:
    """z_k - z_y with its gradient."""
    return label(z, k) - label(z, y), slope(z, y, k)


def never(fooled: Any, eps: Any, value: float) -> Any:
    """The smallest eps that fools, and a value where there is none."""
    return np.where(fooled.any(axis=0), eps[fooled.argmax(axis=0)], value)


MISTAKES = {
    "margin_loss": {
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
        "your gradient has only the + 1: it is -1 at y": lambda z, y: (
            margin_of(z, y, others(z, y, -np.inf).argmax(axis=1))[0],
            np.eye(z.shape[1])[others(z, y, -np.inf).argmax(axis=1)],
        ),
        "k isn't the second largest where the image is misclassified": (
            lambda z, y: margin_of(z, y, z.argsort(axis=1)[:, -2])
        ),
        "your gradient is multiplied by the loss: it is 1, -1 and 0": lambda z, y: (
            margin_loss(z, y)[0],
            margin_loss(z, y)[0][:, None] * margin_loss(z, y)[1],
        ),
        "you take the smallest of the other logits: take the largest": (
            lambda z, y: margin_of(z, y, others(z, y, np.inf).argmin(axis=1))
        ),
        "these are differences of probabilities: the loss takes logits": (
            lambda z, y: (
                margin_loss(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), y)[0],
                margin_loss(z, y)[1],
            )
        ),
    },
    "worst_case": {
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
        "these are the images that all attacks fool": (
            lambda fooled: fooled.all(axis=0).mean()
        ),
        "this is the accuracy under the weakest attack": (
            lambda fooled: (~fooled).mean(axis=1).max()
        ),
        "this is how often attacks succeed: count the images that no attack fools": (
            lambda fooled: fooled.mean()
        ),
        "you count fooled images: return the fraction of the others": (
            lambda fooled: fooled.any(axis=0).sum()
        ),
        "this is the accuracy under the first attack": lambda fooled: (
            ~fooled[0]
        ).mean(),
        "this is the accuracy under the last attack": lambda fooled: (
            ~fooled[-1]
        ).mean(),
        "you multiply accuracies: attacks fool the same images more often than that": (
            lambda fooled: (~fooled).mean(axis=1).prod()
        ),
        "an image is fooled if any attack fools it, not only if most do": (
            lambda fooled: (fooled.mean(axis=0) <= 0.5).mean()
        ),
    },
    "smallest_eps": {
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
            lambda fooled, eps: np.where(fooled.any(axis=0), fooled.argmax(axis=0), 1.0)
        ),
        "you take the largest eps that doesn't fool": lambda fooled, eps: np.where(
            fooled.all(axis=0), 0.0, eps[::-1][(~fooled[::-1]).argmax(axis=0)]
        ),
        "an image that is never fooled gets 1, not 0": (
            lambda fooled, eps: never(fooled, eps, 0.0)
        ),
        "an image that is never fooled gets 1, not the largest eps": (
            lambda fooled, eps: never(fooled, eps, eps[-1])
        ),
        "an image that is never fooled gets 1, not -1": (
            lambda fooled, eps: never(fooled, eps, -1.0)
        ),
        "you add up all eps that fool": (
            lambda fooled, eps: (fooled * eps[:, None]).sum(axis=0)
        ),
        "you take the largest eps that fools, and 0 where none does": (
            lambda fooled, eps: (fooled * eps[:, None]).max(axis=0)
        ),
        "you return the eps before the first that fools": lambda fooled, eps: np.where(
            fooled.any(axis=0), eps[fooled.argmax(axis=0) - 1], 1.0
        ),
        "one success is enough: larger eps needn't fool as well": (
            lambda fooled, eps: np.append(eps, 1.0)[
                len(eps) - np.cumprod(fooled[::-1], axis=0).sum(axis=0)
            ]
        ),
    },
}
