"""Convolution with 3x3 filters after Winograd: F(4x4, 3x3), 4 times fewer products.

One dimension first. A filter g of 3 taps slides over 6 pixels d and gives 4 outputs,
which takes 12 multiplications. Polynomials multiply more cheaply: evaluate both at
enough points, multiply the values, interpolate. With the points 0, 1, -1, 2, -2 and
infinity the same 4 outputs take 6 multiplications:

    out = A^T [(G g) * (B^T d)]        G evaluates the filter, B^T transforms the
                                       pixels, A^T gathers the outputs

    B^T = 4  0 -5  0  1  0    G = 1/4     0    0     A^T = 1  1  1  1  1  0
          0 -4 -4  1  1  0       -1/6 -1/6 -1/6            0  1 -1  2 -2  0
          0  4 -4 -1  1  0       -1/6  1/6 -1/6            0  1  1  4  4  0
          0 -2 -1  2  1  0       1/24 1/12  1/6            0  1 -1  8 -8  1
          0  2 -1 -2  1  0       1/24 -1/12 1/6
          0  4  0 -5  0  1          0     0   1

In two dimensions every matrix acts from both sides, on a tile d of 6x6 pixels: 36
multiplications instead of 144 for 4x4 outputs. Tiles overlap by two rows and columns.
Summed over channels, each of the 36 positions is a matrix product over all tiles:

    forward     U = G W G^T      V = B^T d B      M = V U        out = A^T M A
    backward    dM = A dout A^T  dU = V^T dM      dW = G^T dU G
                                 dV = dM U^T      dx = overlap-added B dV B^T

Backward is forward transposed, line by line. Each two-sided transform is two passes of
a one-sided one over whole rows of pixels: all channels of a pixel lie side by side, so
the innermost loops run over contiguous memory. The batch goes through in blocks of
images that stay in the cache; what follows or precedes a convolution (bias, ReLU,
pooling) is done while its block is there.

Letters: see `minidl.kernels`; TH, TW tiles in height and width, T tiles in a block.
Source: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks, 2016.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.backend import Array
from minidl.kernels import pooling_2x2
from minidl.kernels.compile import jit
from minidl.kernels.shapes import BLOCK_PRODUCTS, output_size
from minidl.kernels.threads import over_images

G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]])
G = G / 24
G_G = np.kron(G, G)  # (36, 9): G W G^T is one product with W as (9, C*F)

# A plain 4 would turn float32 into float64 in Numba; these are exact in both.
TWO, FOUR, FIVE, EIGHT = map(np.float32, (2, 4, 5, 8))

BLOCK_BYTES = 3 * 2**19  # of V and M: most of it stays in a second-level cache

Vectors = tuple[Any, ...]  # of equal length: rows of pixels, or one pixel's channels


def conv2d(x: Array, W: Array, b: Array, stride: int, pad: int, relu: bool) -> Array:
    """out = A^T M A + b, M = V U; see `reference.conv2d`. stride is 1, pad 0 or 1."""
    out, _ = convolve(x, W, b, pad, relu, pool=False)
    return out


def conv2d_pool(
    x: Array, W: Array, b: Array, stride: int, pad: int, relu: bool
) -> tuple[Array, Array]:
    """Maxima of 2x2 windows of `conv2d`, which is never in memory as a whole."""
    return convolve(x, W, b, pad, relu, pool=True)


def convolve(
    x: Array, W: Array, b: Array, pad: int, relu: bool, pool: bool
) -> tuple[Array, Array]:
    """Return the output, pooled or not, and the places of maxima (empty if not)."""
    N, (C, F) = len(x), W.shape[2:]
    OH, OW = output_size(x.shape[1:3], (3, 3), 1, pad)
    out = np.empty((N, OH // 2, OW // 2, F) if pool else (N, OH, OW, F), x.dtype)
    argmax = np.empty(out.shape if pool else 0, np.uint8)
    U = filter_transform(W)
    b_row = np.tile(b, OW)  # (OW*F,)
    floor = x.dtype.type(0 if relu else -np.inf)

    def forward(part: slice) -> None:
        for block, V, M, work in blocks(part, (OH, OW, F), C, x.dtype):
            y = work if pool else out[block]
            transform_input(x[block], V, pad)
            np.matmul(by_position(V), U, out=by_position(M))
            transform_output(M, y, b_row, floor)
            if pool:
                pooling_2x2.find_maxima(y, out[block], argmax[block])

    over_images(forward, N)
    return out, argmax


def conv2d_grads(
    x: Array,
    dout: Array,
    W: Array,
    stride: int,
    pad: int,
    param_grads: bool,
    input_grad: bool,
    argmax: Array | None = None,
    after_relu: bool = False,
) -> tuple[Array | None, Array | None]:
    """dx from dV = dM U^T, dW from dU = V^T dM; see `reference.conv2d_grads`.

    With argmax, dout is the gradient of what `conv2d_pool` returned. With after_relu,
    x = max(u, 0) and the first result is du.
    """
    C, F = W.shape[2:]
    shape = (*output_size(x.shape[1:3], (3, 3), 1, pad), F)
    U_T = filter_transform(W.swapaxes(2, 3))  # (36, F, C)
    dx = np.empty(x.shape, dout.dtype)

    def backward(part: slice) -> Array:
        dU, dU_block = np.zeros((2, 36, C, F), dout.dtype)
        for block, V, dM, work in blocks(part, shape, C, dout.dtype):
            dy = dout[block]
            if argmax is not None:
                pooling_2x2.write_at_maxima(dy, argmax[block], work)
                dy = work
            transform_output_grad(dy, dM)
            if param_grads:
                transform_input(x[block], V, pad)
                V_T = by_position(V).swapaxes(1, 2)  # (36, C, T)
                dU += np.matmul(V_T, by_position(dM), out=dU_block)
            if input_grad:
                np.matmul(by_position(dM), U_T, out=by_position(V))
                transform_input_grad(V, dx[block], pad)
            if input_grad and after_relu:
                zero_where_not_positive(dx[block].reshape(-1), x[block].reshape(-1))
        return dU

    dU: Any = sum(over_images(backward, len(x)))
    dW = filter_transform_grad(dU) if param_grads else None
    return dx if input_grad else None, dW


def filter_transform(W: Array) -> Array:
    """Return U = G W G^T. Shapes: W (3, 3, C, F), U (36, C, F)."""
    return (G_G.astype(W.dtype) @ W.reshape(9, -1)).reshape(36, *W.shape[2:])


def filter_transform_grad(dU: Array) -> Array:
    """Return dW = G^T dU G, `filter_transform` transposed."""
    return (G_G.T.astype(dU.dtype) @ dU.reshape(36, -1)).reshape(3, 3, *dU.shape[1:])


def blocks(
    part: slice, out_shape: tuple[int, ...], C: int, dtype: Any
) -> Iterator[tuple[slice, Array, Array, Array]]:
    """Yield slices of part of the batch, each with work arrays V, M and out.

    Shapes: out_shape (OH, OW, F); V (T, 6, 6, C), M (T, 6, 6, F), out (n, OH, OW, F).
    """
    OH, OW, F = out_shape
    tiles = -(-OH // 4) * -(-OW // 4)  # of an image
    tile_bytes = 36 * (C + F) * np.dtype(dtype).itemsize
    T = min(BLOCK_PRODUCTS // (C * F), BLOCK_BYTES // tile_bytes)
    step = min(part.stop - part.start, max(1, T // tiles))
    V = np.empty((step * tiles, 6, 6, C), dtype)
    M = np.empty((step * tiles, 6, 6, F), dtype)
    out = np.empty((step, OH, OW, F), dtype)
    for start in range(part.start, part.stop, step):
        n = min(step, part.stop - start)
        yield slice(start, start + n), V[: n * tiles], M[: n * tiles], out[:n]


def by_position(V: Array) -> Array:
    """View tiles as 36 matrices: (T, 6, 6, C) -> (36, T, C)."""
    return V.reshape(len(V), 36, -1).swapaxes(0, 1)


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
    """y = max(A^T m + bias, floor)."""
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
