"""Exercises of chapter 6: the input gradient and FGSM."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator


def classifier(rng: Rng) -> tuple[Any, ...]:
    """x (N, D), y (N,), W (D, K), b (K,)."""
    N, D, K = draw.batch(rng), int(rng.integers(5, 8)), int(rng.integers(3, 5))
    normal = rng.standard_normal
    return normal((N, D)), rng.integers(K, size=N), normal((D, K)), normal(K)


def attacked(rng: Rng) -> tuple[Any, ...]:
    """Images x in [0, 1], a gradient with zeros in it, and eps."""
    x = rng.random(draw.image_shape(rng)).astype(draw.dtype(rng))
    gradient = (rng.standard_normal(x.shape) * 0.01).astype(x.dtype)
    gradient[0, 0] = 0
    return x, gradient, float(rng.choice([0.1, 0.2, 0.3]))


def perturbed(rng: Rng) -> tuple[Any, ...]:
    """x_adv and x, (N, H, W, C)."""
    x = rng.random(draw.image_shape(rng))
    size = rng.uniform(0.1, 0.3, (len(x), 1, 1, 1))
    return x + size * rng.uniform(-1, 0.8, x.shape), x


EXERCISES = (
    Exercise(
        "6.1",
        "linear_input_gradient(x, y, W, b)",
        "dJ/dx of a linear classifier, per image",
        classifier,
        (
            "dJ/dz of one image is p - onehot(y), from chapter 4 without the 1/N.",
            "Go back through z = x W + b with W^T, as in chapter 2.",
            "(softmax(x @ W + b) - np.eye(len(b))[y]) @ W.T, where softmax is chapter "
            "4's, or imported from minidl.layers.activations.",
        ),
    ),
    Exercise(
        "6.2",
        "fgsm_step(x, gradient, eps)",
        "the fast gradient sign method",
        attacked,
        (
            "The step has the same length in each pixel: eps, up or down.",
            "x + eps * np.sign(gradient), and then np.clip.",
        ),
    ),
    Exercise(
        "6.3",
        "largest_change(x_adv, x)",
        "how far each image was moved: the largest change of a pixel",
        perturbed,
        (
            "abs(x_adv - x), and then the largest within each image.",
            "max takes several axes at once: axis=(1, 2, 3).",
        ),
    ),
)
