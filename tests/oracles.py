"""Every operation once more, as slowly and plainly as its definition.

Loops over single numbers in float64, written from the formulas. They share no code with
the library, and so no error. Shapes and letters are the
library's: images (N, H, W, C), filters (KH, KW, C, F), stride s, padding p.
"""

import math
from collections.abc import Callable
from itertools import product

import numpy as np


def output_size(size, window, stride, pad=0):
    """Count the windows that fit into a padded row of pixels, one by one."""
    starts = range(-pad, size + pad - window + 1, stride)
    return len(starts)


def pixel(x, n, h, w, c):
    """Return x[n, h, w, c], which is 0 outside the image."""
    inside = 0 <= h < x.shape[1] and 0 <= w < x.shape[2]
    return float(x[n, h, w, c]) if inside else 0.0


def every(*sizes):
    """All index tuples of an array with these sizes."""
    return product(*map(range, sizes))


def im2col(x, window, stride, pad):
    """Row (n, i, j) holds window (i, j) of image n, pixels in the order (u, v, c)."""
    N, H, W, C = x.shape
    KH, KW = window
    OH, OW = output_size(H, KH, stride, pad), output_size(W, KW, stride, pad)
    rows = [
        [
            pixel(x, n, stride * i + u - pad, stride * j + v - pad, c)
            for u, v, c in every(KH, KW, C)
        ]
        for n, i, j in every(N, OH, OW)
    ]
    return np.array(rows)


def col2im(col, x_shape, window, stride, pad):
    """Each entry of col goes back to the pixel it comes from; padding is lost."""
    N, H, W, C = x_shape
    KH, KW = window
    OH, OW = output_size(H, KH, stride, pad), output_size(W, KW, stride, pad)
    x = np.zeros(x_shape)
    for row, (n, i, j) in enumerate(every(N, OH, OW)):
        for column, (u, v, c) in enumerate(every(KH, KW, C)):
            h, w = stride * i + u - pad, stride * j + v - pad
            if 0 <= h < H and 0 <= w < W:
                x[n, h, w, c] += float(col[row, column])
    return x


def conv2d(x, W, stride=1, pad=0):
    """Sum of x[n, s i + u - p, s j + v - p, c] W[u, v, c, f] over u, v, c."""
    KH, KW, C, F = W.shape
    OH = output_size(x.shape[1], KH, stride, pad)
    OW = output_size(x.shape[2], KW, stride, pad)
    out = np.zeros((len(x), OH, OW, F))
    for n, i, j, f in every(*out.shape):
        out[n, i, j, f] = math.fsum(
            pixel(x, n, stride * i + u - pad, stride * j + v - pad, c)
            * float(W[u, v, c, f])
            for u, v, c in every(KH, KW, C)
        )
    return out


def max_pool(x, size, stride):
    """The largest value of each window and its position, the first of equals.

    A NaN counts as largest.
    """
    N, H, W, C = x.shape
    OH, OW = output_size(H, size, stride), output_size(W, size, stride)
    out, argmax = np.zeros((N, OH, OW, C)), np.zeros((N, OH, OW, C), int)
    for n, i, j, c in every(N, OH, OW, C):
        window = [
            float(x[n, stride * i + u, stride * j + v, c]) for u, v in every(size, size)
        ]
        unknown = [k for k, v in enumerate(window) if math.isnan(v)]
        argmax[n, i, j, c] = k = unknown[0] if unknown else window.index(max(window))
        out[n, i, j, c] = window[k]
    return out, argmax


def max_pool_grad(dout, x, size, stride):
    """Each dout goes to its window's first maximum."""
    _, argmax = max_pool(x, size, stride)
    dx = np.zeros(x.shape)
    for n, i, j, c in every(*dout.shape):
        u, v = divmod(int(argmax[n, i, j, c]), size)
        dx[n, stride * i + u, stride * j + v, c] += float(dout[n, i, j, c])
    return dx


def upsample(x, size):
    """out[n, i, j, c] = x[n, floor(i / size), floor(j / size), c]."""
    N, H, W, C = x.shape
    out = np.zeros((N, H * size, W * size, C))
    for n, i, j, c in every(*out.shape):
        out[n, i, j, c] = x[n, i // size, j // size, c]
    return out


def upsample_grad(dout, x_shape, size):
    """Each dout goes back to the pixel that it repeats."""
    dx = np.zeros(x_shape)
    for n, i, j, c in every(*dout.shape):
        dx[n, i // size, j // size, c] += float(dout[n, i, j, c])
    return dx


def linear(x, W, b):
    """out[n, m] = sum over d of x[n, d] W[d, m], plus b[m]."""
    (N, D), M = x.shape, len(b)
    return np.array(
        [
            [
                math.fsum(float(x[n, d]) * float(W[d, m]) for d in range(D))
                + float(b[m])
                for m in range(M)
            ]
            for n in range(N)
        ]
    )


def softmax_row(z):
    """p_k = 1 / sum over j of exp(z_j - z_k), which needs no common shift."""
    z = [float(v) for v in z]
    return [1 / math.fsum(math.exp(min(j - k, 700)) for j in z) for k in z]


def softmax(z):
    """Softmax of each row."""
    return np.array([softmax_row(row) for row in z])


def cross_entropy(z, y):
    """Mean over n of log(sum over j of exp(z[n, j] - z[n, y[n]]))."""
    losses = []
    for row, label in zip(z, y, strict=True):
        gaps = [float(v) - float(row[label]) for v in row]
        top = max(gaps)
        losses.append(top + math.log(math.fsum(math.exp(g - top) for g in gaps)))
    return math.fsum(losses) / len(losses)


def splitmix64(seed: int, count: int) -> list[int]:
    """The generator as published, in unbounded integers reduced modulo 2^64."""
    bits, state = [], seed
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        bits.append(z ^ (z >> 31))
    return bits


def differences(f: Callable[[], float], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """df/dx by central differences, where f() reads the float64 array x."""
    slopes = []
    flat = x.reshape(-1)
    assert np.shares_memory(flat, x)
    assert x.dtype == np.float64
    for i, value in enumerate(flat.tolist()):
        flat[i] = value + h
        above = f()
        flat[i] = value - h
        slopes.append((above - f()) / (2 * h))
        flat[i] = value
    return np.array(slopes).reshape(x.shape)


def slope(f: Callable[[], float], x: np.ndarray, v: np.ndarray, h: float) -> float:
    """Slope of f at x along v by central differences; x is restored."""
    start = x.copy()
    x[...] = start + h * v
    above = f()
    x[...] = start - h * v
    below = f()
    x[...] = start
    return (above - below) / (2 * h)


def same_bits(one, two) -> bool:
    """Tell whether arrays, or the data of parameters, are equal to the bit."""

    def bits(array):
        data = np.asarray(array.data)
        return data.dtype, data.shape, data.tobytes()

    return [bits(a) for a in one] == [bits(b) for b in two]


def relative_error(a, b) -> float:
    """Largest difference relative to the largest number."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape
    scale = max(np.abs(a).max(), np.abs(b).max())
    return float(np.abs(a - b).max() / scale) if scale > 0 else 0.0


def assert_close(a, b, tolerance: float) -> None:
    """Equal shapes, and equal numbers up to a relative tolerance."""
    assert np.shape(a) == np.shape(b)
    assert relative_error(a, b) <= tolerance
