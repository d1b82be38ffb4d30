"""The four transforms of `winograd.py`, and the matrices B and A written out.

A transform multiplies a tile by a matrix from both sides: first all its columns, then
all its rows. Both are sums of six (or four) vectors of channels, from and to places
one below the other or side by side. Multiplying by a matrix of zeros, ones and small
numbers is written as sums and differences; each is tested against its matrix.

Shapes: images that are cut into tiles (n, 4*TH, 4*TW, F), with the two rows and columns
by which tiles overlap (n, 4*TH + 2, 4*TW + 2, C); transformed tiles (T, 6, 6, C or F),
T >= n*TH*TW. C and F are multiples of a vector's length. Letters: see `minidl.kernels`;
TH, TW are tiles in height and width, T tiles in a block.
"""

from typing import Any

import numpy as np

from minidl.backend import Array
from minidl.kernels.cpu.compile import jit
from minidl.kernels.cpu.vectors import at_least, length, load, store

# A plain 4 would turn float32 into float64 in Numba; these are exact in both.
TWO, FOUR, FIVE, EIGHT = map(np.float32, (2, 4, 5, 8))

DOWN, RIGHT = (1, 0), (0, 1)  # from a pixel to the next

Vectors = tuple[Any, ...]


@jit
def transform_input(x: Array, V: Array) -> None:
    """V = B^T d B for all tiles d of x."""
    half = np.empty((1, 6, 6, length(x)), x.dtype)
    N, H, W, C = x.shape
    t = 0
    for n in range(N):
        for h in range(0, H - 2, 4):
            for w in range(0, W - 2, 4):
                for c in range(0, C, length(x)):
                    for j in range(6):
                        d = six(x, (n, h, w + j, c), DOWN)
                        put_six(b_transposed(d), half, (0, 0, j, 0), DOWN)
                    for i in range(6):
                        d = six(half, (0, i, 0, 0), RIGHT)
                        put_six(b_transposed(d), V, (t, i, 0, c), RIGHT)
                t += 1


@jit
def transform_output(M: Array, out: Array, bias: Array, floor: float) -> None:
    """out = max(A^T M A + bias, floor). Shape: bias (F,)."""
    half = np.empty((1, 4, 6, length(out)), out.dtype)
    N, H, W, F = out.shape
    t = 0
    for n in range(N):
        for h in range(0, H, 4):
            for w in range(0, W, 4):
                for f in range(0, F, length(out)):
                    for j in range(6):
                        m = six(M, (t, 0, j, f), DOWN)
                        put_four(a_transposed(m), half, (0, 0, j, 0), DOWN)
                    b = load(bias, (f,))
                    for i in range(4):
                        m = six(half, (0, i, 0, 0), RIGHT)
                        y0, y1, y2, y3 = a_transposed(m)
                        y = (
                            at_least(y0 + b, floor),
                            at_least(y1 + b, floor),
                            at_least(y2 + b, floor),
                            at_least(y3 + b, floor),
                        )
                        put_four(y, out, (n, h + i, w, f), RIGHT)
                t += 1


@jit
def transform_output_grad(dout: Array, dM: Array) -> None:
    """dM = A dout A^T, `transform_output` transposed."""
    half = np.empty((1, 6, 4, length(dout)), dout.dtype)
    N, H, W, F = dout.shape
    t = 0
    for n in range(N):
        for h in range(0, H, 4):
            for w in range(0, W, 4):
                for f in range(0, F, length(dout)):
                    for j in range(4):
                        y = four(dout, (n, h, w + j, f), DOWN)
                        put_six(a(y), half, (0, 0, j, 0), DOWN)
                    for i in range(6):
                        y = four(half, (0, i, 0, 0), RIGHT)
                        put_six(a(y), dM, (t, i, 0, f), RIGHT)
                t += 1


@jit
def transform_input_grad(dV: Array, dx: Array) -> None:
    """dx = overlap-added B dV B^T, `transform_input` transposed.

    The first two rows and columns of a tile add to the last two of its predecessor.
    """
    half = np.empty((1, 6, 6, length(dx)), dx.dtype)
    N, H, W, C = dx.shape
    dx[:, :2] = 0
    dx[:, :, :2] = 0
    t = 0
    for n in range(N):
        for h in range(0, H - 2, 4):
            for w in range(0, W - 2, 4):
                for c in range(0, C, length(dx)):
                    for j in range(6):
                        v = six(dV, (t, 0, j, c), DOWN)
                        put_six(b(v), half, (0, 0, j, 0), DOWN)
                    for i in range(2):
                        d = b(six(half, (0, i, 0, 0), RIGHT))
                        add_six(d, dx, (n, h + i, w, c), RIGHT)
                    for i in range(2, 6):
                        d0, d1, d2, d3, d4, d5 = b(six(half, (0, i, 0, 0), RIGHT))
                        d0 = load(dx, (n, h + i, w, c)) + d0
                        d1 = load(dx, (n, h + i, w + 1, c)) + d1
                        d = d0, d1, d2, d3, d4, d5
                        put_six(d, dx, (n, h + i, w, c), RIGHT)
                t += 1


