"""Plain answers of chapter 5."""

import numpy as np


def momentum_step(p, g, v, lr, momentum):
    """5.1"""
    v = momentum * v + g
    return p - lr * v, v


def adam_step(p, g, m, v, t):
    """5.2"""
    m = 0.9 * m + (1 - 0.9) * g
    v = 0.999 * v + (1 - 0.999) * g**2
    m_hat = m / (1 - 0.9**t)
    v_hat = v / (1 - 0.999**t)
    return p - 1e-3 * m_hat / (np.sqrt(v_hat) + 1e-8), m, v


def accuracy(z, y):
    """5.3"""
    return (z.argmax(axis=1) == y).sum() / len(y)
