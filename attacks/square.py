"""The Square attack: random squares, kept where they raise the loss.

It needs only probabilities, so that no vanishing or masked gradient can stop it.
"""

import math

import numpy as np

from attacks.arguments import checked, images, plain_function
from attacks.functions import guarded
from attacks.losses import Loss, margin
from attacks.norms import Norm, on_device_of
from attacks.search import Best
from attacks.square_l2 import exchange, tiles
from attacks.threat import Bounds, Threat
from attacks.victims import PredictProba
from minidl.backend import Array, get_array_module

# The squares' area is halved after these fractions of the queries.
HALVINGS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


@checked(loss=plain_function, x=images(ndim=4))
def square(
    predict_proba: PredictProba,
    x: Array,
    y: Array,
    eps: float,
    rng: np.random.Generator,
    queries: int = 5000,
    area: float | None = None,
    loss: Loss = margin,
    bounds: Bounds = (0, 1),
    stop_above: float = 0,
    norm: Norm = "Linf",
) -> Array:
    """Move random squares by +-2 eps, clip to the ball, and keep those that help.

    The attack begins with vertical stripes of +-eps, one pixel wide. A square helps if
    it raises the loss of log p. An image is done when its loss exceeds `stop_above`, as
    in `pgd` (0 for a margin, log K for cross-entropy). A square covers the fraction
    `area` of the image at first (0.8; in L2 0.1), later less; each channel has its own
    sign. In L2 the attack begins with tiles of bumps and moves one bump at a time.
    The attack never queries x itself, so an image that is misclassified already may
    return as one that is classified correctly. `evaluate` doesn't attack such images.

    Shapes: x (N, H, W, C), y (N,), result like x; eps in pixel units.
    Source: Andriushchenko et al., Square Attack: a Query-Efficient Black-Box
    Adversarial Attack via Random Search, 2020, algorithms 1 to 3.
    """
    ball, best = Threat(norm, eps, bounds), Best(x)
    rows, (start, move_of, usual_area) = get_array_module(x).arange(len(x)), WALKS[norm]
    x_new = ball.project(x + start(x, eps, rng), x)
    best.update(rows, x_new, scores(predict_proba, loss, x_new, y))
    for i in range(1, queries):
        s = side(x, i / queries, area or usual_area)
        move = move_of(x, best.x, eps, s, rng)
        todo = best.unfinished(stop_above)
        if not len(todo):
            break
        x_new = ball.project(best.x[todo] + move[todo], x[todo])
        best.update(todo, x_new, scores(predict_proba, loss, x_new, y[todo]))
    return best.x


def scores(predict_proba: PredictProba, loss: Loss, x: Array, y: Array) -> Array:
    """Return the loss of log p, the logits up to a constant per image; (N,)."""
    p = predict_proba(x)
    if p.dtype.kind != "f":  # one-hot rows of integers have no scores to climb
        raise TypeError(f"predict_proba must return floats, got {p.dtype}")
    p = p.astype(np.result_type(p.dtype, np.float32), copy=False)
    xp = get_array_module(p)
    log_p = xp.log(xp.maximum(p, xp.finfo(p.dtype).tiny))
    return guarded("loss", loss, "loss of logits")(log_p, y)[0]


def side(x: Array, done: float, area: float) -> int:
    """Return the side of a square in pixels, given the fraction of queries done."""
    halvings = sum(done > part for part in HALVINGS)
    _, H, W, _ = x.shape
    pixels = area / 2**halvings * H * W
    return min(max(round(math.sqrt(pixels)), 1), H, W)


def stripes(x: Array, eps: float, rng: np.random.Generator) -> Array:
    """Return +-eps for each column and channel, (N, 1, W, C)."""
    N, _, W, C = x.shape
    return on_device_of(x, eps * rng.choice([-1.0, 1.0], (N, 1, W, C)))


def squares(
    x: Array, here: Array, eps: float, s: int, rng: np.random.Generator
) -> Array:
    """Return +-2 eps in an s x s window of each image, 0 elsewhere; like x.

    Drawn for all images, so that squares don't depend on which images are done.
    """
    N, H, W, C = x.shape
    top, left = rng.integers(H - s + 1, size=N), rng.integers(W - s + 1, size=N)
    h, w = np.arange(H) - top[:, None], np.arange(W) - left[:, None]
    inside = ((h >= 0) & (h < s))[:, :, None] & ((w >= 0) & (w < s))[:, None, :]
    signs = rng.choice([-1.0, 1.0], (N, 1, 1, C))
    return on_device_of(x, 2 * eps * signs * inside[..., None])


# For each norm: the start, the moves, and the initial area of a square.
WALKS = {"Linf": (stripes, squares, 0.8), "L2": (tiles, exchange, 0.1)}
