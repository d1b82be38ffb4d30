"""HopSkipJump: the nearest misclassified image, from decisions alone.

It needs only classes, so a defence that masks gradients or scores can't stop it.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from attacks.arguments import checked, finite_bounds
from attacks.norms import BALLS, L2, Norm, distance, no_zeros, on_device_of
from attacks.search import Best, warn_of_missed
from attacks.victims import Predict, per_image
from minidl.backend import Array, get_array_module

# (images, their rows in the batch) -> which are misclassified.
Misread: TypeAlias = Callable[[Array, Array], Array]

PROBE = 0.01  # of the image's distance: the distance of probes from the boundary
FIRST_PROBE = 0.1  # of the range of pixels
HALVINGS = 30  # of a jump, before an image stays where it is


@checked(bounds=finite_bounds)
def hop_skip_jump(
    predict: Predict,
    x: Array,
    y: Array,
    rng: np.random.Generator,
    steps: int = 40,
    samples: int = 100,
    tries: int = 100,
    norm: Norm = "L2",
    bounds: tuple[float, float] = (0, 1),
) -> Array:
    """Go to the boundary, jump along the gradient that probes there show, and return.

    An image begins as misclassified noise, found in up to `tries` draws. Step t probes
    samples * sqrt(t) points near the boundary, and jumps by the image's distance over
    sqrt(t), or by a half, a quarter, ... of it until the image is misclassified.
    Returns the closest misclassified point; it is x itself if x is misclassified
    already or, with a warning, if all noise is classified as y.

    Shapes: x (N, H, W, C), y (N,), result like x.
    Source: Chen, Jordan & Wainwright, HopSkipJumpAttack: A Query-Efficient
    Decision-Based Attack, 2020, algorithm 2. Probes and bisection have the constants of
    ART (Adversarial Robustness Toolbox), which are larger than the authors' own.
    """
    xp, best, shape = get_array_module(x), Best(x), x.shape
    right = predict(x) == y
    here, missed = misread_noise(predict, x, y, right, rng, tries, bounds)
    warn_of_missed("hop_skip_jump", missed, len(x))
    todo = xp.flatnonzero(right & ~missed)

    def misread(x_new: Array, rows: Array) -> Array:
        return predict(x_new) != y[todo[rows]]

    def draw() -> Array:
        """Return a direction for each unfinished image, drawn for all images."""
        normal = norm == "L2"
        u = rng.standard_normal(shape) if normal else rng.uniform(-1, 1, shape)
        return on_device_of(x, L2.direction(u))[todo]

    x, here, probe = x[todo], here[todo], FIRST_PROBE * (bounds[1] - bounds[0])
    here, delta = to_border(misread, here, x, "L2"), xp.full(len(x), probe, x.dtype)
    for t in range(1, steps + 1):
        if not len(todo):
            break
        here = to_border(misread, here, x, norm)
        far = distance(here, x, norm)
        best.update(todo, here, -far)
        g = slope(misread, draw, here, delta, int(samples * math.sqrt(t)), bounds)
        up = BALLS[norm].direction(g)
        here = jump(misread, here, up, far / math.sqrt(t), bounds)
        delta = PROBE * distance(here, x, norm)
    if len(todo):
        here = to_border(misread, here, x, norm)
        best.update(todo, here, -distance(here, x, norm))
    return best.x


def misread_noise(
    predict: Predict,
    x: Array,
    y: Array,
    right: Array,
    rng: np.random.Generator,
    tries: int,
    bounds: tuple[float, float],
) -> tuple[Array, Array]:
    """Return misclassified noise in place of the images that are `right`, (N,) bool.

    Also tell for which images all noise was classified as y.
    """
    xp, here = get_array_module(x), x.copy()
    left = xp.flatnonzero(right)
    for _ in range(tries):
        if not len(left):
            break
        here[left] = on_device_of(x, rng.uniform(*bounds, x.shape))[left]
        left = left[predict(here[left]) == y[left]]
    missed = xp.zeros(len(x), bool)
    missed[left] = True
    return here, missed


def to_border(misread: Misread, here: Array, x: Array, norm: Norm) -> Array:
    """Return the misclassified point between x and `here` that is nearest to x.

    In L2 it is x + a (here - x); in Linf it is `here`, clipped to a times its distance.
    Bisection finds a to within 0.01 / sqrt(D) in L2, and 0.01 / D in Linf.
    """
    xp, D = get_array_module(x), math.prod(x.shape[1:])
    far, rows = per_image(distance(here, x, norm), x), xp.arange(len(x))
    low, high = xp.zeros(len(x), x.dtype), xp.ones(len(x), x.dtype)

    def between(a: Array) -> Array:
        a = per_image(a, x)
        if norm == "L2":
            line = x + a * (here - x)
            nearer = line.clip(xp.minimum(x, here), xp.maximum(x, here))
        else:
            nearer = here.clip(x - a * far, x + a * far)
        return xp.where(a < 1, nearer, here)  # unrounded: known to be misclassified

    for _ in range(math.ceil(math.log2(100 * (D if norm == "Linf" else D**0.5)))):
        middle = (low + high) / 2
        still = misread(between(middle), rows) if len(x) else low > 0
        high, low = xp.where(still, middle, high), xp.where(still, low, middle)
    return between(high)


def slope(
    misread: Misread,
    draw: Callable[[], Array],
    here: Array,
    delta: Array,
    samples: int,
    bounds: tuple[float, float],
) -> Array:
    """Return mean (f - mean f) u: f = 1 where here + delta u is misclassified, else -1.

    u is the direction after clipping. If all f are equal, returns mean f u.
    """
    rows = get_array_module(here).arange(len(here))
    step = per_image(no_zeros(delta), here)  # 0: a random classifier misclassified x
    sum_fu, sum_u, sum_f = 0 * here, 0 * here, 0 * delta
    for _ in range(samples):
        probe = (here + step * draw()).clip(*bounds)
        u = (probe - here) / step
        f = 2 * misread(probe, rows).astype(here.dtype) - 1
        sum_fu, sum_u, sum_f = sum_fu + per_image(f, u) * u, sum_u + u, sum_f + f
    mean_f = (sum_f / samples) * (abs(sum_f) < samples)
    return sum_fu / samples - per_image(mean_f, here) * sum_u / samples


def jump(
    misread: Misread, here: Array, up: Array, step: Array, bounds: tuple[float, float]
) -> Array:
    """Return here + step * up, with the step halved until it is misclassified."""
    there, left = here.copy(), get_array_module(here).arange(len(here))
    for _ in range(HALVINGS):
        if not len(left):
            break
        tried = (here[left] + per_image(step[left], here) * up[left]).clip(*bounds)
        won = misread(tried, left)
        there[left[won]] = tried[won]
        left, step = left[~won], step / 2
    return there
