"""The kernels on a GPU, in float32: CUDA where NumPy's words need many passes.

Matrix products are cuBLAS's. What stands between them is one CUDA kernel each, since
starting one costs the host as long as a million multiplications cost the GPU. Nothing
here waits for the GPU or copies to or from it.
Arrays are CuPy's, in float32; letters: see `minidl.kernels`.
"""

from collections.abc import Iterator
from functools import reduce
from operator import add

import numpy as np

from minidl.backend import Array, get_array_module
from minidl.kernels.gpu.cuda import launch
from minidl.kernels.random_bits import drop_threshold
from minidl.kernels.reference import matmul as matmul  # cuBLAS's
from minidl.kernels.shapes import ImageShape, Window, output_size

# Of columns at a time: all those of 128 images in the paper's networks. Larger batches
# go through in blocks, so that their columns needn't fit into memory.
BLOCK_BYTES = 2**28


def im2col(x: Array, kernel_size: Window, stride: int, pad: int) -> Array:
    """Return all windows as rows of a matrix; see `reference.im2col`."""
    (N, H, W, C), (KH, KW) = x.shape, kernel_size
    OH, OW = output_size((H, W), kernel_size, stride, pad)
    col = get_array_module(x).empty((N * OH * OW, KH * KW * C), x.dtype)
    geometry = (H, W, C, OH, OW, KH, KW, stride, pad)
    launch("im2col", col.size, x, col, col.size, *geometry)
    return col


def col2im(
    col: Array, x_shape: ImageShape, kernel_size: Window, stride: int, pad: int
) -> Array:
    """Add every window back to where it was taken; see `reference.col2im`."""
    x = get_array_module(col).empty(x_shape, col.dtype)
    sum_windows(col, x, kernel_size, stride, pad)
    return x


def sum_windows(
    col: Array,
    x: Array,
    kernel_size: Window,
    stride: int,
    pad: int,
    relu_out: Array | None = None,
) -> None:
    """x = col2im(col), or with relu_out = max(u, 0) its gradient du. Shapes: like x."""
    _, H, W, C = x.shape
    OH, OW = output_size((H, W), kernel_size, stride, pad)
    arguments = (col, x, x.size, H, W, C, OH, OW, *kernel_size, stride, pad)
    if relu_out is None:
        launch("col2im", x.size, *arguments)
    else:
        launch("col2im_relu_grad", x.size, *arguments, relu_out)


def conv2d(
    x: Array, W: Array, b: Array, stride: int, pad: int, algorithm: str, relu: bool
) -> Array:
    """out = im2col(x) W + b, with relu max(out, 0); see `reference.conv2d`."""
    out = without_bias(x, W, stride, pad)
    if relu:
        launch("bias_relu", out.size, out, b, out.size, len(b))
    else:
        out += b
    return out


def without_bias(x: Array, W: Array, stride: int, pad: int) -> Array:
    """Return im2col(x) W, block by block. Shapes: x (N, H, W, C), result (..., F)."""
    xp = get_array_module(x)
    *kernel_size, _, F = W.shape
    OH, OW = output_size(x.shape[1:3], kernel_size, stride, pad)
    out = xp.empty((len(x), OH, OW, F), x.dtype)
    for n in blocks(x, W, OH * OW):
        col = im2col(x[n], kernel_size, stride, pad)
        xp.dot(col, W.reshape(-1, F), out=out[n].reshape(-1, F))
    return out


def conv2d_pool(
    x: Array, W: Array, b: Array, stride: int, pad: int, algorithm: str, relu: bool
) -> tuple[Array, Array]:
    """Maxima of 2x2 windows of `conv2d`, and their places; see `reference.max_pool`."""
    if not relu:
        return max_pool(conv2d(x, W, b, stride, pad, algorithm, relu), 2, 2)
    product = without_bias(x, W, stride, pad)
    out, argmax = empty_pooled(product, 2, 2)
    shape = (*product.shape[1:], *out.shape[1:3])
    launch("bias_relu_pool", out.size, product, b, out, argmax, out.size, *shape)
    return out, argmax


