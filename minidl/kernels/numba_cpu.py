"""The kernels compiled for the CPU by Numba: the same sums, without the big copies.

Convolutions work through the batch in blocks of images whose column matrix stays in
the cache. The functions under `@jit` are plain Python, see `minidl.kernels.compile`.
Letters: see `minidl.kernels`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.backend import Array
from minidl.kernels import pooling_2x2
from minidl.kernels.compile import jit
from minidl.kernels.memory import keep_freed_memory
from minidl.kernels.random_bits import (
    GOLDEN_GAMMA,
    MASK_BITS,
    MIX_1,
    MIX_2,
    drop_threshold,
)
from minidl.kernels.reference import sgd_step as sgd_step  # nothing to compile
from minidl.kernels.shapes import ImageShape, Window, output_size
from minidl.kernels.threads import FEW_NUMBERS, over_images, sum_over_images

BLOCK_BYTES = 2**19  # of columns at a time: half of a typical second-level cache

keep_freed_memory()


def im2col(x: Array, kernel_size: Window, stride: int, pad: int) -> Array:
    """Return all windows as rows of a matrix; see `reference.im2col`."""
    N, H, W, C = x.shape
    KH, KW = kernel_size
    OH, OW = output_size((H, W), kernel_size, stride, pad)
    col = np.empty((N, OH, OW, KH, KW, C), x.dtype)
    gather_windows(np.ascontiguousarray(x), col, stride, pad)
    return col.reshape(N * OH * OW, KH * KW * C)


def col2im(
    col: Array, x_shape: ImageShape, kernel_size: Window, stride: int, pad: int
) -> Array:
    """Add every window back to where it was taken; see `reference.col2im`."""
    N, H, W, C = x_shape
    OH, OW = output_size((H, W), kernel_size, stride, pad)
    x = np.zeros(x_shape, col.dtype)
    windows = np.ascontiguousarray(col).reshape(N, OH, OW, *kernel_size, C)
    scatter_windows(windows, x, stride, pad)
    return x


def conv2d(x: Array, W: Array, b: Array, stride: int, pad: int, relu: bool) -> Array:
    """out = im2col(x) W + b, block by block; see `reference.conv2d`."""
    KH, KW, C, F = W.shape
    OH, OW = output_size(x.shape[1:3], (KH, KW), stride, pad)
    out = np.empty((len(x), OH, OW, F), x.dtype)

    def forward(part: slice) -> None:
        for block, windows in column_blocks(part, (OH, OW, KH, KW, C), x.dtype):
            gather_windows(x[block], windows, stride, pad)
            np.matmul(rows(windows), W.reshape(-1, F), out=out[block].reshape(-1, F))

    over_images(forward, len(x))
    out += b
    return np.maximum(out, 0, out=out) if relu else out


def conv2d_grads(
    x: Array,
    dout: Array,
    W: Array,
    stride: int,
    pad: int,
    param_grads: bool,
    input_grad: bool,
) -> tuple[Array | None, Array | None]:
    """dx = col2im(dout W^T), dW = im2col(x)^T dout; see `reference.conv2d_grads`."""
    KH, KW, C, F = W.shape
    shape = (*dout.shape[1:3], KH, KW, C)
    dx = np.zeros(x.shape, dout.dtype)

    def backward(part: slice) -> Array:
        dW = np.zeros((KH * KW * C, F), dout.dtype)
        for block, windows in column_blocks(part, shape, dout.dtype):
            dout_rows = dout[block].reshape(-1, F)
            if param_grads:
                gather_windows(x[block], windows, stride, pad)
                dW += rows(windows).T @ dout_rows
            if input_grad:
                np.matmul(dout_rows, W.reshape(-1, F).T, out=rows(windows))
                scatter_windows(windows, dx[block], stride, pad)
        return dW

    dW = sum_over_images(backward, len(x))
    return dx if input_grad else None, dW.reshape(W.shape) if param_grads else None


def column_blocks(
    part: slice, windows_shape: tuple[int, ...], dtype: Any
) -> Iterator[tuple[slice, Array]]:
    """Yield slices of part of the batch, each with a work array for its windows.

    Shapes: windows_shape is one image's (OH, OW, KH, KW, C); yields arrays
    (images, OH, OW, KH, KW, C), all of them views of one that is reused.
    """
    image_bytes = int(np.prod(windows_shape)) * np.dtype(dtype).itemsize
    step = max(1, min(BLOCK_BYTES // image_bytes, part.stop - part.start))
    work = np.empty((step, *windows_shape), dtype)
    for start in range(part.start, part.stop, step):
        block = slice(start, min(start + step, part.stop))
        yield block, work[: block.stop - start]


def rows(windows: Array) -> Array:
    """View windows as im2col's matrix: (n, OH, OW, KH, KW, C) -> (n*OH*OW, KH*KW*C)."""
    return windows.reshape(np.prod(windows.shape[:3]), -1)


@jit
def gather_windows(x: Array, windows: Array, stride: int, pad: int) -> None:
    """windows[n, oh, ow, kh, kw, c] = x[n, s oh + kh - p, s ow + kw - p, c], or 0."""
    _, H, W, C = x.shape
    N, OH, OW, KH, KW, _ = windows.shape
    for n in range(N):
        for oh in range(OH):
            for ow in range(OW):
                for kh in range(KH):
                    for kw in range(KW):
                        h, w = stride * oh + kh - pad, stride * ow + kw - pad
                        inside = 0 <= h < H and 0 <= w < W
                        for c in range(C):
                            pixel = x[n, h, w, c] if inside else x.dtype.type(0)
                            windows[n, oh, ow, kh, kw, c] = pixel


