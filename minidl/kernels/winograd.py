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
from minidl.kernels.shapes import BLOCK_PRODUCTS, output_size
from minidl.kernels.threads import over_images
from minidl.kernels.winograd_transforms import (
    transform_input,
    transform_input_grad,
    transform_output,
    transform_output_grad,
    zero_where_not_positive,
)

G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]])
G = G / 24
G_G = np.kron(G, G)  # (36, 9): G W G^T is one product with W as (9, C*F)

BLOCK_BYTES = 3 * 2**19  # of V and M: most of it stays in a second-level cache


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
