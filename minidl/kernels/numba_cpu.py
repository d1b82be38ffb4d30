"""The kernels compiled for the CPU by Numba: the same sums, without the big copies.

Convolutions work through the batch in blocks of images whose column matrix stays in
the cache. The functions under `@jit` are plain Python: set NUMBA_DISABLE_JIT=1, or
call `function.py_func`, to step through one in a debugger. They are compiled at their
first call and cached on disk for later processes.
Letters: see `minidl.kernels`.
"""

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np

from minidl.backend import Array
from minidl.kernels.random_bits import (
    GOLDEN_GAMMA,
    MASK_BITS,
    MIX_1,
    MIX_2,
    drop_threshold,
)
from minidl.kernels.shapes import ImageShape, Window, output_size

jit = numba.njit(cache=True, nogil=True)

BLOCK_BYTES = 2**19  # of columns at a time: half of a typical second-level cache


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


def conv2d(x: Array, W: Array, stride: int, pad: int) -> Array:
    """out = im2col(x) W, block by block; see `reference.conv2d`."""
    KH, KW, C, F = W.shape
    OH, OW = output_size(x.shape[1:3], (KH, KW), stride, pad)
    out = np.empty((len(x), OH, OW, F), x.dtype)
    W = W.reshape(-1, F)  # (KH*KW*C, F)
    for block, windows in column_blocks(x, (OH, OW, KH, KW, C)):
        gather_windows(x[block], windows, stride, pad)
        np.matmul(rows(windows), W, out=out[block].reshape(-1, F))
    return out


def conv2d_weight_grad(
    x: Array, dout: Array, kernel_size: Window, stride: int, pad: int
) -> Array:
    """dJ/dW = sum over blocks of im2col(x)^T dout; see `reference`."""
    C, (OH, OW, F) = x.shape[3], dout.shape[1:]
    dW = np.zeros((*kernel_size, C, F), x.dtype)
    for block, windows in column_blocks(x, (OH, OW, *kernel_size, C)):
        gather_windows(x[block], windows, stride, pad)
        dW += (rows(windows).T @ dout[block].reshape(-1, F)).reshape(dW.shape)
    return dW


def conv2d_input_grad(
    dout: Array, W: Array, x_shape: ImageShape, stride: int, pad: int
) -> Array:
    """dJ/dx = col2im(dout W^T), block by block; see `reference`."""
    KH, KW, C, F = W.shape
    OH, OW = dout.shape[1:3]
    dx = np.zeros(x_shape, dout.dtype)
    W_T = W.reshape(-1, F).T  # (F, KH*KW*C)
    for block, windows in column_blocks(dout, (OH, OW, KH, KW, C)):
        np.matmul(dout[block].reshape(-1, F), W_T, out=rows(windows))
        scatter_windows(windows, dx[block], stride, pad)
    return dx


def column_blocks(
    x: Array, windows_shape: tuple[int, ...]
) -> Iterator[tuple[slice, Array]]:
    """Yield slices of the batch, each with a work array for its windows.

    Shapes: windows_shape is one image's (OH, OW, KH, KW, C); yields arrays
    (images, OH, OW, KH, KW, C), all of them views of one that is reused.
    """
    N = len(x)
    image_bytes = int(np.prod(windows_shape)) * x.itemsize
    step = min(N, max(1, BLOCK_BYTES // image_bytes))
    work = np.empty((step, *windows_shape), x.dtype)
    for start in range(0, N, step):
        block = slice(start, min(start + step, N))
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
    find_maxima(x, out, argmax, size, stride)
    return out, argmax


@jit
def find_maxima(x: Array, out: Array, argmax: Array, size: int, stride: int) -> None:
    """out = maximum over each window of x, argmax = its first position."""
    N, OH, OW, C = out.shape
    for n in range(N):
        for oh in range(OH):
            for ow in range(OW):
                h, w = stride * oh, stride * ow
                for c in range(C):
                    out[n, oh, ow, c] = x[n, h, w, c]
                    argmax[n, oh, ow, c] = 0
                for k in range(1, size * size):
                    for c in range(C):
                        candidate = x[n, h + k // size, w + k % size, c]
                        if candidate > out[n, oh, ow, c]:
                            out[n, oh, ow, c] = candidate
                            argmax[n, oh, ow, c] = k


def max_pool_grad(
    dout: Array, argmax: Array, x_shape: ImageShape, size: int, stride: int
) -> Array:
    """Add each dout to dJ/dx at its window's maximum; see `reference`."""
    dx = np.zeros(x_shape, dout.dtype)
    scatter_to_maxima(dout, argmax, dx, size, stride)
    return dx


@jit
def scatter_to_maxima(
    dout: Array, argmax: Array, dx: Array, size: int, stride: int
) -> None:
    """dx at each window's maximum += dout."""
    N, OH, OW, C = dout.shape
    for n in range(N):
        for oh in range(OH):
            for ow in range(OW):
                for c in range(C):
                    i, j = divmod(argmax[n, oh, ow, c], size)
                    dx[n, stride * oh + i, stride * ow + j, c] += dout[n, oh, ow, c]


def dropout_mask(x: Array, rate: float, seed: int) -> Array:
    """Return a mask like x: 0 at probability `rate`, else 1 / (1 - rate)."""
    mask = np.empty(x.shape, x.dtype)
    kept = x.dtype.type(1 / (1 - rate))
    draw_mask(mask.reshape(-1), np.uint64(drop_threshold(rate)), kept, np.uint64(seed))
    return mask


@jit
def draw_mask(mask: Array, threshold: Any, kept: Any, seed: Any) -> None:
    """mask[i] = kept if SplitMix64's top bits at i reach the threshold, else 0."""
    for i in range(mask.size):
        z = np.uint64(i + 1) * np.uint64(GOLDEN_GAMMA) + seed
        z = (z ^ (z >> np.uint64(30))) * np.uint64(MIX_1)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(MIX_2)
        z = (z ^ (z >> np.uint64(31))) >> np.uint64(64 - MASK_BITS)
        mask[i] = kept if z >= threshold else mask.dtype.type(0)