def conv2d_grads(
    x: Array,
    dout: Array,
    W: Array,
    stride: int,
    pad: int,
    algorithm: str,
    param_grads: bool,
    input_grad: bool,
    argmax: Array | None,
    after_relu: bool,
) -> tuple[Array | None, Array | None]:
    """dx = col2im(dout W^T), dW = im2col(x)^T dout; see `reference.conv2d_grads`."""
    *kernel_size, _, F = W.shape
    OH, OW = output_size(x.shape[1:3], kernel_size, stride, pad)
    if argmax is not None:
        dout = max_pool_grad(dout, argmax, (len(x), OH, OW, F), 2, 2)
    parts = list(blocks(x, W, OH * OW))
    dx = dW = None
    if input_grad:
        dx = get_array_module(x).empty(x.shape, x.dtype)
        for n in parts:
            dcol = dout[n].reshape(-1, F) @ W.reshape(-1, F).T
            relu_out = x[n] if after_relu else None
            sum_windows(dcol, dx[n], kernel_size, stride, pad, relu_out)
    if param_grads:
        products = (
            im2col(x[n], kernel_size, stride, pad).T @ dout[n].reshape(-1, F)
            for n in parts
        )
        dW = reduce(add, products).reshape(W.shape)  # (KH, KW, C, F)
    return dx, dW


def blocks(x: Array, W: Array, pixels: int) -> Iterator[slice]:
    """Yield consecutive images whose columns together take BLOCK_BYTES at most."""
    bytes_per_image = pixels * W[..., 0].size * x.itemsize
    images = max(1, BLOCK_BYTES // bytes_per_image)
    for start in range(0, max(1, len(x)), images):  # of no images one block, too
        yield slice(start, start + images)


def max_pool(x: Array, size: int, stride: int) -> tuple[Array, Array]:
    """Return each window's maximum and its place; see `reference.max_pool`."""
    out, argmax = empty_pooled(x, size, stride)
    shape = (*x.shape[1:], *out.shape[1:3], size, stride)
    launch("max_pool", out.size, x, out, argmax, out.size, *shape)
    return out, argmax


def empty_pooled(x: Array, size: int, stride: int) -> tuple[Array, Array]:
    """Return room for maxima and their places. Shapes: (N, OH, OW, C)."""
    xp = get_array_module(x)
    N, *image, C = x.shape
    shape = (N, *output_size(image, (size, size), stride, 0), C)
    return xp.empty(shape, x.dtype), xp.empty(shape, xp.uint8)


def max_pool_grad(
    dout: Array, argmax: Array, x_shape: ImageShape, size: int, stride: int
) -> Array:
    """Add each dout to dJ/dx at its window's maximum; see `reference.max_pool_grad`."""
    dx = get_array_module(dout).empty(x_shape, dout.dtype)
    shape = (*x_shape[1:], *dout.shape[1:3], size, stride)
    launch("max_pool_grad", dx.size, dout, argmax, dx, dx.size, *shape)
    return dx


def relu_grad(dout: Array, out: Array) -> Array:
    """Return dout where out > 0, else 0. Shapes: all equal."""
    dx = get_array_module(dout).empty(dout.shape, dout.dtype)
    launch("relu_grad", dx.size, dout, out, dx, dx.size)
    return dx


def dropout_mask(x: Array, rate: float, seed: int) -> Array:
    """Return a mask like x: 0 at probability `rate`, else 1 / (1 - rate)."""
    mask = get_array_module(x).empty(x.shape, x.dtype)
    numbers = (seed, drop_threshold(rate), 1 / (1 - rate))
    launch("dropout_mask", mask.size, mask, mask.size, *numbers)
    return mask


def cross_entropy(z: Array, y: Array) -> tuple[Array, Array]:
    """Return each image's cost and dz of their sum; NaN where y is no class."""
    xp = get_array_module(z)
    costs, dz = xp.empty(len(z), z.dtype), xp.empty(z.shape, z.dtype)
    z, y = xp.ascontiguousarray(z), xp.ascontiguousarray(y.astype(xp.int64, copy=False))
    launch("cross_entropy", len(z), z, y, costs, dz, *z.shape)
    return costs, dz


def sgd_step(p: Array, g: Array, v: Array, lr: float, momentum: float) -> None:
    """v = momentum v + g; p -= lr v, in place. Shapes: all equal, contiguous."""
    launch("sgd_step", p.size, p, g, v, p.size, lr, momentum)


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
    """Move p, m and v in place, in one pass; see `reference.adam_step`."""
    factors = (*rates, step, correction, eps)
    launch("adam_step", p.size, p, g, m, v, p.size, *factors)


def sign_step(
    x_adv: Array,
    g: Array,
    x: Array,
    alpha: float,
    eps: float,
    bounds: tuple[float, float] | None,
) -> Array:
    """Return x_adv + alpha sign(g), clipped; see `reference.sign_step`."""
    out = get_array_module(x).empty(x.shape, x.dtype)
    low, high = (-np.inf, np.inf) if bounds is None else bounds
    numbers = alpha, eps, low, high
    launch("sign_step", out.size, x_adv, g, x, out, out.size, *numbers)
    return out