@jit
def four(x: Array, place: Any, step: Any) -> Vectors:
    """Four vectors of x, from a place on in steps."""
    (n, i, j, c), (down, right) = place, step
    return (
        load(x, (n, i, j, c)),
        load(x, (n, i + down, j + right, c)),
        load(x, (n, i + 2 * down, j + 2 * right, c)),
        load(x, (n, i + 3 * down, j + 3 * right, c)),
    )


@jit
def six(x: Array, place: Any, step: Any) -> Vectors:
    """Six vectors of x, from a place on in steps."""
    (n, i, j, c), (down, right) = place, step
    x0, x1, x2, x3 = four(x, place, step)
    x4 = load(x, (n, i + 4 * down, j + 4 * right, c))
    return x0, x1, x2, x3, x4, load(x, (n, i + 5 * down, j + 5 * right, c))


@jit
def put_four(v: Vectors, x: Array, place: Any, step: Any) -> None:
    """Write vectors to x, from a place on in steps."""
    (n, i, j, c), (down, right) = place, step
    store(v[0], x, (n, i, j, c))
    store(v[1], x, (n, i + down, j + right, c))
    store(v[2], x, (n, i + 2 * down, j + 2 * right, c))
    store(v[3], x, (n, i + 3 * down, j + 3 * right, c))


@jit
def put_six(v: Vectors, x: Array, place: Any, step: Any) -> None:
    """Write vectors to x, from a place on in steps."""
    (n, i, j, c), (down, right) = place, step
    put_four(v[:4], x, place, step)
    store(v[4], x, (n, i + 4 * down, j + 4 * right, c))
    store(v[5], x, (n, i + 5 * down, j + 5 * right, c))


@jit
def add_six(v: Vectors, x: Array, place: Any, step: Any) -> None:
    """Add vectors to x, from a place on in steps."""
    x0, x1, x2, x3, x4, x5 = six(x, place, step)
    v0, v1, v2, v3, v4, v5 = v
    total = x0 + v0, x1 + v1, x2 + v2, x3 + v3, x4 + v4, x5 + v5
    put_six(total, x, place, step)


@jit
def b_transposed(d: Vectors) -> Vectors:
    """B^T d, for six vectors."""
    d0, d1, d2, d3, d4, d5 = d
    even1, odd1 = d4 - FOUR * d2, d3 - FOUR * d1
    even2, odd2 = d4 - d2, TWO * (d3 - d1)
    return (
        FOUR * d0 - FIVE * d2 + d4,
        even1 + odd1,
        even1 - odd1,
        even2 + odd2,
        even2 - odd2,
        FOUR * d1 - FIVE * d3 + d5,
    )


@jit
def b(v: Vectors) -> Vectors:
    """B v, for six vectors."""
    v0, v1, v2, v3, v4, v5 = v
    sum1, diff1, sum2, diff2 = v1 + v2, v1 - v2, v3 + v4, v3 - v4
    return (
        FOUR * v0,
        FOUR * (v5 - diff1) - TWO * diff2,
        -FIVE * v0 - FOUR * sum1 - sum2,
        diff1 + TWO * diff2 - FIVE * v5,
        v0 + sum1 + sum2,
        v5,
    )


@jit
def a_transposed(m: Vectors) -> Vectors:
    """A^T m, for six vectors."""
    m0, m1, m2, m3, m4, m5 = m
    sum1, diff1, sum2, diff2 = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return (
        m0 + sum1 + sum2,
        diff1 + TWO * diff2,
        sum1 + FOUR * sum2,
        diff1 + EIGHT * diff2 + m5,
    )


@jit
def a(y: Vectors) -> Vectors:
    """A y, for four vectors."""
    y0, y1, y2, y3 = y
    even1, odd1 = y0 + y2, y1 + y3
    even2, odd2 = y0 + FOUR * y2, TWO * y1 + EIGHT * y3
    return y0, even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, y3
