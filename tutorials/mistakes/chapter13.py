"""Usual wrong answers to chapter 13, each under the sentence that names it."""

from functools import partial
from typing import Any

import numpy as np

from tutorials.mistakes import label
from tutorials.solutions.chapter13 import (
    correlation,
    log_odds,
    repaired_step,
    rounded_inside,
)


def cosine(a: Any, b: Any) -> Any:
    """<a, b> / |a| |b| over the first axis."""
    return (a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))


def cut_log_odds(p: Any, y: Any, least: float) -> Any:
    """log((1 - p_y) / p_y), where 1 - p_y is computed so and gets a number more."""
    return np.log((1 - label(p, y) + least) / (label(p, y) + least))


def covariance(a: Any, b: Any) -> Any:
    """The mean of the products of deviations, over the first axis."""
    return ((a - a.mean(axis=0)) * (b - b.mean(axis=0))).mean(axis=0)


MISTAKES = {
    "log_odds": {
        "this is J = -log p_y: near 0 it is flat": (lambda p, y: -np.log(label(p, y))),
        "your sign is flipped: these are the odds for the label": (
            lambda p, y: -log_odds(p, y)
        ),
        "you leave out the logarithm: these are odds": (
            lambda p, y: np.exp(log_odds(p, y))
        ),
        "you use the strongest other class: 1 - p_y is the sum of all others": (
            lambda p, y: np.log(
                np.where(np.eye(p.shape[1])[y] == 1, 0, p).max(axis=1) / label(p, y)
            )
        ),
        "this is log(1 - p_y): divide by p_y before the log": (
            lambda p, y: log_odds(p, y) + np.log(label(p, y))
        ),
        "this is log p_y: 1 - p_y is missing": lambda p, y: np.log(label(p, y)),
        "you add the logarithms: subtract log p_y": (
            lambda p, y: log_odds(p, y) + 2 * np.log(label(p, y))
        ),
        **{
            f"you add {least:g} to 1 - p_y, or clip it there: only this is left where "
            "p_y is 1 to rounding": partial(cut_log_odds, least=least)
            for least in (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16)
        },
    },
    "part_without_gradient": {
        "you count pixels: an image is stuck if all of its pixels are 0": (
            lambda g: (g == 0).mean()
        ),
        "you count the images with a gradient": (
            lambda g: g.reshape(len(g), -1).any(axis=1).mean()
        ),
        "you count images: divide by their number": (
            lambda g: (~g.reshape(len(g), -1).any(axis=1)).sum()
        ),
        "you look for one pixel of 0: all must be 0": (
            lambda g: (~g.reshape(len(g), -1).all(axis=1)).mean()
        ),
        "a tiny gradient isn't 0: an attack can still use its sign": (
            lambda g: (abs(g) < 1e-8).all(axis=(1, 2, 3)).mean()
        ),
        "you add up pixels: their sum can be 0 without a zero gradient": (
            lambda g: (g.sum(axis=(1, 2, 3)) == 0).mean()
        ),
        "an image is stuck if all of its pixels are 0, not most of them": (
            lambda g: ((g == 0).mean(axis=(1, 2, 3)) > 0.5).mean()
        ),
        "you check only the largest number: others may be below 0": (
            lambda g: (g.max(axis=(1, 2, 3)) == 0).mean()
        ),
        "you check only the first channel": (
            lambda g: (g[..., 0] == 0).all(axis=(1, 2)).mean()
        ),
    },
    "correlation": {
        "you don't subtract the means: this is the cosine": cosine,
        "this is the covariance: divide by both standard deviations": (
            lambda changes, promised: (
                (changes - changes.mean(axis=0)) * (promised - promised.mean(axis=0))
            ).mean(axis=0)
        ),
        "you correlate over images: each image has its own, over directions": (
            lambda changes, promised: correlation(changes.T, promised.T)
        ),
        "you correlate all numbers at once": lambda changes, promised: np.full(
            changes.shape[1], np.corrcoef(changes.ravel(), promised.ravel())[0, 1]
        ),
        "you take the absolute value: it hides a wrong sign": (
            lambda changes, promised: abs(correlation(changes, promised))
        ),
        "you subtract the mean over all images: each has its own": (
            lambda changes, promised: cosine(
                changes - changes.mean(), promised - promised.mean()
            )
        ),
        "you subtract the mean of the changes only: subtract both": (
            lambda changes, promised: cosine(changes - changes.mean(axis=0), promised)
        ),
        "this is the covariance, with R - 1: divide by both standard deviations": (
            lambda changes, promised: (
                covariance(changes, promised) * len(changes) / (len(changes) - 1)
            )
        ),
        "you divide by R - 1 above and by R below": lambda changes, promised: (
            correlation(changes, promised) * len(changes) / (len(changes) - 1)
        ),
        "you divide by the variances: divide by the standard deviations": (
            lambda changes, promised: (
                covariance(changes, promised)
                / (changes.var(axis=0) * promised.var(axis=0))
            )
        ),
        "this is the slope of a line: divide by both standard deviations": (
            lambda changes, promised: (
                covariance(changes, promised) / promised.var(axis=0)
            )
        ),
        "you count how often the signs agree": lambda changes, promised: (
            np.sign(changes) == np.sign(promised)
        ).mean(axis=0),
    },
    "repaired_step": {
        "you clip to [0, 1] but not to the ball": (
            lambda x_adv, x, g, eps, alpha: np.clip(x_adv + alpha * np.sign(g), 0, 1)
        ),
        "you clip to the ball but not to [0, 1]": (
            lambda x_adv, x, g, eps, alpha: np.clip(
                x_adv + alpha * np.sign(g), x - eps, x + eps
            )
        ),
        "you follow the gradient itself: use only its sign": (
            lambda x_adv, x, g, eps, alpha: np.clip(
                np.clip(x_adv + alpha * g, x - eps, x + eps), 0, 1
            )
        ),
        "you start from x again: a step begins where the last one ended": (
            lambda x_adv, x, g, eps, alpha: np.clip(
                np.clip(x + alpha * np.sign(g), x - eps, x + eps), 0, 1
            )
        ),
        "your sign is flipped: J would fall": (
            lambda x_adv, x, g, eps, alpha: repaired_step(x_adv, x, -g, eps, alpha)
        ),
        "your step is eps long: make it alpha long": (
            lambda x_adv, x, g, eps, alpha: repaired_step(x_adv, x, g, eps, eps)
        ),
        "you don't clip after the step: it may leave the ball and [0, 1]": (
            lambda x_adv, x, g, eps, alpha: x_adv + alpha * np.sign(g)
        ),
        "your ball has the radius alpha: its radius is eps": (
            lambda x_adv, x, g, eps, alpha: repaired_step(x_adv, x, g, alpha, alpha)
        ),
        "you clip pixels to [-eps, eps]: centre the ball at x": (
            lambda x_adv, x, g, eps, alpha: np.clip(
                x_adv + alpha * np.sign(g), -eps, eps
            )
        ),
        "your pixels go up where the gradient is 0: np.sign is 0 there": (
            lambda x_adv, x, g, eps, alpha: repaired_step(
                x_adv, x, np.where(g >= 0, 1.0, -1.0), eps, alpha
            )
        ),
        "your pixels go down where the gradient is 0: np.sign is 0 there": (
            lambda x_adv, x, g, eps, alpha: repaired_step(
                x_adv, x, np.where(g > 0, 1.0, -1.0), eps, alpha
            )
        ),
        "you divide by the Euclidean norm: in this ball a step follows the sign": (
            lambda x_adv, x, g, eps, alpha: np.clip(
                np.clip(
                    x_adv
                    + alpha * g / np.sqrt((g**2).sum(axis=(1, 2, 3), keepdims=True)),
                    x - eps,
                    x + eps,
                ),
                0,
                1,
            )
        ),
        "you return x_adv unchanged: take a step": (
            lambda x_adv, x, g, eps, alpha: x_adv
        ),
    },
    "rounded_inside": {
        "you take the nearest shade, even if it lies outside the ball": (
            lambda x_adv, x, eps: np.rint(255 * x_adv) / 255
        ),
        "you cut off digits, as a change of type to uint8 does: round": (
            lambda x_adv, x, eps: np.floor(255 * x_adv) / 255
        ),
        "you clip after rounding: the ends of the ball aren't of the form k / 255": (
            lambda x_adv, x, eps: np.clip(np.rint(255 * x_adv) / 255, x - eps, x + eps)
        ),
        "you divide by 256: from shade 0 to shade 255 there are 255 steps": (
            lambda x_adv, x, eps: (
                np.clip(
                    np.rint(256 * x_adv),
                    np.ceil(256 * (x - eps)),
                    np.floor(256 * (x + eps)),
                )
                / 256
            )
        ),
        "these are shades from 0 to 255: divide by 255": (
            lambda x_adv, x, eps: 255 * rounded_inside(x_adv, x, eps)
        ),
        "you round all pixels towards x: some have a nearer shade": (
            lambda x_adv, x, eps: (
                np.where(x_adv > x, np.floor(255 * x_adv), np.ceil(255 * x_adv)) / 255
            )
        ),
        "you round up: the nearest k is np.rint(255 * x_adv)": (
            lambda x_adv, x, eps: np.ceil(255 * x_adv) / 255
        ),
        "your ball is centred at the rounded x: centre it at x": lambda x_adv, x, eps: (
            np.clip(
                np.rint(255 * x_adv),
                np.rint(255 * x) - np.floor(255 * eps),
                np.rint(255 * x) + np.floor(255 * eps),
            )
            / 255
        ),
        "you don't round: pixels must be k / 255": (
            lambda x_adv, x, eps: np.clip(x_adv, x - eps, x + eps)
        ),
    },
}
