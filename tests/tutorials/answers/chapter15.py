"""Plain answers of chapter 15."""

import numpy as np


def soft_labels(z, temperature):
    """15.1"""
    p = np.exp((z - z.max(axis=1, keepdims=True)) / temperature)
    return p / p.sum(axis=1, keepdims=True)


def straight_through(x, y, defence, gradient):
    """15.2"""
    return gradient(defence(x), y)


def with_rejection(z, s):
    """15.3"""
    last = z.max(axis=1) + s
    return np.concatenate([z, last[:, None]], axis=1)


def combined_loss(z, y):
    """15.4"""
    rows, last = np.arange(len(z)), z.shape[1] - 1
    classes = z[:, :last].copy()
    classes[rows, y] = -np.inf
    wrong = classes.argmax(axis=1)
    below = np.where(z[rows, y] > z[:, last], y, last)
    dz = np.zeros_like(z)
    dz[rows, wrong] = 1
    dz[rows, below] = -1
    return z[rows, wrong] - z[rows, below], dz
