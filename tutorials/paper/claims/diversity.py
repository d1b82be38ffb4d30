"""Do the members err on different images? The histograms of fooled members show it.

`fooled[f]` counts the images on which exactly f of M members are wrong. Of the
M (M - 1) / 2 pairs of members, f (M - f) then disagree: one is right, the other wrong.
"""

from collections.abc import Sequence

import numpy as np

from attacks.evaluation.intervals import Estimate, wilson
from tutorials.paper.claims.intervals import mean_per_image
from tutorials.paper.results import Results, Score


def disagreement_under(
    results: Results, method: str, attack: str | None = None
) -> Estimate:
    """Return the fraction of pairs that disagree on the attacked images.

    They are perturbed by Adv. 1 of the attack, or clean without one.
    """
    own = results.methods[method]
    return disagreement(own.attacks[attack].adv1 if attack else [own.clean_attacked])


def disagreement(scores: Sequence[Score]) -> Estimate:
    """Return the fraction of pairs that disagree, over all images.

    Several scores are of the same images, perturbed in different ways. They make the
    mean more exact but don't count as more images.
    """
    fooled = mean_fooled(scores)
    M = len(fooled) - 1
    pairs = [f * (M - f) / (M * (M - 1) / 2) for f in range(M + 1)]
    return mean_per_image(pairs, fooled)


def mean_fooled(scores: Sequence[Score]) -> list[float]:
    """Return how many images fool 0, 1, ... members, on average over scores."""
    mean: list[float] = np.mean([score.fooled for score in scores], axis=0).tolist()
    return mean


def majority_member(scores: Sequence[Score]) -> Estimate:
    """Return the accuracy that half of the members reach, where it is lowest."""

    def reached(score: Score) -> float:  # by half of the members, or by more
        return sorted(score.members)[len(score.members) // 2]

    worst = min(scores, key=reached)
    return wilson(reached(worst), worst.images)
