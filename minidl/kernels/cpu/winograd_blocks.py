"""Blocks of images for `winograd.py`: padded to whole tiles and vectors, and cropped.

Images rarely consist of whole tiles. Instead of checking each tile for pixels outside,
kernels work on copies with a margin of zeros, unless the image fits as it is.
Letters: see `minidl.kernels`; TH, TW tiles in height and width, T tiles in a block.
"""

import numpy as np

from minidl.backend import Array
from minidl.kernels.cpu.compile import jit

BLOCK_BYTES = 3 * 2**19  # of V and M: most of it stays in a second-level cache


@jit
def work_arrays(
    x: Array, filters: tuple[int, int], pad: int
) -> tuple[Array, Array, Array, Array]:
    """Return what a block of n images needs: images, V, M and outputs.

    Shapes: filters (C, F) in whole vectors; images (n, 4*TH + 2, 4*TW + 2, C),
    V (T, 6, 6, C), M (T, 6, 6, F), outputs (n, 4*TH, 4*TW, F). T is even. Images and
    outputs are 0, V and M uninitialised.
    """
    (N, H, W, _), (C, F) = x.shape, filters
    TH, TW = (H + 2 * pad + 1) // 4, (W + 2 * pad + 1) // 4
    T = BLOCK_BYTES // (36 * (C + F) * x.itemsize)
    n = max(1, min(N, T // (TH * TW)))
    T = even(n * TH * TW)
    V, M = np.empty((T, 6, 6, C), x.dtype), np.empty((T, 6, 6, F), x.dtype)
    images = np.zeros((n, 4 * TH + 2, 4 * TW + 2, C), x.dtype)
    return images, V, M, np.zeros((n, 4 * TH, 4 * TW, F), x.dtype)


@jit
def in_whole_tiles(x: Array, work: Array, margin: int) -> Array:
    """Return images that are whole tiles and vectors: x, or work with x inside."""
    N, H, W, C = x.shape
    if x[0].shape == work[0].shape:
        return x
    for n in range(N):
        for h in range(H):
            for w in range(W):
                pixel, copy = x[n, h, w], work[n, h + margin, w + margin]
                for c in range(C):
                    copy[c] = pixel[c]
    return work[:N]


@jit
def take_inside(work: Array, x: Array, margin: int) -> None:
    """x = what lies inside the margin."""
    N, H, W, C = x.shape
    for n in range(N):
        for h in range(H):
            for w in range(W):
                pixel, copy = work[n, h + margin, w + margin], x[n, h, w]
                for c in range(C):
                    copy[c] = pixel[c]


@jit
def take_where_positive(work: Array, dx: Array, margin: int, x: Array) -> None:
    """dx = what lies inside the margin where x > 0, else 0: ReLU's derivative."""
    N, H, W, C = x.shape
    for n in range(N):
        for h in range(H):
            for w in range(W):
                d, pixel = work[n, h + margin, w + margin], x[n, h, w]
                copy = dx[n, h, w]
                for c in range(C):
                    copy[c] = d[c] if pixel[c] > 0 else d.dtype.type(0)


@jit
def even(T: int) -> int:
    """Return T, or T + 1 if T is odd."""
    return T + T % 2
