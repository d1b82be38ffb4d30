"""Usual wrong answers to chapter 6, each under the sentence that names it."""

from typing import Any

import numpy as np

from tutorials.solutions.chapter04 import softmax


def errors(x: Any, y: Any, W: Any, b: Any) -> Any:
    """p - onehot(y)."""
    return softmax(x @ W + b) - np.eye(len(b))[y]


MISTAKES = {
    "linear_input_gradient": {
        "you use the mean over the batch: your gradient depends on batch size": (
            lambda x, y, W, b: errors(x, y, W, b) @ W.T / len(x)
        ),
        "your sign is flipped: J would fall": (
            lambda x, y, W, b: -errors(x, y, W, b) @ W.T
        ),
        "you leave out - onehot(y): p alone isn't dJ/dz": (
            lambda x, y, W, b: softmax(x @ W + b) @ W.T
        ),
        "this is the gradient of the label's logit, not of J": (
            lambda x, y, W, b: W.T[y]
        ),
        "you use the predicted class where the label belongs": (
            lambda x, y, W, b: errors(x, (x @ W + b).argmax(axis=1), W, b) @ W.T
        ),
        "you reshape W: it must be transposed, W.T": lambda x, y, W, b: (
            errors(x, y, W, b) @ W.reshape(W.shape[::-1])
        ),
        "the softmax runs over the batch: each image has its own": (
            lambda x, y, W, b: (
                (np.exp(x @ W + b) / np.exp(x @ W + b).sum(axis=0) - np.eye(len(b))[y])
                @ W.T
            )
        ),
        "you return dJ/dz: go back through W": lambda x, y, W, b: errors(x, y, W, b),
        "you weight all classes alike: weight them by p": (
            lambda x, y, W, b: W.mean(axis=1) - W.T[y]
        ),
        "you add onehot(y): subtract it": (
            lambda x, y, W, b: (errors(x, y, W, b) + 2 * np.eye(len(b))[y]) @ W.T
        ),
        "you leave out p: this is the gradient of -z_y": (lambda x, y, W, b: -W.T[y]),
        "you use z where p belongs: the softmax is missing": (
            lambda x, y, W, b: (x @ W + b - np.eye(len(b))[y]) @ W.T
        ),
        "you leave out b: p depends on it": (
            lambda x, y, W, b: errors(x, y, W, b * 0) @ W.T
        ),
        "you multiply by x, which gives dJ/dW: dz/dx is W": (
            lambda x, y, W, b: x.T @ errors(x, y, W, b)
        ),
    },
    "fgsm_step": {
        "you leave out clipping: pixels must stay in [0, 1]": (
            lambda x, gradient, eps: x + eps * np.sign(gradient)
        ),
        "you follow the gradient itself: use only its sign": (
            lambda x, gradient, eps: np.clip(x + eps * gradient, 0, 1)
        ),
        "your sign is flipped: J would fall": (
            lambda x, gradient, eps: np.clip(x - eps * np.sign(gradient), 0, 1)
        ),
        "you return the perturbation: add it to x": (
            lambda x, gradient, eps: eps * np.sign(gradient)
        ),
        "you divide eps by 255: x is in [0, 1] already": (
            lambda x, gradient, eps: np.clip(x + eps / 255 * np.sign(gradient), 0, 1)
        ),
        "your pixels go up where the gradient is 0: sign(0) is 0": (
            lambda x, gradient, eps: np.clip(
                x + eps * np.where(gradient < 0, -1, 1), 0, 1
            )
        ),
        "your pixels go down where the gradient is 0: sign(0) is 0": (
            lambda x, gradient, eps: np.clip(
                x + eps * np.where(gradient > 0, 1, -1), 0, 1
            )
        ),
        "you clip from below only: pixels are at most 1": (
            lambda x, gradient, eps: np.maximum(x + eps * np.sign(gradient), 0)
        ),
        "you clip from above only: pixels are at least 0": (
            lambda x, gradient, eps: np.minimum(x + eps * np.sign(gradient), 1)
        ),
        "you clip the perturbation, not the image: now no pixel can get darker": (
            lambda x, gradient, eps: x + np.clip(eps * np.sign(gradient), 0, 1)
        ),
        "you scale the gradient by its largest number: use only its sign": (
            lambda x, gradient, eps: np.clip(
                x + eps * gradient / abs(gradient).max(), 0, 1
            )
        ),
        "you use the sign of x: use the gradient's sign": (
            lambda x, gradient, eps: np.clip(x + eps * np.sign(x), 0, 1)
        ),
        "x and the gradient are swapped": (
            lambda x, gradient, eps: np.clip(gradient + eps * np.sign(x), 0, 1)
        ),
        "you return only the gradient's sign: return x + eps times the sign": (
            lambda x, gradient, eps: np.sign(gradient)
        ),
        "you leave out eps: each pixel moves by eps": (
            lambda x, gradient, eps: np.clip(x + np.sign(gradient), 0, 1)
        ),
    },
    "largest_change": {
        "this is one number for the whole batch: each image has its own": (
            lambda x_adv, x: abs(x_adv - x).max()
        ),
        "pixels that became darker count, too: take the absolute value": (
            lambda x_adv, x: (x_adv - x).max(axis=(1, 2, 3))
        ),
        "this is the Euclidean distance (L2): return the largest change": (
            lambda x_adv, x: np.sqrt(((x_adv - x) ** 2).sum(axis=(1, 2, 3)))
        ),
        "this is the whole range of the changes, largest minus smallest": (
            lambda x_adv, x: (
                (x_adv - x).max(axis=(1, 2, 3)) - (x_adv - x).min(axis=(1, 2, 3))
            )
        ),
        "this is the sum of all changes (L1): return the largest change": (
            lambda x_adv, x: abs(x_adv - x).sum(axis=(1, 2, 3))
        ),
        "this compares the largest pixels: take the largest change": (
            lambda x_adv, x: abs(x_adv.max(axis=(1, 2, 3)) - x.max(axis=(1, 2, 3)))
        ),
        "this is the smallest change": (
            lambda x_adv, x: abs(x_adv - x).min(axis=(1, 2, 3))
        ),
        "only the first channel is used": (
            lambda x_adv, x: abs(x_adv - x)[..., :1].max(axis=(1, 2, 3))
        ),
        "this is the mean change": (
            lambda x_adv, x: abs(x_adv - x).mean(axis=(1, 2, 3))
        ),
    },
}
