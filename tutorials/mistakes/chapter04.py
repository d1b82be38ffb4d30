"""Usual wrong answers to chapter 4, each under the sentence that names it."""

from functools import partial
from typing import Any

import numpy as np

from tutorials.mistakes import label
from tutorials.solutions.chapter04 import (
    cross_entropy,
    max_pool,
    softmax,
)


def blocks(x: Any) -> Any:
    """2x2 windows: (N, H/2, W/2, 2, 2, C)."""
    N, H, W, C = x.shape
    return x.reshape(N, H // 2, 2, W // 2, 2, C).transpose(0, 1, 3, 2, 4, 5)


def spread(dout: Any) -> Any:
    """Each number of dout four times."""
    return dout.repeat(2, axis=1).repeat(2, axis=2)


def onehot(z: Any, y: Any) -> Any:
    """1 at the label."""
    return np.eye(z.shape[1])[y]


def clipped_cross_entropy(z: Any, y: Any, least: float) -> Any:
    """The cross-entropy of probabilities that are kept above a smallest one."""
    return -np.log(np.clip(softmax(z)[np.arange(len(y)), y], least, 1)).mean()


def shifted_cross_entropy(z: Any, y: Any, least: float) -> Any:
    """The cross-entropy of probabilities with a small number added."""
    return -np.log(softmax(z)[np.arange(len(y)), y] + least).mean()


def clipped_softmax(z: Any, most: float) -> Any:
    """The softmax of logits that are cut off."""
    return softmax(np.clip(z, -most, most))


def overflowing(z: Any) -> Any:
    """The softmax as its formula says, with inf / inf."""
    with np.errstate(all="ignore"):
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def columns_of(z: Any, y: Any) -> Any:
    """1 in the columns of all labels, in each row."""
    return np.broadcast_to(np.isin(np.arange(z.shape[1]), y), z.shape)


def corner(x: Any) -> Any:
    """1 at the upper left of each window."""
    found = np.zeros(x.shape)
    found[:, ::2, ::2] = 1
    return found


def sums(z: Any) -> Any:
    """sum_j exp(z_j - max z) of each row, (N, 1)."""
    return np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)


