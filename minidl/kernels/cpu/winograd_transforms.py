"""The four transforms of `winograd.py`, and the matrices B^T and A^T written out.

A tile is transformed in two passes: along its columns, whole rows of pixels at a time,
then along its rows, pixel by pixel. Both passes are sums of six (or four) vectors, and
the loops inside run over contiguous memory. Multiplying by a matrix of zeros, ones and
small numbers is written as sums and differences; each is tested against its matrix.
Rows beyond the image are one vector for all: `outside`, of zeros, where rows are read,
`spare`, whose content nobody uses, where they are written.
Letters: see `minidl.kernels`; TH, TW are tiles in height and width, T tiles in a block.
"""

from typing import Any

import numpy as np

from minidl.backend import Array
from minidl.kernels.cpu.compile import jit

# A plain 4 would turn float32 into float64 in Numba; these are exact in both.
TWO, FOUR, FIVE, EIGHT = map(np.float32, (2, 4, 5, 8))

# Of equal length: rows of pixels, or pixels with all their channels.
Vectors = tuple[Any, ...]


@jit
def transform_input(x: Array, V: Array, pad: int) -> None:
    """V = B^T d B for all tiles d of x. Shapes: x (N, H, W, C), V (T, 6, 6, C)."""
    N, H, W, C = x.shape
    TH, TW = (H + 2 * pad + 1) // 4, (W + 2 * pad + 1) // 4
    outside = np.zeros(W * C, x.dtype)
    rows = np.zeros((6, 4 * TW + 2, C), x.dtype)
    for n in range(N):
        for th in range(TH):
            d = six_rows(x[n], 4 * th - pad, outside)
            b_transposed(d, six_inner(rows, pad, W))
            for tw in range(TW):
                v = V[(n * TH + th) * TW + tw]
                for i in range(6):
                    b_transposed(six(rows, i, 4 * tw), six(v, i, 0))


@jit
def transform_output(M: Array, out: Array, bias_row: Array, floor: float) -> None:
    """out = max(A^T M A + bias, floor). Shapes: M (T, 6, 6, F), bias_row (OW*F,)."""
    N, OH, OW, F = out.shape
    TH, TW = (OH + 3) // 4, (OW + 3) // 4
    spare = np.empty(OW * F, out.dtype)
    rows = np.empty((6, 4 * TW, F), out.dtype)
    for n in range(N):
        for th in range(TH):
            for tw in range(TW):
                m = M[(n * TH + th) * TW + tw]
                for i in range(6):
                    a_transposed(six(m, i, 0), four(rows, i, 4 * tw))
            y = four_rows(out[n], 4 * th, spare)
            a_transposed_bias(six_inner(rows, 0, OW), y, bias_row, floor)


@jit
def transform_output_grad(dout: Array, dM: Array) -> None:
    """dM = A dout A^T, `transform_output` transposed. Shapes: dM (T, 6, 6, F)."""
    N, OH, OW, F = dout.shape
    TH, TW = (OH + 3) // 4, (OW + 3) // 4
    outside = np.zeros(OW * F, dout.dtype)
    rows = np.zeros((6, 4 * TW, F), dout.dtype)
    for n in range(N):
        for th in range(TH):
            a(four_rows(dout[n], 4 * th, outside), six_inner(rows, 0, OW))
            for tw in range(TW):
                m = dM[(n * TH + th) * TW + tw]
                for i in range(6):
                    a(four(rows, i, 4 * tw), six(m, i, 0))


@jit
def transform_input_grad(dV: Array, dx: Array, pad: int) -> None:
    """dx = overlap-added B dV B^T, `transform_input` transposed.

    The first two rows and columns of a tile add to the last two of its predecessor.
    """
    N, H, W, C = dx.shape
    TH, TW = (H + 2 * pad + 1) // 4, (W + 2 * pad + 1) // 4
    spare = np.zeros(W * C, dx.dtype)
    rows = np.empty((6, 4 * TW + 2, C), dx.dtype)
    for n in range(N):
        dx[n, : 2 - pad] = 0
        for th in range(TH):
            rows[:, :2] = 0
            for tw in range(TW):
                v = dV[(n * TH + th) * TW + tw]
                for i in range(6):
                    b_overlapping(six(v, i, 0), six(rows, i, 4 * tw))
            d = six_rows(dx[n], 4 * th - pad, spare)
            b_overlapping(six_inner(rows, pad, W), d)


@jit
def six(x: Array, i: int, j: int) -> Vectors:
    """Six neighbouring pixels of row i, each a vector of channels."""
    return x[i, j], x[i, j + 1], x[i, j + 2], x[i, j + 3], x[i, j + 4], x[i, j + 5]


@jit
def four(x: Array, i: int, j: int) -> Vectors:
    """Four neighbouring pixels of row i."""
    return x[i, j], x[i, j + 1], x[i, j + 2], x[i, j + 3]


@jit
def row(image: Array, h: int, outside: Array) -> Array:
    """Row h of an image as a vector, or `outside` if there is no such row."""
    return image[h].reshape(-1) if 0 <= h < image.shape[0] else outside


