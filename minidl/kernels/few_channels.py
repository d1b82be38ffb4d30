"""Convolution of images with few channels: a network's first layer.

A window of 3x3 pixels and one or three channels has only 9 or 27 numbers, too few
channels for Winograd's transforms. Here im2col's matrix lies on its side: `col` has
one row per *tap* (a place in the window and a channel) and one column per output
pixel, so that a row of it is the image itself, shifted, and is copied at full speed.
Work goes through the batch in blocks of images whose matrix stays in the cache:

    out = col^T W          dW = col dout          dx = shifted sum of W dout^T

Letters: see `minidl.kernels`; K = KH*KW*C taps.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.backend import Array
from minidl.kernels.compile import jit
from minidl.kernels.shapes import BLOCK_PRODUCTS
from minidl.kernels.threads import over_images


def conv2d(x: Array, W: Array, b: Array, stride: int, pad: int, relu: bool) -> Array:
    """out = col^T W + b, block by block; see `reference.conv2d`. stride is 1."""
    KH, KW, C, F = W.shape
    images = planes(x, pad)
    N, _, H, width = images.shape
    out = np.empty((N, H - KH + 1, width - KW + 1, F), x.dtype)
    floor = x.dtype.type(0 if relu else -np.inf)

    def forward(part: slice) -> None:
        for block, col in blocks(part, out.shape, (KH, KW, C), x.dtype):
            gather_taps(images[block], col)
            rows = out[block].reshape(-1, F)  # (T, F)
            np.matmul(by_tap(col).T, W.reshape(-1, F), out=rows)
            add_bias(rows, b, floor)

    over_images(forward, N)
    return out


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
    KH, KW, C, F = W.shape
    images = planes(x, pad) if param_grads else None
    dimages = blank_planes(x, pad) if input_grad else None

    def backward(part: slice) -> Array:
        dW = np.zeros((KH * KW * C, F), dout.dtype)
        for block, col in blocks(part, dout.shape, (KH, KW, C), dout.dtype):
            rows = dout[block].reshape(-1, F)  # (T, F)
            if images is not None:
                gather_taps(images[block], col)
                dW += by_tap(col) @ rows
            if dimages is not None:
                np.matmul(W.reshape(-1, F), rows.T, out=by_tap(col))
                scatter_taps(col, dimages[block])
        return dW

    dW: Any = sum(over_images(backward, len(x)))
    dx = None if dimages is None else crop(dimages, x.shape, pad)
    return dx, dW.reshape(W.shape) if param_grads else None


def crop(images: Array, x_shape: tuple[int, ...], pad: int) -> Array:
    """Return planes without their padding as images (N, H, W, C)."""
    _, H, W, _ = x_shape
    inside = images[:, :, pad : pad + H, pad : pad + W]
    return np.ascontiguousarray(inside.transpose(0, 2, 3, 1))  # (N, H, W, C)


def planes(x: Array, pad: int) -> Array:
    """Return the channels as separate, padded images: (N, C, H + 2p, W + 2p)."""
    _, H, W, _ = x.shape
    images = blank_planes(x, pad)
    images[:, :, pad : pad + H, pad : pad + W] = x.transpose(0, 3, 1, 2)
    return images


def blank_planes(x: Array, pad: int) -> Array:
    """Return zeros of the shape of `planes(x, pad)`."""
    N, H, W, C = x.shape
    return np.zeros((N, C, H + 2 * pad, W + 2 * pad), x.dtype)


def blocks(
    part: slice, out_shape: tuple[int, ...], window: tuple[int, ...], dtype: Any
) -> Iterator[tuple[slice, Array]]:
    """Yield slices of part of the batch, each with a work array.

    Shapes: out_shape (N, OH, OW, F), window (KH, KW, C); yields arrays
    (KH, KW, C, n, OH, OW).
    """
    _, OH, OW, F = out_shape
    K = int(np.prod(window))
    step = max(1, BLOCK_PRODUCTS // (K * F * OH * OW))
    work = np.empty(K * step * OH * OW, dtype)
    for start in range(part.start, part.stop, step):
        shape = (*window, min(step, part.stop - start), OH, OW)
        yield slice(start, start + shape[3]), work[: np.prod(shape)].reshape(shape)


def by_tap(col: Array) -> Array:
    """View as a matrix: (KH, KW, C, n, OH, OW) -> (K, n*OH*OW)."""
    return col.reshape(np.prod(col.shape[:3]), -1)


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
def add_bias(rows: Array, bias: Array, floor: float) -> None:
    """rows = max(rows + bias, floor)."""
    for t in range(rows.shape[0]):
        for f in range(rows.shape[1]):
            rows[t, f] = max(rows[t, f] + bias[f], floor)
