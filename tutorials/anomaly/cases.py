"""One case of an experiment: who attacks, how, whom, and what is left.

A case is carried out block by block on any worker. What counts is how many images the
ensembles of the first 1, 2, ... members still classify correctly.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from attacks import member_gradient
from ensembles import Ensemble, MemberJob
from ensembles.member_files import load_member
from minidl.backend import Array
from minidl.data import load_dataset
from minidl.layers import Sequential
from minidl.parallel import limit_threads
from minidl.training import to_float
from tutorials.anomaly.adversaries import ADVERSARIES, Attack
from tutorials.paper.experiment.attack import ATTACKS, Known

BLOCK = 100  # images that are attacked together


@dataclass(frozen=True)
class Case:
    """Who attacks, and how."""

    adversary: str  # a name of ADVERSARIES, or "member 0", "member 1", ...: Adv. 1
    attack: str
    parameters: dict[str, float]
    members: int  # attacked: the first so many
    bits: int = 32  # of floating point
    bounded: bool = True  # pixels stay in [0, 1]


@dataclass(frozen=True)
class Team:
    """Trained members, and the test images that they are attacked on."""

    jobs: tuple[MemberJob, ...]
    checksums: tuple[str, ...]  # of the trained members
    runs: Path
    images: int  # the first so many


@dataclass(frozen=True)
class Outcome:
    """What is left, of so many images."""

    case: Case
    images: int
    correct: list[int]  # by the ensembles of the first 1, 2, ... members


@dataclass(frozen=True)
class Block:
    """A case on some images."""

    case: Case
    first: int
    stop: int


def carry_out(block: Block, team: Team) -> Outcome:
    """Attack a block's images and count, on one thread."""
    case = block.case
    members = load_members(team, case.bits)
    with limit_threads(1):
        x, y = first_images(team, block.first, block.stop, case.bits)
        x_adv = attacked(case, members[: case.members], x, y)
        return Outcome(case, len(x), correct(members, x_adv, y))


@lru_cache(maxsize=2)
def load_members(team: Team, bits: int) -> list[Sequential]:
    """Return trained members in float32 or float64."""
    dtype: Any = {32: np.float32, 64: np.float64}[bits]
    return [load_member(job, team.runs).astype(dtype) for job in team.jobs]


def first_images(team: Team, first: int, stop: int, bits: int) -> tuple[Array, Array]:
    """Return some test images as floating point, and their labels."""
    data = load_dataset(team.jobs[0].dataset)
    x = to_float(data.x_test[first:stop]).astype(f"float{bits}")
    return x, data.y_test[first:stop]


def attacked(case: Case, members: list[Sequential], x: Array, y: Array) -> Array:
    """Return a case's adversarial images."""
    bounds = (0, 1) if case.bounded else None
    attack: Attack = partial(ATTACKS[case.attack], **case.parameters, bounds=bounds)
    if case.adversary.startswith("member "):
        i = int(case.adversary.removeprefix("member "))
        return attack(member_gradient(members, i), x, y)
    return ADVERSARIES[case.adversary](members, attack, x, y)


def correct(members: list[Sequential], x: Array, y: Array) -> list[int]:
    """Return how many images the ensemble of the first M members gets right, all M."""
    known = [Known(member.predict_proba(x)) for member in members]
    return [
        int((Ensemble(known[:M]).predict(x) == y).sum())
        for M in range(1, len(known) + 1)
    ]


def join(outcomes: list[Outcome]) -> Outcome:
    """Return the outcomes of one case's blocks as one."""
    counts = zip(*(outcome.correct for outcome in outcomes), strict=True)
    images = sum(outcome.images for outcome in outcomes)
    return Outcome(outcomes[0].case, images, [sum(column) for column in counts])
