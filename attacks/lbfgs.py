"""The first of all attacks: constrained minimisation by a general solver."""

import math

import numpy as np

from attacks.arguments import checked, finite_bounds
from attacks.norms import distance
from attacks.search import Best, Bisection, warn_of_missed
from attacks.victims import LossFn, Predict
from minidl.backend import Array, get_array_module, to_numpy


@checked(bounds=finite_bounds)
def lbfgs(
    loss: LossFn,
    predict: Predict,
    x: Array,
    target: Array,
    c: float = 0.01,
    searches: int = 10,
    steps: int = 100,
    bounds: tuple[float, float] = (0, 1),
) -> Array:
    """Minimise |r|_2^2 + c J(theta, x + r, target), x + r within bounds.

    A search finds the smallest c of each image whose minimum is classified as the
    target. Returns the closest such image; x itself if it already has the target's
    class or, with a warning, if no minimum has it.
    scipy's L-BFGS-B gets one image at a time: images solved together would share line
    searches, and depend on each other.

    Shapes: x (N, H, W, C), target (N,) the classes wanted, result like x.
    Source: Szegedy et al., Intriguing Properties of Neural Networks, 2014, section 4.1.
    """
    rows = get_array_module(x).arange(len(x))
    best, weights = Best(x), Bisection(c, x)
    todo = rows[predict(x) != target]
    for _ in range(searches):
        x_adv = x.copy()
        for n in to_numpy(todo):
            one = slice(n, n + 1)
            x_adv[one] = solve(
                loss, x[one], target[one], float(weights.c[n]), steps, bounds
            )
        reached = predict(x_adv) == target
        won = rows[reached]
        best.update(won, x_adv[won], -distance(x_adv[won], x[won], "L2"))
        weights.update(reached)
    warn_of_missed("lbfgs", best.values == -math.inf, len(x))
    return best.x


def solve(
    loss: LossFn,
    x: Array,
    target: Array,
    c: float,
    steps: int,
    bounds: tuple[float, float],
) -> Array:
    """Return argmin over v of |v - x|^2 + c J(v, target) for one image."""
    # Imported here, because the import takes half a second.
    from scipy.optimize import Bounds, minimize

    xp, x_0 = get_array_module(x), to_numpy(x).ravel().astype(np.float64)

    def objective(v: Array) -> tuple[float, Array]:
        image = xp.asarray(v.astype(x.dtype).reshape(x.shape))
        J, gradient = loss(image, target)
        r = v - x_0
        up = to_numpy(gradient).ravel().astype(np.float64)
        return float(r @ r) + c * float(J[0]), 2 * r + c * up

    box = Bounds(*bounds)
    options = {"maxiter": steps}
    found = minimize(objective, x_0, jac=True, bounds=box, options=options)
    image = xp.asarray(found.x.astype(x.dtype).reshape(x.shape))
    return image.clip(*bounds)  # rounding to float32 may leave the box
