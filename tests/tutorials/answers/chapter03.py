"""Plain answers of chapter 3."""

import numpy as np


def output_length(length, kernel, stride, pad):
    """3.1"""
    return (length + 2 * pad - kernel) // stride + 1


def im2col_1d(x, kernel):
    """3.2"""
    return np.stack([x[i : i + kernel] for i in range(len(x) - kernel + 1)])


def col2im_1d(col, width):
    """3.3"""
    x = np.zeros(width)
    for i in range(len(col)):
        x[i : i + col.shape[1]] += col[i]
    return x


def convolve(x, W):
    """3.4"""
    N, H, width, _ = x.shape
    KH, KW, _, F = W.shape
    out = np.zeros((N, H - KH + 1, width - KW + 1, F))
    for i in range(KH):
        for j in range(KW):
            out += x[:, i : i + out.shape[1], j : j + out.shape[2]] @ W[i, j]
    return out
