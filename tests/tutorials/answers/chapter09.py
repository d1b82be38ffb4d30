"""Plain answers of chapter 9."""

import numpy as np


def adv2_direction(gradients):
    """9.1"""
    return np.sign(gradients.sum(axis=0))


def ensemble_weights(J):
    """9.2"""
    p = np.exp(J.min(axis=0) - J)
    return p / p.sum(axis=0)


def normalized_sum(gradients):
    """9.3"""
    norm = np.sqrt((gradients**2).sum(axis=(2, 3, 4), keepdims=True))
    return (gradients / np.where(norm > 0, norm, 1)).sum(axis=0)


def steady_bim(gradient, predict, x, y, eps, alpha, steps):
    """9.4"""
    x_adv = x
    for _ in range(steps):
        x_adv = x_adv + alpha * np.sign(gradient(x_adv, y))
        x_adv = np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1)
    return x_adv
