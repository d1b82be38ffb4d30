"""Convolution with any window, stride and padding; im2col and col2im on their own.

Convolutions process the batch in blocks of images whose column matrix stays in the
cache. The functions under `@jit` are plain Python, see `compile.py`.
Letters: see `minidl.kernels`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.backend import Array
from minidl.kernels.cpu.compile import jit
from minidl.kernels.cpu.threads import over_images, sum_over_images
from minidl.kernels.shapes import ImageShape, Window, output_size

BLOCK_BYTES = 2**19  # of columns at a time: half of a typical second-level cache


def im2col(x: Array, kernel_size: Window, stride: int, pad: int) -> Array:
    """Return all windows as rows of a matrix; see `reference.im2col`."""
    N, H, W, C = x.shape
    KH, KW = kernel_size
    OH, OW = output_size((H, W), kernel_size, stride, pad)
    col = np.empty((N, OH, OW, KH, KW, C), x.dtype)
    gather_windows(x, col, stride, pad)
    return col.reshape(N * OH * OW, KH * KW * C)


def col2im(
    col: Array, x_shape: ImageShape, kernel_size: Window, stride: int, pad: int
) -> Array:
    """Add every window back to where it was taken; see `reference.col2im`."""
    N, H, W, C = x_shape
    OH, OW = output_size((H, W), kernel_size, stride, pad)
    x = np.zeros(x_shape, col.dtype)
    scatter_windows(col.reshape(N, OH, OW, *kernel_size, C), x, stride, pad)
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
    (images, OH, OW, KH, KW, C), all of them views of one reused array.
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
