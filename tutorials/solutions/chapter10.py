"""Solutions of chapter 10: three speeds."""

import numpy as np

from minidl.backend import Array

# Of F(2, 3), with the points 0, 1, -1 and infinity.
B_T = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
A_T = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])


def winograd_1d(d: Array, g: Array) -> Array:
    """Two outputs of a filter of three taps: A^T [(G g) * (B^T d)].

    Source: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks, 2016.
    """
    return A_T @ ((G @ g) * (B_T @ d))


def products_saved(m: int, r: int) -> float:
    """m^2 r^2 / (m + r - 1)^2: direct over Winograd's products, for F(m x m, r x r)."""
    return (m * r / (m + r - 1)) ** 2


def im2col_growth(H: int, W: int, K: int) -> float:
    """The numbers in im2col's matrix per pixel: OH OW K^2 / (H W)."""
    return (H - K + 1) * (W - K + 1) * K**2 / (H * W)
