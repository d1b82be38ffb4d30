"""Convolution of images with few channels: a network's first layer.

A window of 3x3 pixels and one or three channels has only 9 or 27 numbers, and too few
channels for Winograd's transforms. Here im2col's matrix is transposed: `col` has one
row per *tap* (a place in the window and a channel) and one column per output pixel, so
each row is the image itself, shifted, and is copied at full speed. The batch is
processed in blocks of images whose matrix stays in the cache:

    out = col^T W          dW = col dout          dx = shifted sum of W dout^T

Letters: see `minidl.kernels`; K = KH*KW*C taps.
"""

import numpy as np

from minidl.backend import Array
from minidl.kernels.cpu.blas import BLOCK_PRODUCTS, multiply
from minidl.kernels.cpu.compile import jit
from minidl.kernels.cpu.threads import over_images, sum_over_images
from minidl.kernels.shapes import output_size


def conv2d(x: Array, W: Array, b: Array, stride: int, pad: int, relu: bool) -> Array:
    """out = col^T W + b, block by block; see `reference.conv2d`. stride is 1."""
    N, F = len(x), W.shape[3]
    out = np.empty((N, *output_size(x.shape[1:3], W.shape[:2], 1, pad), F), x.dtype)
    floor = x.dtype.type(0 if relu else -np.inf)  # -inf: no ReLU
    over_images(lambda n: forward(planes(x[n], pad), W, b, floor, out[n]), N)
    return out


@jit
def forward(images: Array, W: Array, b: Array, floor: float, out: Array) -> None:
    """Fill out, on one thread."""
    F = W.shape[3]
    step = images_per_block(W, out)
    for start in range(0, len(out), step):
        n = slice(start, start + step)
        col = blank_taps(W, out[n])
        rows = out[n].reshape(-1, F)  # (n*OH*OW, F)
        gather_taps(images[n], col)
        multiply(by_tap(col).T, W.reshape(-1, F), rows, 0)
        add_bias_relu(rows, b, floor)


def conv2d_grads(
    x: Array,
    dout: Array,
    W: Array,
    stride: int,
    pad: int,
    param_grads: bool,
    input_grad: bool,
) -> tuple[Array | None, Array | None]:
    """dW = col dout, dx = shifted sum of W dout^T; see `reference.conv2d_grads`."""
    dx = np.empty(x.shape, dout.dtype) if input_grad else None

    def part(n: slice) -> Array:
        images = planes(x[n], pad)
        dimages = np.zeros_like(images)
        dW = backward(images, dout[n], W, param_grads, input_grad, dimages)
        if dx is not None:
            height, width = x.shape[1:3]
            inner = dimages[:, :, pad : pad + height, pad : pad + width]
            dx[n] = inner.transpose(0, 2, 3, 1)
        return dW

    dW = sum_over_images(part, len(x))
    return dx, dW.reshape(W.shape) if param_grads else None


@jit
def backward(
    images: Array,
    dout: Array,
    W: Array,
    param_grads: bool,
    input_grad: bool,
    dimages: Array,
) -> Array:
    """Fill dimages if requested, return dW (K, F); on one thread."""
    F = W.shape[3]
    dW = np.zeros((W.size // F, F), dout.dtype)
    step = images_per_block(W, dout)
    for start in range(0, len(dout), step):
        n = slice(start, start + step)
        col = blank_taps(W, dout[n])
        rows = dout[n].reshape(-1, F)  # (n*OH*OW, F)
        if param_grads:
            gather_taps(images[n], col)
            multiply(by_tap(col), rows, dW, 1)
        if input_grad:
            multiply(W.reshape(-1, F), rows.T, by_tap(col), 0)
            scatter_taps(col, dimages[n])
    return dW


def planes(x: Array, pad: int) -> Array:
    """Return the channels as separate, padded images: (N, C, H + 2p, W + 2p)."""
    N, H, W, C = x.shape
    images = np.zeros((N, C, H + 2 * pad, W + 2 * pad), x.dtype)
    images[:, :, pad : pad + H, pad : pad + W] = x.transpose(0, 3, 1, 2)
    return images


@jit
def images_per_block(W: Array, out: Array) -> int:
    """Return the number of images in a block."""
    _, OH, OW, _ = out.shape
    return max(1, BLOCK_PRODUCTS // (W.size * OH * OW))


@jit
def blank_taps(W: Array, out: Array) -> Array:
    """Return an array for im2col's matrix: (KH, KW, C, n, OH, OW)."""
    KH, KW, C, _ = W.shape
    n, OH, OW, _ = out.shape
    return np.empty((KH, KW, C, n, OH, OW), out.dtype)


@jit
def by_tap(col: Array) -> Array:
    """View as a matrix: (KH, KW, C, n, OH, OW) -> (K, n*OH*OW)."""
    KH, KW, C, _, _, _ = col.shape
    return col.reshape(KH * KW * C, -1)


@jit
def gather_taps(images: Array, col: Array) -> None:
    """col[kh, kw, c, n, oh, ow] = images[n, c, oh + kh, ow + kw]."""
    KH, KW, C, N, OH, OW = col.shape
    for kh in range(KH):
        for kw in range(KW):
            for c in range(C):
                for n in range(N):
                    for oh in range(OH):
                        for ow in range(OW):
                            pixel = images[n, c, oh + kh, ow + kw]
                            col[kh, kw, c, n, oh, ow] = pixel


@jit
def scatter_taps(col: Array, images: Array) -> None:
    """images[n, c, oh + kh, ow + kw] += col[kh, kw, c, n, oh, ow]."""
    KH, KW, C, N, OH, OW = col.shape
    for kh in range(KH):
        for kw in range(KW):
            for c in range(C):
                for n in range(N):
                    for oh in range(OH):
                        for ow in range(OW):
                            pixel = col[kh, kw, c, n, oh, ow]
                            images[n, c, oh + kh, ow + kw] += pixel


@jit
def add_bias_relu(rows: Array, bias: Array, floor: float) -> None:
    """rows = max(rows + bias, floor)."""
    for t in range(rows.shape[0]):
        for f in range(rows.shape[1]):
            rows[t, f] = max(rows[t, f] + bias[f], floor)
