"""Usual wrong answers to chapter 9, each under the sentence that names it."""

from typing import Any

import numpy as np


def small_costs(J: Any) -> Any:
    """exp(-J) where that is above 0: the smallest cost of an image is set to 0."""
    return np.exp(-(J - J.min(axis=0)))


def norms(g: Any) -> Any:
    """The Euclidean norm of each member's gradient of each image."""
    return np.sqrt((g**2).sum(axis=(2, 3, 4), keepdims=True))


def divided(g: Any, norm: Any) -> Any:
    """g / norm, 0 where the norm is 0."""
    return g / np.where(norm > 0, norm, 1)


def length(g: Any, axes: tuple[int, ...]) -> Any:
    """The Euclidean norm over some axes."""
    return np.sqrt((g**2).sum(axis=axes, keepdims=True))


def walked(
    label: Any, gradient: Any, x: Any, eps: float, alpha: float, steps: int
) -> Any:
    """BIM with label(x_adv, step) at each step."""
    x_adv = x
    for step in range(steps):
        x_adv = x_adv + alpha * np.sign(gradient(x_adv, label(x_adv, step)))
        x_adv = np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1)
    return x_adv


MISTAKES = {
    "adv2_direction": {
        "you add up signs: first the sum, then the sign": (
            lambda gradients: np.sign(np.sign(gradients).sum(axis=0))
        ),
        "you return the sum: use only its sign": (
            lambda gradients: gradients.sum(axis=0)
        ),
        "this is the gradient of one member, as in Adv. 1": (
            lambda gradients: np.sign(gradients[0])
        ),
        "you follow the member with the largest gradient: add them all up": (
            lambda gradients: np.sign(
                np.take_along_axis(
                    gradients, norms(gradients).argmax(axis=0)[None], axis=0
                )[0]
            )
        ),
        "you follow each pixel's largest gradient: add them all up": (
            lambda gradients: np.sign(
                np.take_along_axis(
                    gradients, abs(gradients).argmax(axis=0)[None], axis=0
                )[0]
            )
        ),
        "where the sum is 0 nothing moves: sign(0) is 0": (
            lambda gradients: np.where(gradients.sum(axis=0) >= 0, 1.0, -1.0)
        ),
        "you multiply the gradients: add them up": (
            lambda gradients: np.sign(gradients.prod(axis=0))
        ),
        "you add up images, not members": (
            lambda gradients: np.sign(gradients.sum(axis=1))
        ),
        "your sign is flipped: J would fall": (
            lambda gradients: -np.sign(gradients.sum(axis=0))
        ),
    },
    "ensemble_weights": {
        "your weights grow with J: members that are already fooled must count least": (
            lambda J: np.exp(J - J.max(axis=0)) / np.exp(J - J.max(axis=0)).sum(axis=0)
        ),
        "you divide by the sum over images: each image's weights sum to 1": (
            lambda J: small_costs(J) / small_costs(J).sum(axis=1, keepdims=True)
        ),
        "all members count equally, as in Adv. 2": (
            lambda J: np.full(J.shape, 1 / len(J))
        ),
        "you don't divide by the sum over members": small_costs,
        "you weight by 1/J, not by p = exp(-J)": (
            lambda J: (1 / J) / (1 / J).sum(axis=0)
        ),
        "your softmax is over images: each image's weights sum to 1": (
            lambda J: (
                np.exp(-(J.T - J.min(axis=1)) + 0).T
                / np.exp(-(J.T - J.min(axis=1))).T.sum(axis=1, keepdims=True)
            )
        ),
        "you don't divide by the sum over members, and exp(-J) of a large J is 0": (
            lambda J: np.exp(-J)
        ),
        "you weight by J itself: weight by p = exp(-J)": lambda J: J / J.sum(axis=0),
        "you weight by 1 - p: the member with the largest p counts most": (
            lambda J: (1 - small_costs(J) / small_costs(J).sum(axis=0)) / (len(J) - 1)
        ),
        "you use only the member with the smallest J: all count, by their p": (
            lambda J: (J.min(axis=0) == J).astype(float)
        ),
        "you divide by the sum over everything: each image's weights sum to 1": (
            lambda J: np.exp(J.min() - J) / np.exp(J.min() - J).sum()
        ),
        "you add a small number to the sum: it dominates where all p are tiny": (
            lambda J: np.exp(-J) / (np.exp(-J).sum(axis=0) + 1e-12)
        ),
    },
    "normalized_sum": {
        "you use one norm for all images: each has its own": (
            lambda gradients: divided(
                gradients,
                np.sqrt((gradients**2).sum(axis=(1, 2, 3, 4), keepdims=True)),
            ).sum(axis=0)
        ),
        "you normalise the sum, not its parts": (
            lambda gradients: divided(
                gradients.sum(axis=0), norms(gradients.sum(axis=0)[None])[0]
            )
        ),
        "you add a small number to the norm: a confident member, with a tiny "
        "gradient, loses its vote": (
            lambda gradients: (gradients / (norms(gradients) + 1e-10)).sum(axis=0)
        ),
        "you divide by the square of the norm": (
            lambda gradients: divided(gradients, norms(gradients) ** 2).sum(axis=0)
        ),
        "you add up signs: a unit vector keeps the ratios of its pixels": (
            lambda gradients: np.sign(gradients).sum(axis=0)
        ),
        "you don't normalise: this is the sum of Adv. 2": (
            lambda gradients: gradients.sum(axis=0)
        ),
        "you use one norm for all members and images: each has its own": (
            lambda gradients: (gradients / np.sqrt((gradients**2).sum())).sum(axis=0)
        ),
        "this is the sign of the sum, Adv. 2": (
            lambda gradients: np.sign(gradients.sum(axis=0))
        ),
        "you divide by the sum of |g|: the norm is Euclidean": (
            lambda gradients: divided(
                gradients, abs(gradients).sum(axis=(2, 3, 4), keepdims=True)
            ).sum(axis=0)
        ),
        "you divide by the largest |g|: the norm is Euclidean": (
            lambda gradients: divided(
                gradients, abs(gradients).max(axis=(2, 3, 4), keepdims=True)
            ).sum(axis=0)
        ),
        "you compute a norm per pixel: sum over H, W and C": (
            lambda gradients: divided(gradients, length(gradients, (4,))).sum(axis=0)
        ),
        "you compute a norm per channel: sum over H, W and C": (
            lambda gradients: divided(gradients, length(gradients, (2, 3))).sum(axis=0)
        ),
        "your norm is over members: each member's gradient has its own": (
            lambda gradients: divided(gradients, length(gradients, (0,))).sum(axis=0)
        ),
    },
    "steady_bim": {
        "your label still changes between steps: it is predicted anew": (
            lambda gradient, predict, x, y, *way: walked(
                lambda x_adv, step: predict(x_adv), gradient, x, *way
            )
        ),
        "you keep the first prediction: an image that is misclassified from the start "
        "is pushed back, and you have y": (
            lambda gradient, predict, x, y, *way: walked(
                lambda x_adv, step: predict(x), gradient, x, *way
            )
        ),
        "after the first step your label is the prediction again": (
            lambda gradient, predict, x, y, *way: walked(
                lambda x_adv, step: predict(x_adv) if step else y, gradient, x, *way
            )
        ),
        "your label is y only for images that are misclassified from the start": (
            lambda gradient, predict, x, y, *way: walked(
                lambda x_adv, step: np.where(predict(x) == y, predict(x_adv), y),
                gradient,
                x,
                *way,
            )
        ),
        "you stop where the image is misclassified: BIM takes all its steps": (
            lambda gradient, predict, x, y, *way: walked(
                lambda x_adv, step: y,
                lambda x_adv, label: (
                    gradient(x_adv, label)
                    * (predict(x_adv) == label).reshape(-1, 1, 1, 1)
                ),
                x,
                *way,
            )
        ),
        "your sign is flipped: J falls": (
            lambda gradient, predict, x, y, *way: walked(
                lambda x_adv, step: y,
                lambda x_adv, label: -gradient(x_adv, label),
                x,
                *way,
            )
        ),
    },
}
