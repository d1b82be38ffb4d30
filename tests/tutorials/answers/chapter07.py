"""Plain answers of chapter 7."""

import numpy as np


def clip_to_ball(x_adv, x, eps):
    """7.1"""
    return np.clip(x_adv, x - eps, x + eps)


def bim(gradient, x, y, eps, alpha, steps):
    """7.2"""
    x_adv = x
    for _ in range(steps):
        x_adv = x_adv + alpha * np.sign(gradient(x_adv, y))
        x_adv = np.clip(x_adv, x - eps, x + eps)
        x_adv = np.clip(x_adv, 0, 1)
    return x_adv


def l2_project(x_adv, x, eps):
    """7.3"""
    r = x_adv - x
    length = np.sqrt((r**2).sum(axis=(1, 2, 3), keepdims=True))
    return x + r * np.minimum(1, eps / length)
