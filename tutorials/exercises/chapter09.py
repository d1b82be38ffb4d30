"""Exercises of chapter 9: attacking ensembles."""

from typing import Any

import numpy as np

from tutorials.exercises import draw
from tutorials.exercises.exercise import Exercise

Rng = np.random.Generator
WAYS = ((0.3, 0.1, 7), (0.4, 0.15, 5), (0.25, 0.12, 6))  # eps, alpha, steps


def of_members(rng: Rng) -> tuple[Any, ...]:
    """Gradients (M, N, H, W, C) of different lengths, one tiny and one zero."""
    M, shape = int(rng.integers(4, 7)), draw.image_shape(rng)
    least = int(rng.choice([-3, 0]))  # of similar size in half of the cases
    sizes = 10.0 ** rng.integers(least, 1, size=(M, shape[0], 1, 1, 1))
    sizes[1, 0], sizes[2, -1] = 0, 1e-17
    g = rng.standard_normal((M, *shape)) * sizes
    g[:, :, 0, 0] = 0  # a pixel that no member depends on
    return (g,)


def costs(rng: Rng) -> tuple[Any, ...]:
    """J (M, N): some so large that exp(-J) is 0, of one member or of all."""
    M, N = int(rng.integers(3, 6)), draw.batch(rng) + 1
    J = rng.random((M, N)) * 5 + rng.choice([0.0, 2000.0], size=N)
    J[0, 0] += 3000
    return (J,)


def attacked(rng: Rng) -> tuple[Any, ...]:
    """gradient and predict of a linear network, images, labels, eps, alpha, steps.

    Some images are misclassified from the start, and others on the way.
    """
    shape = draw.image_shape(rng, least=3)
    K, D = int(rng.integers(3, 6)), int(np.prod(shape[1:]))
    W = rng.standard_normal((D, K))
    W[-1] = 0  # a pixel that the network doesn't depend on
    x = 0.5 + rng.uniform(-0.2, 0.2, (6 + shape[0], *shape[1:]))
    x[:, 0] = rng.choice([0.02, 0.98], size=x[:, 0].shape)

    def scores(images: Any) -> Any:
        return (images.reshape(len(images), -1) - 0.5) @ W

    def predict(images: Any) -> Any:
        return scores(images).argmax(axis=1)

    def gradient(images: Any, y: Any) -> Any:
        z = scores(images)
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return ((p - np.eye(K)[y]) @ W.T).reshape(images.shape)

    y = predict(x)
    y[::3] = (y[::3] + 1) % K
    eps, alpha, steps = WAYS[int(rng.integers(len(WAYS)))]
    return gradient, predict, x, y, eps, alpha, steps


EXERCISES = (
    Exercise(
        "9.1",
        "adv2_direction(gradients)",
        "Adv. 2: the direction in which the sum of all gradients points",
        of_members,
        (
            "The first axis counts members: gradients[i] is member i's.",
            "np.sign of the sum over axis 0.",
        ),
    ),
    Exercise(
        "9.2",
        "ensemble_weights(J)",
        "how much each member counts in the ensemble's own gradient",
        costs,
        (
            "p_i(y) = exp(-J_i); divide by the sum over members, axis 0.",
            "exp(-2000) is 0, and 0/0 isn't a weight: only ratios count.",
            "First subtract each image's smallest J: all ratios of p_i stay.",
        ),
    ),
    Exercise(
        "9.3",
        "normalized_sum(gradients)",
        "every member with one vote: the sum of unit gradients",
        of_members,
        (
            "Each member has a norm per image: sum over axes 2, 3, 4.",
            "keepdims=True lets you divide; where a norm is 0, divide by 1.",
        ),
    ),
    Exercise(
        "9.4",
        "steady_bim(gradient, predict, x, y, eps, alpha, steps)",
        "BIM that undoes its own steps, repaired",
        attacked,
        (
            "Follow one image that is misclassified after the first step: what is its "
            "label at the second?",
            "Which label does the step climb away from, and which should it be?",
            "y is the label at all steps; predict isn't needed at all.",
        ),
    ),
)