@jit
def four_rows(image: Array, h: int, outside: Array) -> Vectors:
    """Rows h to h + 3 of an image."""
    return (
        row(image, h, outside),
        row(image, h + 1, outside),
        row(image, h + 2, outside),
        row(image, h + 3, outside),
    )


@jit
def six_rows(image: Array, h: int, outside: Array) -> Vectors:
    """Rows h to h + 5 of an image."""
    r0, r1, r2, r3 = four_rows(image, h, outside)
    return r0, r1, r2, r3, row(image, h + 4, outside), row(image, h + 5, outside)


@jit
def six_inner(rows: Array, left: int, width: int) -> Vectors:
    """The six rows of a strip, each from pixel `left` on, as vectors."""
    return (
        rows[0, left : left + width].reshape(-1),
        rows[1, left : left + width].reshape(-1),
        rows[2, left : left + width].reshape(-1),
        rows[3, left : left + width].reshape(-1),
        rows[4, left : left + width].reshape(-1),
        rows[5, left : left + width].reshape(-1),
    )


@jit
def b_transposed(d: Vectors, v: Vectors) -> None:
    """v = B^T d, for six vectors."""
    for k in range(v[0].size):
        d0, d1, d2, d3, d4, d5 = d[0][k], d[1][k], d[2][k], d[3][k], d[4][k], d[5][k]
        even1, odd1 = d4 - FOUR * d2, d3 - FOUR * d1
        even2, odd2 = d4 - d2, TWO * (d3 - d1)
        v[0][k] = FOUR * d0 - FIVE * d2 + d4
        v[1][k] = even1 + odd1
        v[2][k] = even1 - odd1
        v[3][k] = even2 + odd2
        v[4][k] = even2 - odd2
        v[5][k] = FOUR * d1 - FIVE * d3 + d5


@jit
def b_overlapping(v: Vectors, d: Vectors) -> None:
    """d = B v, where d0 and d1 add to what is there."""
    for k in range(v[0].size):
        v0, v1, v2, v3, v4, v5 = v[0][k], v[1][k], v[2][k], v[3][k], v[4][k], v[5][k]
        sum1, diff1, sum2, diff2 = v1 + v2, v1 - v2, v3 + v4, v3 - v4
        d[0][k] += FOUR * v0
        d[1][k] += FOUR * (v5 - diff1) - TWO * diff2
        d[2][k] = -(FIVE * v0 + FOUR * sum1 + sum2)
        d[3][k] = diff1 + TWO * diff2 - FIVE * v5
        d[4][k] = v0 + sum1 + sum2
        d[5][k] = v5


@jit
def a_transposed(m: Vectors, y: Vectors) -> None:
    """y = A^T m, for six vectors."""
    for k in range(y[0].size):
        m0, m1, m2, m3, m4, m5 = m[0][k], m[1][k], m[2][k], m[3][k], m[4][k], m[5][k]
        sum1, diff1, sum2, diff2 = m1 + m2, m1 - m2, m3 + m4, m3 - m4
        y[0][k] = m0 + sum1 + sum2
        y[1][k] = diff1 + TWO * diff2
        y[2][k] = sum1 + FOUR * sum2
        y[3][k] = diff1 + EIGHT * diff2 + m5


@jit
def a_transposed_bias(m: Vectors, y: Vectors, bias: Array, floor: float) -> None:
    """y = max(A^T m + bias, floor).

    In one loop: a second one over y for bias and floor takes 5 to 10 % of a forward
    pass of 32 channels.
    """
    for k in range(y[0].size):
        m0, m1, m2, m3, m4, m5 = m[0][k], m[1][k], m[2][k], m[3][k], m[4][k], m[5][k]
        sum1, diff1, sum2, diff2 = m1 + m2, m1 - m2, m3 + m4, m3 - m4
        y[0][k] = max(m0 + sum1 + sum2 + bias[k], floor)
        y[1][k] = max(diff1 + TWO * diff2 + bias[k], floor)
        y[2][k] = max(sum1 + FOUR * sum2 + bias[k], floor)
        y[3][k] = max(diff1 + EIGHT * diff2 + m5 + bias[k], floor)


@jit
def a(y: Vectors, m: Vectors) -> None:
    """m = A y, for four vectors."""
    for k in range(m[0].size):
        y0, y1, y2, y3 = y[0][k], y[1][k], y[2][k], y[3][k]
        even1, odd1 = y0 + y2, y1 + y3
        even2, odd2 = y0 + FOUR * y2, TWO * y1 + EIGHT * y3
        m[0][k] = y0
        m[1][k] = even1 + odd1
        m[2][k] = even1 - odd1
        m[3][k] = even2 + odd2
        m[4][k] = even2 - odd2
        m[5][k] = y3


@jit
def zero_where_not_positive(dx: Array, x: Array) -> None:
    """dx = 0 where x isn't positive: the derivative of x = max(u, 0)."""
    for i in range(dx.size):
        dx[i] = dx[i] if x[i] > 0 else dx.dtype.type(0)
