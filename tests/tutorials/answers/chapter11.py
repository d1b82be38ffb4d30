"""Plain answers of chapter 11."""

import numpy as np


def table2_row(members, ensemble):
    """11.1"""
    return np.diag(members).mean(), ensemble.mean()


def wilson_interval(correct, images):
    """11.2"""
    z, n, p = 1.959964, images, correct / images
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    centre = p + z**2 / (2 * n)
    return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)


def disagreement(wrong):
    """11.3"""
    M = len(wrong)
    pairs = [(i, j) for i in range(M) for j in range(i)]
    return np.mean([(wrong[i] != wrong[j]).mean() for i, j in pairs])


def dead_for_good(W, b):
    """11.4"""
    return (W <= 0).all(axis=0) & (b <= 0)
