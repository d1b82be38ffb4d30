"""The path of an iterative attack: its images, and the number of steps to success.

Such an attack asks for one gradient at each of its points, beginning with x. Every
call shows the images at one point.
"""

from collections.abc import Callable
from itertools import count
from typing import TypeAlias

import numpy as np

from attacks.arguments import check_result, checked
from attacks.gradients import GradientFn
from attacks.victims import Predict
from minidl.backend import Array, get_array_module, to_numpy
from minidl.checks import check_array
from minidl.checks.answers import copy_of

ByGradient: TypeAlias = Callable[[GradientFn, Array, Array], Array]


@checked()
def steps_to_success(
    predict: Predict,
    gradient: GradientFn,
    attack: ByGradient,
    x: Array,
    y: Array,
) -> Array:
    """Return after how many steps each image is first misclassified; infinity if never.

    It is 0 if x itself is misclassified.
    Shapes: x (N, H, W, C), y (N,), result (N,) float. ValueError unless `attack` keeps
    all images in its batch, as fgsm, bim and mi_fgsm do.
    """
    found = np.full(len(x), np.inf)
    steps = count()

    def look(x_adv: Array) -> None:
        new = np.isinf(found) & to_numpy(predict(x_adv) != y)
        found[new] = next(steps)

    walk(look, gradient, attack, x, y)
    return found


@checked()
def trajectory(gradient: GradientFn, attack: ByGradient, x: Array, y: Array) -> Array:
    """Return the images that an attack passes through, from x to its result.

    Shapes: x (N, H, W, C), y (N,), result (T + 1, N, H, W, C) for T steps. `attack` is
    as in `steps_to_success`; `save_gif` animates the result.
    """
    points: list[Array] = []
    walk(lambda x_adv: points.append(x_adv.copy()), gradient, attack, x, y)
    return get_array_module(x).stack(points)


def walk(
    look: Callable[[Array], None],
    gradient: GradientFn,
    attack: ByGradient,
    x: Array,
    y: Array,
) -> None:
    """Run an attack, and call `look` with each point, x first and the result last."""

    def shown(x_adv: Array) -> None:
        check_array("what attack works on", x_adv)
        if len(x_adv) != len(x):
            raise ValueError(
                f"attack must keep its {len(x)} images together, got {len(x_adv)}"
            )
        check_result("attack", x_adv, x)
        look(x_adv)

    def watched(x_adv: Array, y: Array) -> Array:
        shown(x_adv)
        return gradient(x_adv, y)

    shown(attack(watched, copy_of(x), copy_of(y)))
