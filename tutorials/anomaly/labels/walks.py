"""How it happens: who is fooled and who is pushed back at each step of BIM."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from attacks import bim, trajectory
from minidl.backend import Array
from minidl.batches import to_float
from minidl.data import load_dataset
from minidl.layers import Sequential
from minidl.store import write_json
from minidl.store.finish import Place, finish
from minidl.store.schema import read_as
from tutorials.anomaly.plan import Plan
from tutorials.paper.experiment.adversaries import adversary
from tutorials.paper.experiment.attack import BATCH_SIZE, place_of
from tutorials.paper.experiment.cases import Block, Case, blocks
from tutorials.paper.experiment.counts import add, mean_probability
from tutorials.paper.experiment.members import Team, load_members


@dataclass(frozen=True)
class Walk:
    """Counts of images after 0, 1, 2, ... steps; sums over the members, too."""

    case: Case
    images: int
    right: list[int]  # by the ensemble
    back: list[int]  # wrong before the step, and right after it
    members_right: list[int]  # summed over the members
    members_back: list[int]


def walk(block: Block) -> Walk:
    """Attack a block's images and count after each step."""
    members, data = load_members(block.team), load_dataset(block.team.dataset)
    images, case = slice(block.first, block.stop), block.case
    x, y = to_float(data.x_test[images]), data.y_test[images]
    seen = images_along(members, case.adversary, case.parameters, x, y)
    p = [np.stack([m.predict_proba(x_i) for m in members]) for x_i in seen]
    ensemble = np.stack([mean_probability(p_i).argmax(axis=1) == y for p_i in p])
    each = np.stack([p_i.argmax(axis=2) == y for p_i in p])
    return Walk(
        block.case,
        len(x),
        *(counts(right) for right in (ensemble, pushed_back(ensemble))),
        *(counts(right) for right in (each, pushed_back(each))),
    )


def images_along(
    members: Sequence[Sequential], name: str, parameters: Any, x: Array, y: Array
) -> Array:
    """Return the images after 0, 1, ... steps of BIM, as an adversary moves them.

    Shapes: x (N, H, W, C), y (N,), result (steps + 1, N, H, W, C).
    """
    steps = partial(bim, **parameters)
    return adversary(name)(members, lambda g, x, y: trajectory(g, steps, x, y), x, y)


def pushed_back(right: Array) -> Array:
    """Tell what a step mends: wrong before, right after. Shapes (steps + 1, ...)."""
    back = np.zeros_like(right)
    back[1:] = ~right[:-1] & right[1:]
    return back


def counts(right: Array) -> list[int]:
    """Return how many images are right after each step."""
    found: list[int] = right.reshape(len(right), -1).sum(axis=1).tolist()
    return found


def walk_all(cases: Sequence[Case], plan: Plan, team: Team) -> list[Walk]:
    """Return each case's walk on the first images; finished blocks are found."""
    works = {
        walk_place(block): block
        for case in cases
        for block in blocks(case, team, 0, plan.images, BATCH_SIZE)
    }
    read = partial(read_as, Walk)
    where = plan.jobs, "walks", plan.fresh
    done = dict(finish(works, walk, read, write_json, *where))
    found = [[done[p] for p, b in works.items() if b.case == case] for case in cases]
    return [add(parts, same="case") for parts in found]


def walk_place(block: Block) -> Place:
    """Return where a block's walk is kept, beside the predictions after it."""
    path, key = place_of(block)
    return Place(path and path.with_name(f"{path.stem}-walk.json"), f"walk {key}")
