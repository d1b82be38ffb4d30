"""Winograd's convolution with 3x3 filters: F(4x4, 3x3), 4 times fewer products.

One dimension first. A filter g of 3 taps slides over 6 pixels d and gives 4 outputs,
which takes 12 multiplications. Polynomials multiply more cheaply: evaluate both at
enough points, multiply the values, interpolate. For u of 4 coefficients times g of 3,
the points 0, 1, -1, 2, -2 and infinity suffice: 6 multiplications. Filtering is the
transpose of u -> u g:

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

Backward is forward transposed, line by line. All channels of a pixel lie side by side,
and equations are computed for as many of them as a vector holds. The batch is processed
in blocks of images that stay in the cache, with a margin of zeros that makes them
whole tiles and whole vectors. Bias, ReLU and pooling, before or after a convolution,
are computed while the block is in the cache. `forward` and `backward` do all of this
in compiled code, on one thread.

Letters: see `minidl.kernels`; TH, TW tiles in height and width, T tiles in a block.
Source: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks, 2016.
"""

import numpy as np

from minidl.backend import Array
from minidl.kernels.cpu.compile import jit
from minidl.kernels.cpu.pooling import find_maxima_2x2, write_at_maxima_2x2
from minidl.kernels.cpu.products import multiply, multiply_transposed
from minidl.kernels.cpu.threads import one_blas_thread, over_images, sum_over_images
from minidl.kernels.cpu.vectors import length
from minidl.kernels.cpu.winograd_blocks import (
    even,
    in_whole_tiles,
    take_inside,
    take_where_positive,
    work_arrays,
)
from minidl.kernels.cpu.winograd_transforms import (
    transform_input,
    transform_input_grad,
    transform_output,
    transform_output_grad,
)
from minidl.kernels.shapes import output_size

G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]])
G = G / 24
G_G = np.kron(G, G)  # (36, 9): G W G^T is one product with W as (9, C*F)

NONE = (0, 0, 0, 0)  # shape of an array that stands for None


def conv2d(x: Array, W: Array, b: Array, stride: int, pad: int, relu: bool) -> Array:
    """out = A^T M A + b, M = V U; see `reference.conv2d`. stride is 1, pad 0 or 1."""
    out, _ = convolve(x, W, b, pad, relu, pool=False)
    return out


def conv2d_pool(
    x: Array, W: Array, b: Array, stride: int, pad: int, relu: bool
) -> tuple[Array, Array]:
    """Maxima of 2x2 windows of `conv2d`, whose output is never in memory as a whole."""
    return convolve(x, W, b, pad, relu, pool=True)


def convolve(
    x: Array, W: Array, b: Array, pad: int, relu: bool, pool: bool
) -> tuple[Array, Array]:
    """Return the output, pooled if requested, and the places of maxima, else empty."""
    N, F = len(x), W.shape[3]
    OH, OW = output_size(x.shape[1:3], (3, 3), 1, pad)
    size = output_size((OH, OW), (2, 2), 2, 0) if pool else (OH, OW)
    out = np.empty((N, *size, F), x.dtype)
    argmax = np.empty(out.shape if pool else NONE, np.uint8)
    U = filter_transform(W)
    bias = whole_vectors(b)
    floor = x.dtype.type(0 if relu else -np.inf)  # -inf: no ReLU

    def part(n: slice) -> None:
        forward(x[n], U, bias, floor, pad, out[n], argmax[n])

    over_images(part, N)
    return out, argmax


