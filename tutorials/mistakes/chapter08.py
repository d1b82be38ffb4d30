"""Usual wrong answers to chapter 8, each under the sentence that names it."""

from typing import Any

import numpy as np

from tutorials.mistakes import label
from tutorials.solutions.chapter08 import (
    ensemble_predict,
    majority_vote,
    margin,
)


def votes(p: Any) -> Any:
    """How many members choose each class: (N, K)."""
    return np.eye(p.shape[2])[p.argmax(axis=2)].sum(axis=0)


MISTAKES = {
    "ensemble_predict": {
        "you count votes: the paper averages probabilities": majority_vote,
        "you average over images, not over members": (
            lambda p: p.mean(axis=1).argmax(axis=1)
        ),
        "you use only the first member": lambda p: p[0].argmax(axis=1),
        "you take the most confident member": lambda p: p.max(axis=0).argmax(axis=1),
        "you multiply probabilities: a single member could rule out a class": (
            lambda p: p.prod(axis=0).argmax(axis=1)
        ),
        "you take the least probable class": lambda p: p.mean(axis=0).argmin(axis=1),
        "you average the votes: classes have no order": (
            lambda p: p.argmax(axis=2).mean(axis=0).round().astype(int)
        ),
        "you take the median of the probabilities: the paper takes the mean": (
            lambda p: np.median(p, axis=0).argmax(axis=1)
        ),
        "you use only the last member": lambda p: p[-1].argmax(axis=1),
        "your mean is over classes: members are the first axis": (
            lambda p: p.mean(axis=2).argmax(axis=0)
        ),
        "you take each class's smallest probability: take the members' mean": (
            lambda p: p.min(axis=0).argmax(axis=1)
        ),
    },
    "majority_vote": {
        "you average probabilities: each member has one vote": ensemble_predict,
        "of two classes with equal votes you take the larger": (
            lambda p: p.shape[2] - 1 - votes(p)[:, ::-1].argmax(axis=1)
        ),
        "in a tie you take the first member's class: take the smallest": (
            lambda p: [max(v, key=v.count) for v in p.argmax(axis=2).T.tolist()]
        ),
        "you return the number of votes, not the class": (
            lambda p: votes(p).max(axis=1)
        ),
        "you take the class with the fewest votes": lambda p: votes(p).argmin(axis=1),
        "you take the median of the classes: they have no order": (
            lambda p: np.median(p.argmax(axis=2), axis=0).astype(int)
        ),
        "you average the votes: classes have no order": (
            lambda p: p.argmax(axis=2).mean(axis=0).round().astype(int)
        ),
        "you average the votes and cut off the rest: classes have no order": (
            lambda p: p.argmax(axis=2).mean(axis=0).astype(int)
        ),
        "you take the largest vote: classes have no order": (
            lambda p: p.argmax(axis=2).max(axis=0)
        ),
        "you use only the first member": lambda p: p[0].argmax(axis=1),
        "you take the most confident member: each has one vote": (
            lambda p: p.max(axis=0).argmax(axis=1)
        ),
        "you ask for more than half of the votes: the most votes are enough": (
            lambda p: np.where(
                votes(p).max(axis=1) > len(p) / 2, votes(p).argmax(axis=1), -1
            )
        ),
    },
    "margin": {
        "your sign is flipped: the margin of a correct image is above 0": (
            lambda p, y: -margin(p, y)
        ),
        "you subtract the largest of all: for a correct image it is p_y itself": (
            lambda p, y: p[np.arange(len(y)), y] - p.max(axis=1)
        ),
        "you subtract the second largest, even in misclassified images": (
            lambda p, y: p[np.arange(len(y)), y] - np.sort(p, axis=1)[:, -2]
        ),
        "you forget the label: the largest minus the second largest": (
            lambda p, y: np.sort(p, axis=1)[:, -1] - np.sort(p, axis=1)[:, -2]
        ),
        "you subtract the sum of the others": (
            lambda p, y: 2 * p[np.arange(len(y)), y] - 1
        ),
        "this is p_y alone: subtract the largest of the others": label,
        "you subtract the mean of the others: subtract the largest": (
            lambda p, y: label(p, y) - (1 - label(p, y)) / (p.shape[1] - 1)
        ),
        "you subtract the smallest: subtract the largest of the others": (
            lambda p, y: label(p, y) - p.min(axis=1)
        ),
        "you divide by the largest of the others: subtract it": (
            lambda p, y: label(p, y) / (label(p, y) - margin(p, y))
        ),
        "these are logarithms: the margin is a difference of probabilities": (
            lambda p, y: np.log(label(p, y) / (label(p, y) - margin(p, y)))
        ),
    },
    "bootstrap_fraction": {
        "this is the fraction of images that are missing": lambda m: (1 - 1 / m) ** m,
        "this is the limit for many images, 1 - 1/e": lambda m: 1 - np.exp(-1),
        "one draw misses an image with probability 1 - 1/m: there are m draws": (
            lambda m: 1 / m
        ),
        "you draw m - 1 times": lambda m: 1 - (1 - 1 / m) ** (m - 1),
        "one draw misses an image with this probability: there are m draws": (
            lambda m: 1 - 1 / m
        ),
        "1/m is a hit: a miss has probability 1 - 1/m": lambda m: 1 - (1 / m) ** m,
        "you count images: divide by m": lambda m: m * (1 - (1 - 1 / m) ** m),
        "(1 - 1/m)^m isn't exp(-m): its limit is exp(-1)": lambda m: 1 - np.exp(-m),
    },
}
