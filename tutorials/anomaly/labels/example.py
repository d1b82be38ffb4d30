"""One image's path across the boundary and back, on the chapters' three networks.

results/labels/example.json
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minidl.backend import Array
from minidl.batches import to_float
from minidl.data import load_mnist_sample
from minidl.layers import Sequential
from tutorials.anomaly.labels.walks import counts, images_along, pushed_back
from tutorials.paper.experiment.adversaries import SUM, with_label
from tutorials.paper.experiment.config import configure
from tutorials.paper.experiment.counts import mean_probability
from tutorials.paper.experiment.labels import ENSEMBLE, MEMBER, TRUE
from tutorials.trained import ensemble

DRAWN = (
    TRUE,
    f"{MEMBER}'s first prediction",
    f"{MEMBER}'s current prediction",
    f"{ENSEMBLE}'s current prediction",
)
BACK = f"{MEMBER}'s current prediction"  # the rule that the image is chosen for
EXAMPLE = "example.json"
SURE = 10  # times as probable as any other class: the label of a clear image
IMAGES = 300  # of the sample's test images, as in the chapters


@dataclass(frozen=True)
class Trail:
    """BIM under Adv. 2 with one rule for labels: all images, and one, step by step."""

    rule: str
    right: list[int]  # images that the ensemble gets right after 0, 1, ... steps
    back: list[int]  # of these, the images that it got wrong one step before
    margins: list[float]  # of one image: log p_y - log of the largest other
    predicted: list[int]


@dataclass(frozen=True)
class Example:
    """The file: all trails, and the image that comes back most often.

    It is chosen from the images that are clear before any step.
    """

    images: int
    image: int
    label: int
    trails: list[Trail]
    pixels: list[str]  # of the image along BACK's trail: bytes in hexadecimal


def make_example() -> Example:
    """Attack the chapters' ensemble with each rule that is drawn."""
    data, members = load_mnist_sample(), ensemble("random-init")
    x, y = to_float(data.x_test[:IMAGES]), data.y_test[:IMAGES]
    bim = configure("mnist-sample").attacks["bim"]
    seen = {r: images_along(members, with_label(SUM, r), bim, x, y) for r in DRAWN}
    margins = {r: margins_of(members, s, y) for r, s in seen.items()}
    right = {r: m > 0 for r, (m, _) in margins.items()}
    often = pushed_back(right[BACK]).sum(axis=0)
    chosen = int(np.where(margins[BACK][0][0] > np.log(SURE), often, 0).argmax())
    trails = [
        Trail(
            rule=r,
            right=counts(right[r]),
            back=counts(pushed_back(right[r])),
            margins=[round(float(m), 4) for m in margins[r][0][:, chosen]],
            predicted=margins[r][1][:, chosen].tolist(),
        )
        for r in DRAWN
    ]
    pixels = np.rint(255 * seen[BACK][:, chosen]).astype(np.uint8)
    hexadecimal = [image.tobytes().hex() for image in pixels]
    return Example(IMAGES, chosen, int(y[chosen]), trails, hexadecimal)


def margins_of(
    members: Sequence[Sequential], seen: Array, y: Array
) -> tuple[Array, Array]:
    """Return the ensemble's margins and predictions at each step, (steps + 1, N)."""
    each = (np.stack([m.predict_proba(x) for m in members]) for x in seen)
    p = np.stack([mean_probability(p_i) for p_i in each])  # (steps + 1, N, K)
    log_p = np.log(np.maximum(p, np.finfo(np.float32).tiny))
    own = np.eye(p.shape[-1], dtype=bool)[y]  # (N, K)
    others = np.where(own, -np.inf, log_p).max(axis=2)
    return log_p[:, own] - others, p.argmax(axis=2)
