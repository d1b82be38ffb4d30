"""The Jacobian-based saliency map attack: change few pixels, two at a time."""

from attacks.arguments import checked, finite_bounds
from attacks.norms import flat
from attacks.victims import VJP, Logits
from minidl.backend import Array, get_array_module
from minidl.checks import check_labels


@checked(bounds=finite_bounds)
def jsma(
    logits: Logits,
    vjp: VJP,
    x: Array,
    target: Array,
    theta: float = 1.0,
    gamma: float = 0.15,
    bounds: tuple[float, float] = (0, 1),
) -> Array:
    """Change by theta the two pixels that help the target most, until it is predicted.

    With a_p = dz_t/dx_p of the target class t and b_p = sum over k != t of dz_k/dx_p,
    the chosen pair (p, q) has the largest

        -(a_p + a_q) (b_p + b_q),   where a_p + a_q > 0 and b_p + b_q < 0,

    with all signs flipped for theta < 0. A pixel can be chosen again and again, until
    it reaches the end of the range. An image stops when no pair is left, or after
    gamma D / 2 pairs of its D pixels (with the largest theta, a fraction gamma of all);
    it is then returned whether or not it is classified as the target. A pixel here is
    one number: each channel counts.

    Shapes: x (N, H, W, C), target (N,) the classes wanted, result like x; theta in
    pixel units, and not 0. ValueError if gamma D / 2 is less than one pair.
    Source: Papernot et al., The Limitations of Deep Learning in Adversarial Settings,
    2016, algorithms 2 and 3; on logits, as is usual.
    """
    xp = get_array_module(x)
    low, high = bounds
    x_adv = x.copy()
    pixels, todo = flat(x_adv), xp.arange(len(x))  # a view: (N, D)
    end, sign = (high, 1) if theta > 0 else (low, -1)
    for _ in range(pairs_within(gamma, pixels.shape[1])):
        z = logits(x_adv[todo])
        check_labels("target", target, len(x), z.shape[1])
        todo = todo[z.argmax(axis=1) != target[todo]]
        if not len(todo):
            break
        a, b = saliency(vjp, x_adv[todo], target[todo], z.shape[1])
        pairs, score = best_pairs(sign * a, sign * b, pixels[todo] != end)
        todo, pairs = todo[score > 0], pairs[score > 0]
        if not len(todo):
            break
        for pixel in pairs.T:  # the first of each image, then the second
            changed = pixels[todo, pixel] + theta
            pixels[todo, pixel] = xp.clip(changed, low, high)
    return x_adv


def pairs_within(gamma: float, D: int) -> int:
    """Return gamma D / 2, the number of pairs; ValueError if that is less than one."""
    pairs = int(gamma * D / 2 + 1e-6)  # 0.58 * 100 is slightly less than 58
    if pairs < 1:
        raise ValueError(
            f"gamma must allow a pair of the {D} pixels, {2 / D:.3g} or more, got "
            f"{gamma:g}: no pixel would change"
        )
    return pairs


def saliency(vjp: VJP, x: Array, target: Array, K: int) -> tuple[Array, Array]:
    """Return a = dz_t/dx and b = sum over k != t of dz_k/dx, each (N, D)."""
    xp = get_array_module(x)
    dz = xp.zeros((2, len(x), K), x.dtype)
    dz[1] = 1
    dz[:, xp.arange(len(x)), target] = xp.asarray([[1], [0]])
    a, b = vjp(x, dz)
    return flat(a), flat(b)


def best_pairs(a: Array, b: Array, free: Array) -> tuple[Array, Array]:
    """Return the pair of largest max(a_p + a_q, 0) max(-b_p - b_q, 0), and its score.

    All N D^2 / 2 pairs of free pixels are tried, p < q, for all images at once.
    The first of equal pairs wins.
    Shapes: a, b, free (N, D), pairs (N, 2), score (N,).
    """
    xp = get_array_module(a)
    (N, D), rows = a.shape, xp.arange(len(a))
    a = xp.where(free, a, -xp.inf)  # excluded: the sum is never above 0
    pairs, best = xp.zeros((N, 2), int), xp.zeros(N, a.dtype)
    for p in range(D - 1):
        rise = xp.maximum(a[:, p, None] + a[:, p + 1 :], 0)
        fall = xp.maximum(-b[:, p, None] - b[:, p + 1 :], 0)
        score = rise * fall  # (N, D - p - 1)
        q = score.argmax(axis=1)
        better = score[rows, q] > best
        best[better] = score[rows, q][better]
        pairs[better, 0] = p
        pairs[better, 1] = p + 1 + q[better]
    return pairs, best
