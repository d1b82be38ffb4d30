"""The members' gradients at each step of the basic iterative method.

Do they block each other, as the paper supposes? If so, the cosine between two members'
gradients is negative, and the sum is much shorter than its parts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from attacks import bim, input_gradient
from attacks.norms import L2
from ensembles import Ensemble
from minidl.backend import Array
from minidl.batches import to_float
from minidl.data import load_dataset
from minidl.layers import Sequential
from tutorials.paper.experiment.adversaries import clipped_input_gradient
from tutorials.paper.experiment.cases import Block
from tutorials.paper.experiment.members import load_members


@dataclass(frozen=True)
class Step:
    """Sums over images at one step."""

    step: int
    images: int
    cosine: float  # mean over pairs of members, of images where both have a gradient
    with_cosine: int  # such images
    negative: float  # the share of pairs whose cosine is below 0
    opposed: int  # images whose mean cosine is below 0
    unity: float  # |sum of gradients| / sum of their norms: 1 if all point one way
    longest: float  # the longest gradient's share of the sum of norms
    zero: float  # the share of members whose gradient is exactly 0
    zero_clipped: float  # the same with clipped probabilities
    stuck_clipped: int  # images without any gradient then
    correct: int  # images that the ensemble still gets right

    @property
    def mean_cosine(self) -> float:
        """The mean over images with a cosine."""
        return self.cosine / max(self.with_cosine, 1)


@dataclass(frozen=True)
class Steps:
    """All steps of a walk, and the gradients after the last."""

    steps: list[Step]


def follow(block: Block) -> Steps:
    """Attack by BIM, and look at the gradients before each step and after the last."""
    members, data = load_members(block.team), load_dataset(block.team.dataset)
    seen: list[Step] = []

    def gradient(x: Array, y: Array) -> Array:
        g = np.stack([input_gradient(member, x, y) for member in members])
        seen.append(look(len(seen), members, g, x, y))
        return g.sum(axis=0)

    images = slice(block.first, block.stop)
    x, y = to_float(data.x_test[images]), data.y_test[images]
    parameters: Any = block.case.parameters
    gradient(bim(gradient, x, y, **parameters), y)
    return Steps(seen)


def look(step: int, members: list[Sequential], g: Array, x: Array, y: Array) -> Step:
    """Return the sums over images. Shapes: g (M, N, H, W, C), x (N, H, W, C)."""
    there = (g != 0).any(axis=(2, 3, 4))  # (M, N)
    cosines, counted = pairwise_cosines(g)
    norms = np.sqrt((g.astype(np.float64) ** 2).sum(axis=(2, 3, 4)))  # (M, N)
    total = np.where(norms.sum(axis=0) > 0, norms.sum(axis=0), 1)  # (N,)
    sums = np.sqrt((g.sum(axis=0, dtype=np.float64) ** 2).sum(axis=(1, 2, 3)))
    clipped = np.stack([clipped_input_gradient(m, x, y) for m in members])
    clipped_there = (clipped != 0).any(axis=(2, 3, 4))
    several = counted.any(axis=0)  # (N,)
    pairs = np.maximum(counted.sum(axis=0), 1)
    mean_cosine = cosines.sum(axis=0) / pairs  # (N,)
    return Step(
        step=step,
        images=len(x),
        cosine=float(mean_cosine.sum()),
        with_cosine=int(several.sum()),
        negative=float(((cosines < 0).sum(axis=0) / pairs).sum()),
        opposed=int((mean_cosine < 0).sum()),
        unity=float((sums / total).sum()),
        longest=float((norms.max(axis=0) / total).sum()),
        zero=float((~there).mean(axis=0).sum()),
        zero_clipped=float((~clipped_there).mean(axis=0).sum()),
        stuck_clipped=int((~clipped_there).all(axis=0).sum()),
        correct=int((Ensemble(members).predict(x) == y).sum()),
    )


def pairwise_cosines(g: Array) -> tuple[Array, Array]:
    """Return the cosine of each pair of members, and whether both gradients exist.

    Shapes: g (M, N, ...), both results (M (M - 1) / 2, N); 0 where one vanishes.
    """
    M, N = g.shape[:2]
    units = np.stack([L2.direction(member.astype(np.float64)) for member in g])
    units = units.reshape(M, N, -1)
    first, second = np.triu_indices(M, k=1)
    cosines = np.einsum("pnd,pnd->pn", units[first], units[second])
    there = (units != 0).any(axis=2)
    return cosines, there[first] & there[second]
