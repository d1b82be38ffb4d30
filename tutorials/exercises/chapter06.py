"""Exercises of chapter 6: the input gradient and FGSM."""

from typing import Any

import numpy as np

from tutorials.exercises.exercise import Exercise
from tutorials.solutions.chapter04 import softmax
from tutorials.solutions.chapter06 import (
    fgsm_step,
    largest_change,
    linear_input_gradient,
)

Rng = np.random.Generator


def classifier(rng: Rng) -> tuple[Any, ...]:
    """x (N, D), y (N,), W (D, K), b (K,)."""
    N = int(rng.integers(2, 8))
    normal = rng.standard_normal
    return normal((N, 6)), rng.integers(4, size=N), normal((6, 4)), normal(4)


def attacked(rng: Rng) -> tuple[Any, ...]:
    """Images x in [0, 1], a gradient with zeros in it, and eps."""
    x = rng.random((2, 4, 4, 1))
    gradient = rng.standard_normal(x.shape) * 0.01
    gradient[0, 0] = 0
    return x, gradient, float(rng.choice([0.1, 0.2, 0.3]))


def perturbed(rng: Rng) -> tuple[Any, ...]:
    """x_adv and x, (N, H, W, C)."""
    x = rng.random((3, 4, 4, 1))
    size = np.array([0.1, 0.2, 0.3]).reshape(3, 1, 1, 1)
    return x + size * rng.uniform(-1, 0.8, x.shape), x


def errors(x: Any, y: Any, W: Any, b: Any) -> Any:
    """p - onehot(y)."""
    return softmax(x @ W + b) - np.eye(len(b))[y]


EXERCISES = (
    Exercise(
        "6.1",
        "dJ/dx of a linear classifier, per image",
        linear_input_gradient,
        classifier,
        {
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
        (
            "dJ/dz of one image is p - onehot(y), from chapter 4 without the 1/N.",
            "z = x W + b: back through it by W^T, as in chapter 2.",
            "(softmax(x @ W + b) - np.eye(len(b))[y]) @ W.T, where softmax is chapter "
            "4's, or imported from minidl.layers.activations.",
        ),
    ),
    Exercise(
        "6.2",
        "the fast gradient sign method",
        fgsm_step,
        attacked,
        {
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
                lambda x, gradient, eps: np.clip(
                    x + eps / 255 * np.sign(gradient), 0, 1
                )
            ),
            "where the gradient is 0 nothing moves: sign(0) is 0": (
                lambda x, gradient, eps: np.clip(
                    x + eps * np.where(gradient < 0, -1, 1), 0, 1
                )
            ),
        },
        (
            "The step has the same length in each pixel: eps, up or down.",
            "x + eps * np.sign(gradient), and then np.clip.",
        ),
    ),
    Exercise(
        "6.3",
        "how far each image was moved: the largest change of a pixel",
        largest_change,
        perturbed,
        {
            "this is one number for the whole batch: each image has its own": (
                lambda x_adv, x: abs(x_adv - x).max()
            ),
            "pixels that became darker count too: take the absolute value": (
                lambda x_adv, x: (x_adv - x).max(axis=(1, 2, 3))
            ),
            "this is the Euclidean distance (L2): here it is the largest change": (
                lambda x_adv, x: np.sqrt(((x_adv - x) ** 2).sum(axis=(1, 2, 3)))
            ),
            "this is the mean change": (
                lambda x_adv, x: abs(x_adv - x).mean(axis=(1, 2, 3))
            ),
        },
        (
            "abs(x_adv - x), and then the largest within each image.",
            "max takes several axes at once: axis=(1, 2, 3).",
        ),
    ),
)
