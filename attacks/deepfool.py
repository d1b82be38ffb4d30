"""DeepFool: steps to the nearest decision boundary, as if boundaries were flat."""

from attacks.arguments import checked
from attacks.norms import BALLS, Norm, flat, no_zeros
from attacks.search import warn_of_missed
from attacks.threat import Bounds, clip_to_bounds
from attacks.victims import VJP, Logits, per_image
from minidl.backend import Array, get_array_module
from minidl.checks import check_labels

MARGIN = 1e-4  # added to the distance, so that a step doesn't end on the boundary


@checked()
def deepfool(
    logits: Logits,
    vjp: VJP,
    x: Array,
    y: Array,
    norm: Norm = "L2",
    overshoot: float = 0.02,
    steps: int = 50,
    bounds: Bounds = (0, 1),
) -> Array:
    """x_adv = x + (1 + overshoot) sum_i r_i; r_i is the shortest way out at x_{i-1}.

    With f_k = z_k - z_y and w_k its gradient, the boundary with class k is at distance
    |f_k| / |w_k|* if z is linear; |.|* is the dual norm (L2 for L2, L1 for Linf). The
    step to the nearest boundary k is r = |f_k| w_k / |w_k|_2^2, for Linf it is
    |f_k| sign(w_k) / |w_k|_1. An image stops once it is misclassified, so an image that
    is misclassified from the start doesn't move. There is no eps; the distance is the
    result. A warning counts the images still classified as y after the last step.

    Shapes: x (N, H, W, C), y (N,), result like x.
    Source: Moosavi-Dezfooli et al., DeepFool: a Simple and Accurate Method to Fool Deep
    Neural Networks, 2016, algorithm 2.
    """
    xp = get_array_module(x)
    x_adv, r = x.copy(), xp.zeros_like(x)
    todo = xp.arange(len(x))
    for _ in range(steps):
        z = logits(x_adv[todo])
        check_labels("y", y, len(x), z.shape[1])
        still = z.argmax(axis=1) == y[todo]
        todo, z = todo[still], z[still]
        if not len(todo):
            break
        r[todo] += shortest_way_out(vjp, z, x_adv[todo], y[todo], norm)
        moved = x[todo] + (1 + overshoot) * r[todo]
        x_adv[todo] = clip_to_bounds(moved, bounds)
    else:
        still = logits(x_adv[todo]).argmax(axis=1) == y[todo]
        warn_of_missed("deepfool", still, len(x), "where they are")
    return x_adv


def shortest_way_out(vjp: VJP, z: Array, x: Array, y: Array, norm: Norm) -> Array:
    """Return r to the nearest boundary of class y; shapes z (N, K), result like x."""
    xp = get_array_module(x)
    ball, (N, K) = BALLS[norm], z.shape
    rows = xp.arange(N)
    dz = xp.zeros((K, N, K), z.dtype)  # dz[k] = onehot(k) - onehot(y)
    dz[:, rows, y] -= 1
    for k in range(K):
        dz[k, :, k] += 1
    w = vjp(x, dz)  # (K, N, H, W, C)
    f = abs(z - z[rows, y][:, None])  # (N, K)
    far = xp.stack([ball.dual(flat(w_k)) for w_k in w], axis=1)  # (N, K)
    far = f / no_zeros(far) + xp.where(far > 0, 0, xp.inf)  # no slope: out of reach
    far[rows, y] = xp.inf
    nearest = far.argmin(axis=1)
    length = far[rows, nearest]
    length = xp.where(xp.isfinite(length), length, 0) + MARGIN
    direction = ball.direction(w[nearest, rows])
    return (per_image(length, x) * direction).astype(x.dtype)