MISTAKES = {
    "max_pool": {
        "you take the mean of a window: this is average pooling": (
            lambda x: blocks(x).mean(axis=(3, 4))
        ),
        "you take every other pixel, not the maximum": lambda x: x[:, ::2, ::2],
        "you take the maximum over channels too": (
            lambda x: blocks(x).max(axis=(3, 4, 5), keepdims=True)[..., 0, 0, :]
        ),
        "your windows overlap: they move by 2": lambda x: np.maximum.reduce(
            [
                x[:, i : x.shape[1] - 1 + i, j : x.shape[2] - 1 + j]
                for i in range(2)
                for j in range(2)
            ]
        ),
        "you start from 0: the maximum may be below it": (
            lambda x: np.maximum(blocks(x).max(axis=(3, 4)), 0)
        ),
        "you take the maximum of absolute values": (
            lambda x: abs(blocks(x)).max(axis=(3, 4))
        ),
        "you sum the window": lambda x: blocks(x).sum(axis=(3, 4)),
        "you take the maximum along rows only": lambda x: np.maximum(
            x[:, ::2], x[:, 1::2]
        ),
        "you take the maximum along columns only": lambda x: np.maximum(
            x[:, :, ::2], x[:, :, 1::2]
        ),
        "you take the minimum": lambda x: blocks(x).min(axis=(3, 4)),
    },
    "max_pool_backward": {
        "you give all four pixels the gradient: out depends only on the maximum": (
            lambda x, dout: spread(dout)
        ),
        "you share the gradient among four pixels: this is average pooling": (
            lambda x, dout: spread(dout) / 4
        ),
        "the gradient goes to the upper left pixel, not to the maximum": (
            lambda x, dout: spread(dout) * corner(x)
        ),
        "you multiply by x, too": (
            lambda x, dout: spread(dout) * x * (x == spread(max_pool(x)))
        ),
        "you check whether x is above 0, not whether it is the maximum": (
            lambda x, dout: spread(dout) * (x > 0)
        ),
        "you drop negative gradients: only x decides where they go": (
            lambda x, dout: np.maximum(spread(dout), 0) * (x == spread(max_pool(x)))
        ),
        "np.tile repeats the whole of dout: each number of it belongs to one "
        "window, np.repeat": lambda x, dout: (
            np.tile(dout, (1, 2, 2, 1)) * (x == spread(max_pool(x)))
        ),
        "the gradient goes to the minimum": lambda x, dout: (
            spread(dout) * (x == spread(-max_pool(-x)))
        ),
        "you return the maximum where the gradient belongs": lambda x, dout: (
            x * (x == spread(max_pool(x)))
        ),
        "you leave out dout: you return 1 at each maximum": (
            lambda x, dout: (x == spread(max_pool(x))).astype(x.dtype)
        ),
    },
    "dropout": {
        "you don't rescale: divide the features that stay by 1 - rate": (
            lambda x, kept, rate: x * kept
        ),
        "you divide by the rate, not by 1 - rate": (
            lambda x, kept, rate: (x * kept / rate).astype(x.dtype)
        ),
        "you multiply by 1 - rate where you must divide": (
            lambda x, kept, rate: (x * kept * (1 - rate)).astype(x.dtype)
        ),
        "you divide the dropped features, too, and drop nothing": (
            lambda x, kept, rate: (x / (1 - rate)).astype(x.dtype)
        ),
        "you divide by the fraction that was kept by chance: divide by 1 - rate": (
            lambda x, kept, rate: (x * kept / kept.mean()).astype(x.dtype)
        ),
        "you divide by 1 + rate: features stay with probability 1 - rate": (
            lambda x, kept, rate: (x * kept / (1 + rate)).astype(x.dtype)
        ),
        "you return the mask: multiply x by it": (
            lambda x, kept, rate: (kept / (1 - rate)).astype(x.dtype)
        ),
        "you drop the features that should stay": (
            lambda x, kept, rate: (x * ~kept / (1 - rate)).astype(x.dtype)
        ),
    },
    "softmax": {
        "you sum over the batch: each row has its own sum": lambda z: (
            np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=0)
        ),
        "you divide by the sum of everything": (
            lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum()
        ),
        "you return log p": (lambda z: z - z.max(1, keepdims=True) - np.log(sums(z))),
        "this is a hard maximum: p is 1 or 0": lambda z: np.eye(z.shape[1])[
            z.argmax(axis=1)
        ],
        **{
            f"you cut logits off at {most:g}: subtract the row's maximum instead": (
                partial(clipped_softmax, most=most)
            )
            for most in (500, 600, 700)
        },
        "you replace inf / inf by 1: subtract the row's maximum first": (
            lambda z: np.nan_to_num(overflowing(z), nan=1)
        ),
        "you replace inf / inf by 0: subtract the row's maximum first": (
            lambda z: np.nan_to_num(overflowing(z), nan=0)
        ),
        "you divide z by its sum: exp is missing": lambda z: (
            z / z.sum(axis=1, keepdims=True)
        ),
        "this is the sigmoid of each logit": lambda z: np.exp(-np.logaddexp(0, -z)),
        "the sign in the exponent is flipped": lambda z: softmax(-z),
        "you divide by the row's largest number, not by its sum": (
            lambda z: np.exp(z - z.max(axis=1, keepdims=True))
        ),
    },
    "cross_entropy": {
        "you sum over the batch: J is a mean": (
            lambda z, y: cross_entropy(z, y) * len(z)
        ),
        "your sign is flipped: J is at least 0": lambda z, y: -cross_entropy(z, y),
        "you divide by the number of classes too": (
            lambda z, y: cross_entropy(z, y) / z.shape[1]
        ),
        "you use log2: the logarithm here is the natural one": (
            lambda z, y: cross_entropy(z, y) / np.log(2)
        ),
        "this is max z - z_y: log(sum_j exp z_j) isn't the maximum": (
            lambda z, y: (z.max(axis=1) - label(z, y)).mean()
        ),
        "you subtract the maximum, but not from z_y": (
            lambda z, y: (np.log(sums(z)[:, 0]) - label(z, y)).mean()
        ),
        "z[:, y] picks all labels for each image: z[np.arange(N), y]": (
            lambda z, y: (
                (z.max(axis=1) + np.log(sums(z)[:, 0]))[:, None] - z[:, y]
            ).mean()
        ),
        "you add z_y: subtract it": (
            lambda z, y: cross_entropy(z, y) + 2 * label(z, y).mean()
        ),
        "you use the predicted class, not the label": (
            lambda z, y: cross_entropy(z, z.argmax(axis=1))
        ),
        "this is J of the first image only": (lambda z, y: cross_entropy(z[:1], y[:1])),
        "you take -p_y: its logarithm is missing": (
            lambda z, y: -label(softmax(z), y).mean()
        ),
        "this is (p - onehot)^2, not the cross-entropy": (
            lambda z, y: ((softmax(z) - onehot(z, y)) ** 2).sum(axis=1).mean()
        ),
        **{
            f"you add {least:g} to p: where the network is confident and wrong, J "
            "is cut off": partial(shifted_cross_entropy, least=least)
            for least in (1e-3, 1e-5, 1e-100, 1e-300)
        },
        "you leave out - z_y": lambda z, y: np.mean(
            z.max(axis=1) + np.log(sums(z)[:, 0])
        ),
        **{
            f"you clip p at {least:g}: where the network is confident and wrong, "
            "J is cut off": partial(clipped_cross_entropy, least=least)
            for least in (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16)
        },
    },
    "cross_entropy_gradient": {
        "you leave out 1/N: J is a mean over the batch": (
            lambda z, y: softmax(z) - onehot(z, y)
        ),
        "your sign is flipped: p - onehot": (
            lambda z, y: (onehot(z, y) - softmax(z)) / len(z)
        ),
        "you return p: subtract 1 at the label": (lambda z, y: softmax(z) / len(z)),
        "p[:, y] takes 1 from all labels' columns: p[np.arange(N), y]": (
            lambda z, y: (softmax(z) - columns_of(z, y)) / len(z)
        ),
        "this is -onehot / p, dJ/dp: p depends on z, too": (
            lambda z, y: -onehot(z, y) / softmax(z) / len(z)
        ),
        "you leave out p: it belongs in all entries": (
            lambda z, y: -onehot(z, y) / len(z)
        ),
        "you use z where p belongs: the softmax is missing": (
            lambda z, y: (z - onehot(z, y)) / len(z)
        ),
        "you use the predicted class, not the label": (
            lambda z, y: (softmax(z) - onehot(z, z.argmax(axis=1))) / len(z)
        ),
        "you add 1 at the label: subtract it": (
            lambda z, y: (softmax(z) + onehot(z, y)) / len(z)
        ),
        "you fill only the label's entry: all others are p": (
            lambda z, y: (softmax(z) - 1) * onehot(z, y) / len(z)
        ),
        "the softmax runs over the batch: each image has its own": lambda z, y: (
            (np.exp(z) / np.exp(z).sum(axis=0) - onehot(z, y)) / len(z)
        ),
        "you multiply by p (1 - p) as well": lambda z, y: (
            (softmax(z) - onehot(z, y)) * softmax(z) * (1 - softmax(z)) / len(z)
        ),
        "you subtract the label's number, not its row of zeros and a 1": (
            lambda z, y: (softmax(z) - y[:, None]) / len(z)
        ),
        "you divide by N K: the mean is over images only": (
            lambda z, y: (softmax(z) - onehot(z, y)) / z.size
        ),
    },
}
