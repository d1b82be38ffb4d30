"""Usual wrong answers to chapter 15, each under the sentence that names it."""

from typing import Any

import numpy as np

from minidl.layers.activations import log_softmax
from tutorials.solutions.chapter15 import combined_loss


def softmax(z: Any, axis: int = 1) -> Any:
    """The probabilities of logits."""
    p = np.exp(z - z.max(axis=axis, keepdims=True))
    return p / p.sum(axis=axis, keepdims=True)


def margin_of(z: Any, wrong: Any, right: Any) -> tuple[Any, Any]:
    """z_wrong - z_right of each image, with its gradient."""
    rows, dz = np.arange(len(z)), np.zeros_like(z)
    dz[rows, wrong] += 1
    dz[rows, right] -= 1
    return z[rows, wrong] - z[rows, right], dz


def best(z: Any, y: Any, last: bool) -> Any:
    """The largest of the other classes, the last one counting or not."""
    others = z.copy()
    others[np.arange(len(z)), y] = -np.inf
    others[:, -1] = others[:, -1] if last else -np.inf
    return others.argmax(axis=1)


MISTAKES = {
    "soft_labels": {
        "you leave the temperature out: these are the labels at T = 1": (
            lambda z, temperature: softmax(z)
        ),
        "you multiply by T: the labels become harder": (
            lambda z, temperature: softmax(z * temperature)
        ),
        "you divide the probabilities by T: divide the logits": (
            lambda z, temperature: softmax(z) / temperature
        ),
        "you take the softmax over images: each image has its own probabilities": (
            lambda z, temperature: softmax(z / temperature, axis=0)
        ),
        "these are logits: the softmax is missing": (
            lambda z, temperature: z / temperature
        ),
        "these are log-probabilities: the exp is missing": (
            lambda z, temperature: log_softmax(z / temperature)
        ),
    },
    "straight_through": {
        "you take the gradient at x: the network sees defence(x)": (
            lambda x, y, defence, gradient: gradient(x, y)
        ),
        "you send the gradient through the defence: BPDA leads past it": (
            lambda x, y, defence, gradient: defence(gradient(defence(x), y))
        ),
        "this is the true gradient, 0: the defence counts as the identity": (
            lambda x, y, defence, gradient: np.zeros_like(x)
        ),
        "you multiply by defence(x): the identity's derivative is 1": (
            lambda x, y, defence, gradient: gradient(defence(x), y) * defence(x)
        ),
        "this is a step: return the gradient alone": (
            lambda x, y, defence, gradient: x + gradient(defence(x), y)
        ),
    },
    "with_rejection": {
        "the last logit is the score alone: add the largest z_k": (
            lambda z, s: np.column_stack([z, s])
        ),
        "you multiply, (1 + s) max z_k: negative logits reverse the sign of s": (
            lambda z, s: np.column_stack([z, (1 + s) * z.max(axis=1)])
        ),
        "your sign is flipped: s > 0 means rejected": (
            lambda z, s: np.column_stack([z, z.max(axis=1) - s])
        ),
        "rejected is the last class, not the first": (
            lambda z, s: np.column_stack([z.max(axis=1) + s, z])
        ),
        "you add s to the mean of the logits: add it to the largest": (
            lambda z, s: np.column_stack([z, z.mean(axis=1) + s])
        ),
    },
    "combined_loss": {
        "you count a rejected image as fooled: the last class isn't a wrong class": (
            lambda z, y: margin_of(z, best(z, y, last=True), y)
        ),
        "you forget the detector: the image may be rejected": (
            lambda z, y: margin_of(z, best(z, y, last=False), y)
        ),
        "you forget the classifier: the label's logit may still be larger": (
            lambda z, y: margin_of(
                z, best(z, y, last=False), np.full(len(z), z.shape[1] - 1)
            )
        ),
        "your sign is flipped: above 0 means misclassified and not rejected": (
            lambda z, y: tuple(-part for part in combined_loss(z, y))
        ),
        "your gradient has only the + 1: the subtracted logit has -1": (
            lambda z, y: (
                combined_loss(z, y)[0],
                np.eye(z.shape[1])[best(z, y, last=False)],
            )
        ),
        "your gradient's -1 is always at y: it belongs at the larger of the two": (
            lambda z, y: (
                combined_loss(z, y)[0],
                margin_of(z, best(z, y, last=False), y)[1],
            )
        ),
    },
}