@jit
def scatter_windows(windows: Array, x: Array, stride: int, pad: int) -> None:
    """x[n, s oh + kh - p, s ow + kw - p, c] += windows[n, oh, ow, kh, kw, c]."""
    _, H, W, C = x.shape
    N, OH, OW, KH, KW, _ = windows.shape
    for n in range(N):
        for oh in range(OH):
            for ow in range(OW):
                for kh in range(KH):
                    for kw in range(KW):
                        h, w = stride * oh + kh - pad, stride * ow + kw - pad
                        if 0 <= h < H and 0 <= w < W:
                            for c in range(C):
                                x[n, h, w, c] += windows[n, oh, ow, kh, kw, c]


def max_pool(x: Array, size: int, stride: int) -> tuple[Array, Array]:
    """Return each window's maximum and its position; see `reference.max_pool`."""
    N, H, W, C = x.shape
    OH, OW = output_size((H, W), (size, size), stride, 0)
    out = np.empty((N, OH, OW, C), x.dtype)
    argmax = np.empty(out.shape, np.uint8)
    if size == stride == 2:
        pooling_2x2.find_maxima(x, out, argmax)
    else:
        find_maxima(x, out, argmax, size, stride)
    return out, argmax


@jit
def find_maxima(x: Array, out: Array, argmax: Array, size: int, stride: int) -> None:
    """out = maximum over each window of x, argmax = its first position.

    A NaN is larger than any number: `not <=` is true of it.
    """
    N, OH, OW, C = out.shape
    for n in range(N):
        for oh in range(OH):
            for ow in range(OW):
                best, where = out[n, oh, ow], argmax[n, oh, ow]
                best[:] = x[n, stride * oh, stride * ow]
                where[:] = 0
                for i in range(size):
                    for j in range(size):
                        pixel = x[n, stride * oh + i, stride * ow + j]
                        for c in range(C):
                            larger = not (pixel[c] <= best[c]) and best[c] == best[c]
                            best[c] = pixel[c] if larger else best[c]
                            where[c] = np.uint8(i * size + j) if larger else where[c]


def max_pool_grad(
    dout: Array, argmax: Array, x_shape: ImageShape, size: int, stride: int
) -> Array:
    """Add each dout to dJ/dx at its window's maximum; see `reference`."""
    dx = np.empty(x_shape, dout.dtype)
    if size == stride == 2:
        pooling_2x2.write_at_maxima(dout, argmax, dx)
    else:
        add_at_maxima(dout, argmax, dx, size, stride)
    return dx


@jit
def add_at_maxima(
    dout: Array, argmax: Array, dx: Array, size: int, stride: int
) -> None:
    """dx at each window's maximum += dout.

    Adding 0 elsewhere is faster than finding the place of each maximum.
    """
    zero = dout.dtype.type(0)
    dx[:] = zero
    N, OH, OW, C = dout.shape
    for n in range(N):
        for oh in range(OH):
            for ow in range(OW):
                d, where = dout[n, oh, ow], argmax[n, oh, ow]
                for i in range(size):
                    for j in range(size):
                        pixel = dx[n, stride * oh + i, stride * ow + j]
                        for c in range(C):
                            pixel[c] += d[c] if where[c] == i * size + j else zero


def relu_grad(dout: Array, out: Array) -> Array:
    """dJ/dx = dout where out > 0, else 0; see `reference.relu_grad`."""
    dx = np.empty(dout.shape, dout.dtype)
    arrays = [a.reshape(-1) for a in (dout, out, dx)]
    over_images(lambda i: keep_positive(*(a[i] for a in arrays)), dx.size, FEW_NUMBERS)
    return dx


@jit
def keep_positive(dout: Array, out: Array, dx: Array) -> None:
    """dx = dout where out > 0, else 0."""
    for i in range(dx.size):
        dx[i] = dout[i] if out[i] > 0 else dout.dtype.type(0)


def dropout_mask(x: Array, rate: float, seed: int) -> Array:
    """Return a mask like x: 0 at probability `rate`, else 1 / (1 - rate)."""
    mask = np.empty(x.shape, x.dtype)
    flat = mask.reshape(-1)
    kept = x.dtype.type(1 / (1 - rate))
    numbers = np.uint64(drop_threshold(rate)), kept, np.uint64(seed)
    over_images(lambda i: draw_mask(flat[i], i.start, *numbers), mask.size, FEW_NUMBERS)
    return mask


@jit
def draw_mask(mask: Array, start: int, threshold: Any, kept: Any, seed: Any) -> None:
    """mask[i] = kept if SplitMix64's top bits at start + i reach threshold, else 0."""
    for i in range(mask.size):
        z = np.uint64(start + i + 1) * np.uint64(GOLDEN_GAMMA) + seed
        z = (z ^ (z >> np.uint64(30))) * np.uint64(MIX_1)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(MIX_2)
        z = (z ^ (z >> np.uint64(31))) >> np.uint64(64 - MASK_BITS)
        mask[i] = kept if z >= threshold else mask.dtype.type(0)


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
    """Move p, m and v in one pass; see `reference.adam_step`."""
    real = p.dtype.type
    arrays = [a.reshape(-1) for a in (p, g, m, v)]
    factors = [real(factor) for factor in (*rates, step, correction, eps)]

    def part(i: slice) -> None:
        adam_update(*(a[i] for a in arrays), *factors)

    over_images(part, p.size, FEW_NUMBERS)


@jit
def adam_update(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    rate1: Any,
    rate2: Any,
    step: Any,
    correction: Any,
    eps: Any,
) -> None:
    """m and v follow g and g^2; p -= step m / (sqrt(correction v) + eps)."""
    for i in range(p.size):
        m[i] += rate1 * (g[i] - m[i])
        v[i] += rate2 * (g[i] * g[i] - v[i])
        p[i] -= step * m[i] / (np.sqrt(correction * v[i]) + eps)
