"""Plain answers of chapter 10."""

import numpy as np


def winograd_1d(d, g):
    """10.1"""
    m0 = (d[0] - d[2]) * g[0]
    m1 = (d[1] + d[2]) * ((g[0] + g[1] + g[2]) / 2)
    m2 = (d[2] - d[1]) * ((g[0] - g[1] + g[2]) / 2)
    m3 = (d[1] - d[3]) * g[2]
    return np.array([m0 + m1 + m2, m1 - m2 - m3])


def products_saved(m, r):
    """10.2"""
    return m * m * r * r / (m + r - 1) ** 2


def im2col_growth(H, W, K):
    """10.3"""
    return (H - K + 1) * (W - K + 1) * K * K / (H * W)