@jit
def forward(
    x: Array,
    U: Array,
    bias: Array,
    floor: float,
    pad: int,
    out: Array,
    argmax: Array,
) -> None:
    """Fill out, and argmax if it isn't empty: out then holds maxima of windows."""
    work, V, M, work_out = work_arrays(x, U.shape[1:], pad)
    tiles = work.shape[1] // 4 * (work.shape[2] // 4)  # of an image
    for start in range(0, len(x), len(work)):
        n = slice(start, start + len(work))
        T = tiles * len(x[n])
        transform_input(in_whole_tiles(x[n], work, pad), V)
        multiply_each(by_position(V[: even(T)]), U, by_position(M[: even(T)]))
        fits = argmax.size == 0 and out.shape[1:] == work_out.shape[1:]
        y = out[n] if fits else work_out[: len(x[n])]
        transform_output(M, y, bias, floor)
        if argmax.size > 0:
            find_maxima_2x2(y, out[n], argmax[n])
        elif not fits:
            take_inside(y, out[n], 0)


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
    U_T = filter_transform(W.swapaxes(2, 3))  # (36, F, C), whole vectors
    dx = np.empty(x.shape if input_grad else NONE, dout.dtype)
    places = np.empty(NONE, np.uint8) if argmax is None else argmax

    def part(n: slice) -> Array:
        return backward(
            x[n], dout[n], U_T, pad, param_grads, dx[n], places[n], after_relu
        )

    dU = sum_over_images(part, len(x))
    C, F = W.shape[2:]
    dW = filter_transform_grad(dU[:, :C, :F]) if param_grads else None
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
    work, V, dM, work_out = work_arrays(x, (C, F), pad)
    tiles = work.shape[1] // 4 * (work.shape[2] // 4)  # of an image
    dwork = np.empty_like(work)
    for start in range(0, len(x), len(work)):
        n = slice(start, start + len(work))
        T = tiles * len(x[n])
        if argmax.size > 0:
            write_at_maxima_2x2(dout[n], argmax[n], work_out)
            transform_output_grad(work_out[: len(x[n])], dM)
        else:
            transform_output_grad(in_whole_tiles(dout[n], work_out, 0), dM)
        if param_grads:
            transform_input(in_whole_tiles(x[n], work, pad), V)
            add_products(by_position(V[:T]), by_position(dM[:T]), dU)
        if dx.size > 0:
            rows = even(T)
            multiply_each(by_position(dM[:rows]), U_T, by_position(V[:rows]))
            d = dwork[: len(x[n])]
            transform_input_grad(V, d)
            if after_relu:
                take_where_positive(d, dx[n], pad, x[n])
            else:
                take_inside(d, dx[n], pad)
    return dU


@jit
def multiply_each(a: Array, b: Array, out: Array) -> None:
    """out = a b, for each of the 36 positions."""
    for p in range(36):
        multiply(a[p], b[p], out[p], False)


@jit
def add_products(V: Array, dM: Array, dU: Array) -> None:
    """dU += V^T dM, for each of the 36 positions."""
    for p in range(36):
        multiply_transposed(V[p], dM[p], dU[p], True)


@jit
def by_position(V: Array) -> Array:
    """View tiles as 36 matrices: (T, 6, 6, C) -> (36, T, C)."""
    return V.reshape(len(V), 36, -1).transpose(1, 0, 2)


def filter_transform(W: Array) -> Array:
    """Return U = G W G^T. Shapes: W (3, 3, C, F), U (36, C, F) in whole vectors."""
    W = whole_vectors(W)
    with one_blas_thread():
        U = G_G.astype(W.dtype) @ W.reshape(9, -1)
    return U.reshape(36, *W.shape[2:])


def filter_transform_grad(dU: Array) -> Array:
    """Return dW = G^T dU G, `filter_transform` transposed."""
    with one_blas_thread():
        dW = G_G.T.astype(dU.dtype) @ dU.reshape(36, -1)
    return dW.reshape(3, 3, *dU.shape[1:])


def whole_vectors(a: Array) -> Array:
    """Return a, padded with zeros so that channels (and filters) fill whole vectors.

    Shapes: (..., C, F) or (F,).
    """
    missing = [-size % length(a) for size in a.shape[-2:]]
    before = [(0, 0)] * (a.ndim - len(missing))
    return np.pad(a, before + [(0, count) for count in missing])
