"""Element-wise kernels: ReLU's gradient, dropout's mask, Adam's step."""

from typing import Any

import numpy as np

from minidl.backend import Array
from minidl.kernels.cpu.compile import jit
from minidl.kernels.cpu.threads import FEW_NUMBERS, over_images
from minidl.kernels.random_bits import (
    GOLDEN_GAMMA,
    MASK_BITS,
    MIX_1,
    MIX_2,
    drop_threshold,
)


def relu_grad(dout: Array, out: Array, factor: float) -> Array:
    """dJ/dx = dout factor where out > 0, else 0; see `reference.relu_grad`."""
    dx, real = np.empty(dout.shape, dout.dtype), dout.dtype.type
    arrays = [a.reshape(-1) for a in (dout, out, dx)]

    def part(i: slice) -> None:
        keep_positive(*(a[i] for a in arrays), real(factor))

    over_images(part, dx.size, FEW_NUMBERS)
    return dx


@jit
def keep_positive(dout: Array, out: Array, dx: Array, factor: Any) -> None:
    """dx = dout factor where out > 0, else 0."""
    for i in range(dx.size):
        dx[i] = dout[i] * factor if out[i] > 0 else dout.dtype.type(0)


def dropout_mask(x: Array, rate: float, seed: int) -> Array:
    """Return a mask like x: 0 with probability `rate`, else 1 / (1 - rate)."""
    mask = np.empty(x.shape, x.dtype)
    flat = mask.reshape(-1)
    kept = x.dtype.type(1 / (1 - rate))
    numbers = np.uint64(drop_threshold(rate)), kept, np.uint64(seed)

    def part(i: slice) -> None:
        with np.errstate(over="ignore"):  # uncompiled, integers warn of wrapping around
            draw_mask(flat[i], i.start, *numbers)

    over_images(part, mask.size, FEW_NUMBERS)
    return mask


@jit
def draw_mask(mask: Array, start: int, threshold: Any, kept: Any, seed: Any) -> None:
    """mask[i] = kept if SplitMix64's top bits at start + i reach threshold, else 0."""
    for i in range(mask.size):
        z = np.uint64(start + i + 1) * np.uint64(GOLDEN_GAMMA) + seed
        z = (z ^ (z >> np.uint64(30))) * np.uint64(MIX_1)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(MIX_2)
        z = (z ^ (z >> np.uint64(31))) >> np.uint64(64 - MASK_BITS)
        mask[i] = kept if z >= threshold else mask.dtype.type(0)


def adam_step(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    rates: tuple[float, float],
    step: float,
    correction: float,
    eps: float,
) -> None:
    """Move p, m and v in one pass; see `reference.adam_step`."""
    real = p.dtype.type
    arrays = [a.reshape(-1) for a in (p, g, m, v)]
    factors = [real(factor) for factor in (*rates, step, correction, eps)]

    def part(i: slice) -> None:
        adam_update(*(a[i] for a in arrays), *factors)

    over_images(part, p.size, FEW_NUMBERS)


@jit
def adam_update(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    rate1: Any,
    rate2: Any,
    step: Any,
    correction: Any,
    eps: Any,
) -> None:
    """m and v follow g and g^2; p -= step m / (sqrt(correction v) + eps)."""
    for i in range(p.size):
        m[i] += rate1 * (g[i] - m[i])
        v[i] += rate2 * (g[i] * g[i] - v[i])
        p[i] -= step * m[i] / (np.sqrt(correction * v[i]) + eps)
