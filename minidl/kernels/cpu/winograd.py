"""Convolution with 3x3 filters after Winograd: F(4x4, 3x3), 4 times fewer products.

One dimension first. A filter g of 3 taps slides over 6 pixels d and gives 4 outputs,
which takes 12 multiplications. Polynomials multiply more cheaply: evaluate both at
enough points, multiply the values, interpolate. For u of 4 coefficients times g of 3,
the points 0, 1, -1, 2, -2 and infinity suffice: 6 multiplications. And the filter is
the transpose of u -> u g:

    u g = B [(G g) * (A u)]            A and G evaluate, B interpolates
    out = A^T [(G g) * (B^T d)]        transposed: B^T transforms the pixels, A^T
                                       gathers the outputs

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
pooling) is done while its block is there. `forward` and `backward` take their images
through all of that in compiled code, on one thread.

Letters: see `minidl.kernels`; TH, TW tiles in height and width, T tiles in a block.
Source: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks, 2016.
"""

import numpy as np

from minidl.backend import Array
from minidl.kernels.cpu.blas import BLOCK_PRODUCTS, multiply
from minidl.kernels.cpu.compile import jit
from minidl.kernels.cpu.pooling import find_maxima_2x2, write_at_maxima_2x2
from minidl.kernels.cpu.threads import one_blas_thread, over_images, sum_over_images
from minidl.kernels.cpu.winograd_transforms import (
    transform_input,
    transform_input_grad,
    transform_output,
    transform_output_grad,
    zero_where_not_positive,
)
from minidl.kernels.shapes import output_size

G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]])
G = G / 24
G_G = np.kron(G, G)  # (36, 9): G W G^T is one product with W as (9, C*F)

BLOCK_BYTES = 3 * 2**19  # of V and M: most of it stays in a second-level cache
NONE = (0, 0, 0, 0)  # shape of an array that stands for none


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
    N, F = len(x), W.shape[3]
    OH, OW = output_size(x.shape[1:3], (3, 3), 1, pad)
    size = output_size((OH, OW), (2, 2), 2, 0) if pool else (OH, OW)
    out = np.empty((N, *size, F), x.dtype)
    argmax = np.empty(out.shape if pool else NONE, np.uint8)
    U = filter_transform(W)
    b_row = np.tile(b, OW)  # (OW*F,)
    floor = x.dtype.type(0 if relu else -np.inf)  # -inf: no ReLU

    def part(n: slice) -> None:
        forward(x[n], U, b_row, floor, pad, out[n], argmax[n])

    over_images(part, N)
    return out, argmax


@jit
def forward(
    x: Array,
    U: Array,
    b_row: Array,
    floor: float,
    pad: int,
    out: Array,
    argmax: Array,
) -> None:
    """Fill out, and argmax if it isn't empty: out then holds maxima of windows."""
    V, M, work, tiles = work_arrays(x, U.shape[2], pad)
    for start in range(0, len(x), len(work)):
        n = slice(start, start + len(work))
        T = tiles * len(x[n])
        y = work[: len(x[n])] if argmax.size > 0 else out[n]
        transform_input(x[n], V, pad)
        multiply_each(by_position(V[:T]), U, by_position(M[:T]), 0)
        transform_output(M, y, b_row, floor)
        if argmax.size > 0:
            find_maxima_2x2(y, out[n], argmax[n])


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
    U_T = filter_transform(W.swapaxes(2, 3))  # (36, F, C)
    dx = np.empty(x.shape if input_grad else NONE, dout.dtype)
    places = np.empty(NONE, np.uint8) if argmax is None else argmax

    def part(n: slice) -> Array:
        return backward(
            x[n], dout[n], U_T, pad, param_grads, dx[n], places[n], after_relu
        )

    dU = sum_over_images(part, len(x))
    dW = filter_transform_grad(dU) if param_grads else None
    return dx if input_grad else None, dW


@jit
def backward(
    x: Array,
    dout: Array,
    U_T: Array,
    pad: int,
    param_grads: bool,
    dx: Array,
    argmax: Array,
    after_relu: bool,
) -> Array:
    """Fill dx unless it is empty, return dU; see `conv2d_grads`."""
    _, F, C = U_T.shape
    dU = np.zeros((36, C, F), dout.dtype)
    V, dM, work, tiles = work_arrays(x, F, pad)
    for start in range(0, len(x), len(work)):
        n = slice(start, start + len(work))
        T = tiles * len(x[n])
        if argmax.size > 0:
            dy = work[: len(x[n])]
            write_at_maxima_2x2(dout[n], argmax[n], dy)
            transform_output_grad(dy, dM)
        else:
            transform_output_grad(dout[n], dM)
        if param_grads:
            transform_input(x[n], V, pad)
            V_T = by_position(V[:T]).transpose(0, 2, 1)  # (36, C, T)
            multiply_each(V_T, by_position(dM[:T]), dU, 1)
        if dx.size > 0:
            multiply_each(by_position(dM[:T]), U_T, by_position(V[:T]), 0)
            transform_input_grad(V, dx[n], pad)
        if dx.size > 0 and after_relu:
            zero_where_not_positive(dx[n].reshape(-1), x[n].reshape(-1))
    return dU


@jit
def work_arrays(x: Array, F: int, pad: int) -> tuple[Array, Array, Array, int]:
    """Return V, M and the output for a block of n images, and the tiles of an image.

    Shapes: V (n*tiles, 6, 6, C), M (n*tiles, 6, 6, F), output (n, OH, OW, F).
    """
    N, H, W, C = x.shape
    OH, OW = H + 2 * pad - 2, W + 2 * pad - 2
    tiles = (OH + 3) // 4 * ((OW + 3) // 4)
    T = min(BLOCK_PRODUCTS // (C * F), BLOCK_BYTES // (36 * (C + F) * x.itemsize))
    n = max(1, min(N, T // tiles))
    V = np.empty((n * tiles, 6, 6, C), x.dtype)
    M = np.empty((n * tiles, 6, 6, F), x.dtype)
    return V, M, np.empty((n, OH, OW, F), x.dtype), tiles


@jit
def multiply_each(a: Array, b: Array, out: Array, beta: float) -> None:
    """out = a b + beta out, for each of the 36 positions."""
    for p in range(36):
        multiply(a[p], b[p], out[p], beta)


@jit
def by_position(V: Array) -> Array:
    """View tiles as 36 matrices: (T, 6, 6, C) -> (36, T, C)."""
    return V.reshape(len(V), 36, -1).transpose(1, 0, 2)


def filter_transform(W: Array) -> Array:
    """Return U = G W G^T. Shapes: W (3, 3, C, F), U (36, C, F)."""
    with one_blas_thread():
        U = G_G.astype(W.dtype) @ W.reshape(9, -1)
    return U.reshape(36, *W.shape[2:])


def filter_transform_grad(dU: Array) -> Array:
    """Return dW = G^T dU G, `filter_transform` transposed."""
    with one_blas_thread():
        dW = G_G.T.astype(dU.dtype) @ dU.reshape(36, -1)
    return dW.reshape(3, 3, *dU.shape[1:])
