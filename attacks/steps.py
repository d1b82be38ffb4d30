"""How many steps does an attack take, for each image?"""

from collections.abc import Callable

import numpy as np

from attacks.arguments import check_result, checked
from attacks.gradients import GradientFn
from attacks.victims import Predict
from minidl.answers import copy_of
from minidl.backend import Array, to_numpy
from minidl.checks import check_array


@checked()
def steps_to_success(
    predict: Predict,
    gradient: GradientFn,
    attack: Callable[[GradientFn, Array, Array], Array],
    x: Array,
    y: Array,
) -> Array:
    """Return after how many steps each image is misread first; infinity if never.

    0: it is misread as it is. An attack by steps asks for one gradient at each point
    that it comes to, the first one being x: there its images are shown to `predict`.
    Shapes: x (N, H, W, C), y (N,), result (N,) float. `attack` must keep all images in
    its batch, as fgsm, bim and mi_fgsm do: ValueError if it doesn't.
    """
    found = np.full(len(x), np.inf)
    steps = 0

    def look(x_adv: Array) -> None:
        check_array("what attack works on", x_adv)
        if len(x_adv) != len(x):
            raise ValueError(
                f"attack must keep its {len(x)} images together, got {len(x_adv)}"
            )
        check_result("attack", x_adv, x)
        new = np.isinf(found) & to_numpy(predict(x_adv) != y)
        found[new] = steps

    def watched(x_adv: Array, y: Array) -> Array:
        nonlocal steps
        look(x_adv)
        steps += 1
        return gradient(x_adv, y)

    look(attack(watched, copy_of(x), copy_of(y)))
    return found
