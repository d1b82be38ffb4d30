"""Max pooling of any windows, and of 2x2 windows side by side, as in the paper.

The latter take one pass. The four pixels of a window are four vectors of channels, so a
window costs a few vector instructions, and each number is read and written once.
Letters: see `minidl.kernels`.
"""

from typing import Any

import numpy as np

from minidl.backend import Array
from minidl.kernels.cpu.compile import jit
from minidl.kernels.shapes import ImageShape, output_size


def max_pool(x: Array, size: int, stride: int) -> tuple[Array, Array]:
    """Return each window's maximum and its position; see `reference.max_pool`."""
    N, H, W, C = x.shape
    OH, OW = output_size((H, W), (size, size), stride, 0)
    out = np.empty((N, OH, OW, C), x.dtype)
    argmax = np.empty(out.shape, np.uint8)
    if size == stride == 2:
        find_maxima_2x2(x, out, argmax)
    else:
        find_maxima(x, out, argmax, size, stride)
    return out, argmax


@jit
def find_maxima(x: Array, out: Array, argmax: Array, size: int, stride: int) -> None:
    """out = maximum over each window of x, argmax = its first position.

    A NaN counts as larger than any number, because `not <=` is true for it.
    """
    N, OH, OW, C = out.shape
    for n in range(N):
        for oh in range(OH):
            for ow in range(OW):
                best, where = out[n, oh, ow], argmax[n, oh, ow]
                best[:] = x[n, stride * oh, stride * ow]
                where[:] = 0
                for i in range(size):
                    for j in range(size):
                        pixel = x[n, stride * oh + i, stride * ow + j]
                        for c in range(C):
                            larger = not (pixel[c] <= best[c]) and best[c] == best[c]
                            best[c] = pixel[c] if larger else best[c]
                            where[c] = np.uint8(i * size + j) if larger else where[c]


def max_pool_grad(
    dout: Array, argmax: Array, x_shape: ImageShape, size: int, stride: int
) -> Array:
    """Add each dout to dJ/dx at its window's maximum; see `reference`."""
    dx = np.empty(x_shape, dout.dtype)
    if size == stride == 2:
        write_at_maxima_2x2(dout, argmax, dx)
    else:
        add_at_maxima(dout, argmax, dx, size, stride)
    return dx


@jit
def add_at_maxima(
    dout: Array, argmax: Array, dx: Array, size: int, stride: int
) -> None:
    """dx at each window's maximum += dout.

    Adding 0 elsewhere is faster than finding the place of each maximum.
    """
    zero = dout.dtype.type(0)
    dx[:] = zero
    N, OH, OW, C = dout.shape
    for n in range(N):
        for oh in range(OH):
            for ow in range(OW):
                d, where = dout[n, oh, ow], argmax[n, oh, ow]
                for i in range(size):
                    for j in range(size):
                        pixel = dx[n, stride * oh + i, stride * ow + j]
                        for c in range(C):
                            pixel[c] += d[c] if where[c] == i * size + j else zero


@jit
def find_maxima_2x2(x: Array, out: Array, argmax: Array) -> None:
    """out = maximum of each window, argmax = its first position, 0 to 3.

    Shapes: x (N, H, W, C), out and argmax (N, OH, OW, C).
    """
    N, OH, OW, _ = out.shape
    for n in range(N):
        for oh in range(OH):
            for ow in range(OW):
                window = four_pixels(x[n], 2 * oh, 2 * ow)
                largest_of_four(window, out[n, oh, ow], argmax[n, oh, ow])


@jit
def write_at_maxima_2x2(dout: Array, argmax: Array, dx: Array) -> None:
    """dx = dout at each window's maximum, 0 elsewhere.

    Shapes: dout and argmax (N, OH, OW, C), dx (N, H, W, C).
    """
    N, OH, OW, _ = dout.shape
    dx[:, 2 * OH :] = 0  # a last row and column that fill no window
    dx[:, :, 2 * OW :] = 0
    for n in range(N):
        for oh in range(OH):
            for ow in range(OW):
                window = four_pixels(dx[n], 2 * oh, 2 * ow)
                one_of_four(dout[n, oh, ow], argmax[n, oh, ow], window)


@jit
def four_pixels(image: Array, h: int, w: int) -> Any:
    """Return a window's pixels, row by row, as vectors of channels."""
    return image[h, w], image[h, w + 1], image[h + 1, w], image[h + 1, w + 1]


@jit
def largest_of_four(x: Any, out: Array, argmax: Array) -> None:
    """out = max(x0, x1, x2, x3), argmax = the first place that holds it.

    The second of two wins if it is larger or the only NaN, as `not <=` tests.
    """
    for c in range(out.size):
        x0, x1, x2, x3 = x[0][c], x[1][c], x[2][c], x[3][c]
        second = not (x1 <= x0) and x0 == x0
        upper = x1 if second else x0
        fourth = not (x3 <= x2) and x2 == x2
        lower = x3 if fourth else x2
        below = not (lower <= upper) and upper == upper
        out[c] = lower if below else upper
        if below:
            argmax[c] = np.uint8(3) if fourth else np.uint8(2)
        else:
            argmax[c] = np.uint8(1) if second else np.uint8(0)


@jit
def one_of_four(dout: Array, argmax: Array, dx: Any) -> None:
    """dx_k = dout where k is argmax, else 0."""
    zero = dout.dtype.type(0)
    for c in range(dout.size):
        d, k = dout[c], argmax[c]
        dx[0][c] = d if k == 0 else zero
        dx[1][c] = d if k == 1 else zero
        dx[2][c] = d if k == 2 else zero
        dx[3][c] = d if k == 3 else zero
