"""The kernels on a GPU, in float32: CUDA where NumPy's words need many passes.

Matrix products are cuBLAS's. What stands between them is one CUDA kernel each, since
starting one costs the host as long as a million multiplications cost the GPU. Nothing
here waits for the GPU or copies to or from it.
Arrays are CuPy's, in float32; letters: see `minidl.kernels`.
"""

from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from minidl.backend import Array, get_array_module
from minidl.checks import check_device, check_label_array, check_shape
from minidl.kernels.arguments import check_arrays
from minidl.kernels.cuda_launch import launch
from minidl.kernels.random_bits import drop_threshold
from minidl.kernels.shapes import ImageShape, Window, output_size

# Of columns at a time: all those of 128 images in the paper's networks. Larger batches
# go through in blocks, so that their columns needn't fit into memory.
BLOCK_BYTES = 2**28


def im2col(x: Array, kernel_size: Window, stride: int, pad: int) -> Array:
    """Return all windows as rows of a matrix; see `reference.im2col`."""
    xp = get_array_module(x)
    (N, H, W, C), (KH, KW) = x.shape, kernel_size
    OH, OW = output_size((H, W), kernel_size, stride, pad)
    col = xp.empty((N * OH * OW, KH * KW * C), x.dtype)
    geometry = (H, W, C, OH, OW, KH, KW, stride, pad)
    launch("im2col", col.size, xp.ascontiguousarray(x), col, col.size, *geometry)
    return col


def col2im(
    col: Array,
    x_shape: ImageShape,
    kernel_size: Window,
    stride: int,
    pad: int,
    relu_out: Array | None = None,
    out: Array | None = None,
) -> Array:
    """Add every window back to where it was taken; see `reference.col2im`.

    With relu_out = max(u, 0) of shape x_shape, the result is du.
    """
    xp = get_array_module(col)
    _, H, W, C = x_shape
    OH, OW = output_size((H, W), kernel_size, stride, pad)
    x = xp.empty(x_shape, col.dtype) if out is None else out
    arguments = (xp.ascontiguousarray(col), x, x.size)
    geometry = (H, W, C, OH, OW, *kernel_size, stride, pad)
    if relu_out is None:
        launch("col2im", x.size, *arguments, *geometry)
    else:
        launch("col2im_relu_grad", x.size, *arguments, *geometry, relu_out)
    return x


def conv2d(x: Array, W: Array, b: Array, stride: int, pad: int, relu: bool) -> Array:
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
    x: Array, W: Array, b: Array, stride: int, pad: int, relu: bool
) -> tuple[Array, Array]:
    """Maxima of 2x2 windows of `conv2d`, and their places; see `reference.max_pool`."""
    if not relu:
        return max_pool(conv2d(x, W, b, stride, pad, relu), 2, 2)
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
    param_grads: bool,
    input_grad: bool,
    argmax: Array | None = None,
    after_relu: bool = False,
) -> tuple[Array | None, Array | None]:
    """dx = col2im(dout W^T), dW = im2col(x)^T dout; see `kernels.conv2d_grads`."""
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
            shape = x[n].shape
            col2im(dcol, shape, kernel_size, stride, pad, relu_out, out=dx[n])
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
    x = get_array_module(x).ascontiguousarray(x)
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
    xp = get_array_module(dout)
    dx = xp.empty(x_shape, dout.dtype)
    arrays = (xp.ascontiguousarray(dout), xp.ascontiguousarray(argmax), dx, dx.size)
    shape = (*x_shape[1:], *dout.shape[1:3], size, stride)
    launch("max_pool_grad", dx.size, *arrays, *shape)
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
    """Return each image's cost, and the gradient dz of their sum.

    Shapes: z and dz (N, K), y and costs (N,).
    """
    check_arrays(z=(z, "N K"))
    check_label_array("y", y, len(z))
    check_device("y", y, z)
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
    gradient: Array,
    x: Array,
    alpha: float,
    eps: float,
    bounds: tuple[float, float] | None,
) -> Array:
    """Return x_adv + alpha sign(gradient), clipped; see `attacks.Threat.step`."""
    check_shape("x_adv", x_adv, x.shape)
    check_shape("gradient", gradient, x.shape)
    xp = get_array_module(x)
    arrays: Any = [xp.ascontiguousarray(a) for a in (x_adv, gradient, x)]
    out = xp.empty(x.shape, x.dtype)
    low, high = (-np.inf, np.inf) if bounds is None else bounds
    launch("sign_step", out.size, *arrays, out, out.size, alpha, eps, low, high)
    return out
