"""Usual wrong answers to chapter 3, each under the sentence that names it."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tutorials.solutions.chapter03 import col2im_1d, convolve


def windows(x: Any, W: Any) -> Any:
    """All windows, (N, OH, OW, KH, KW, C)."""
    found = sliding_window_view(x, W.shape[:2], axis=(1, 2))
    return np.moveaxis(found, 3, -1)


def swapped_offsets(x: Any, W: Any) -> Any:
    """A sum over the window's pixels, each shifted by (j, i)."""
    KH, KW = W.shape[:2]
    OH, OW = x.shape[1] - KH + 1, x.shape[2] - KW + 1
    size = max(OH + KW, OW + KH)
    x = np.pad(x, ((0, 0), (0, size), (0, size), (0, 0)))
    return sum(
        x[:, j : j + OH, i : i + OW] @ W[i, j] for i in range(KH) for j in range(KW)
    )


def last_only(col: Any, width: int) -> Any:
    """Write each window back; later ones overwrite earlier ones."""
    x = np.zeros(width)
    for i, row in enumerate(col):
        x[i : i + len(row)] = row
    return x


def divided(col: Any, width: int) -> Any:
    """The mean instead of the sum of what lies on a pixel."""
    count = col2im_1d(np.ones_like(col), width)
    return col2im_1d(col, width) / count


MISTAKES = {
    "output_length": {
        "you leave out the + 1: the first window counts, too": (
            lambda length, kernel, stride, pad: (length + 2 * pad - kernel) // stride
        ),
        "you pad one side only: padding is on both sides": (
            lambda length, kernel, stride, pad: (length + pad - kernel) // stride + 1
        ),
        "you leave out the stride": (
            lambda length, kernel, stride, pad: length + 2 * pad - kernel + 1
        ),
        "you don't round: a window counts only if it fits as a whole": (
            lambda length, kernel, stride, pad: (length + 2 * pad - kernel) / stride + 1
        ),
        "you round up: a window counts only if it fits as a whole": (
            lambda length, kernel, stride, pad: (
                -(-(length + 2 * pad - kernel) // stride) + 1
            )
        ),
        "you round to the nearest: a window counts only if it fits as a whole": (
            lambda length, kernel, stride, pad: (
                round((length + 2 * pad - kernel) / stride) + 1
            )
        ),
        "the + 1 is the first window: add it after dividing": (
            lambda length, kernel, stride, pad: (
                (length + 2 * pad - kernel + 1) // stride
            )
        ),
        "you leave out the padding": (
            lambda length, kernel, stride, pad: (length - kernel) // stride + 1
        ),
        "you leave out the window's width": (
            lambda length, kernel, stride, pad: (length + 2 * pad) // stride + 1
        ),
        "you add the window's width: subtract it": (
            lambda length, kernel, stride, pad: (
                (length + 2 * pad + kernel) // stride + 1
            )
        ),
        "you subtract the padding: it makes the row longer": (
            lambda length, kernel, stride, pad: (
                (length - 2 * pad - kernel) // stride + 1
            )
        ),
        "you divide before subtracting the window's width": (
            lambda length, kernel, stride, pad: (
                (length + 2 * pad) // stride - kernel + 1
            )
        ),
        "you multiply by the stride: a longer stride makes fewer windows": (
            lambda length, kernel, stride, pad: (length + 2 * pad - kernel) * stride + 1
        ),
        "you count the pixels, with the padding": (
            lambda length, kernel, stride, pad: length + 2 * pad
        ),
    },
    "im2col_1d": {
        "your matrix is transposed: a window is a row": (
            lambda x, kernel: sliding_window_view(x, kernel).T
        ),
        "you flip each window: a window keeps the order of its pixels": (
            lambda x, kernel: sliding_window_view(x, kernel)[:, ::-1]
        ),
        "the last window is missing": (
            lambda x, kernel: sliding_window_view(x, kernel)[:-1]
        ),
        "each window begins with the first pixel: row i begins at pixel i": (
            lambda x, kernel: np.stack([x[:kernel]] * (len(x) - kernel + 1))
        ),
        "your windows come in reverse order": (
            lambda x, kernel: sliding_window_view(x, kernel)[::-1]
        ),
        "your windows begin at pixel 1: the first one begins at pixel 0": (
            lambda x, kernel: sliding_window_view(np.append(x[1:], 0), kernel)
        ),
        "your windows don't overlap: move on by one pixel": (
            lambda x, kernel: x[: len(x) // kernel * kernel].reshape(-1, kernel)
        ),
    },
    "col2im_1d": {
        "where windows overlap, the later one overwrites: add with +=": last_only,
        "you take the mean where windows overlap: the transpose adds": divided,
        "your windows don't overlap: row i begins at pixel i": (
            lambda col, width: np.resize(col.reshape(-1), width)
        ),
        "your windows begin one pixel too late": (
            lambda col, width: np.append(0, col2im_1d(col, width)[:-1])
        ),
        "you add the first pixel of each window only": (
            lambda col, width: np.append(col[:, 0], np.zeros(width - len(col)))
        ),
        "you flip each window": (
            lambda col, width: col2im_1d(np.ascontiguousarray(col[:, ::-1]), width)
        ),
    },
    "convolve": {
        "you flip the filters: networks don't (it is a cross-correlation)": (
            lambda x, W: convolve(x, np.ascontiguousarray(W[::-1, ::-1]))
        ),
        "rows and columns of the filter are swapped": lambda x, W: np.einsum(
            "nhwijc,ijcf->nhwf", windows(x, W.swapaxes(0, 1)), W.swapaxes(0, 1)
        ),
        "the window's axes are in the wrong order: im2col's columns and the rows of "
        "W as a matrix must both count KH, KW, C": lambda x, W: np.einsum(
            "nhwk,kf->nhwf",
            np.moveaxis(windows(x, W), -1, 3).reshape(*windows(x, W).shape[:3], -1),
            W.reshape(-1, W.shape[3]),
        ),
        "the window's offsets are swapped: i belongs to rows, j to columns": (
            swapped_offsets
        ),
        "all images get the first image's output": lambda x, W: np.repeat(
            convolve(x, W)[:1], len(x), axis=0
        ),
        "you use the first filter in place of all": lambda x, W: np.repeat(
            convolve(x, W)[..., :1], W.shape[3], axis=3
        ),
        "you use the mean of the channels: sum them": (
            lambda x, W: convolve(x, W) / x.shape[3]
        ),
        "only the upper left pixel of each window is used": (
            lambda x, W: np.einsum(
                "nhwc,cf->nhwf", windows(x, W)[..., 0, 0, :], W[0, 0]
            )
        ),
        "a ReLU doesn't belong to this layer": (
            lambda x, W: np.maximum(convolve(x, W), 0)
        ),
        "you sum over the filters": (
            lambda x, W: convolve(x, W).sum(axis=3, keepdims=True)
        ),
        "only the first channel is used": (
            lambda x, W: convolve(x[..., :1].copy(), W[:, :, :1].copy())
        ),
        "you take the mean over a window, not the sum": (
            lambda x, W: convolve(x, W) / W[..., 0].size
        ),
    },
}
