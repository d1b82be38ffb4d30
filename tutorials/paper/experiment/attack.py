"""One unit of evaluation: attack some images with one gradient, count what survives.

Units are independent of each other and run on any worker, which loads members and
images itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from attacks import GradientFn, bim, fgsm, member_gradient, sum_gradient
from ensembles import Ensemble, MemberJob
from ensembles.member_files import load_member
from minidl.backend import Array, Device, to_device, to_numpy
from minidl.data import load_dataset
from minidl.layers import Sequential
from minidl.parallel import limit_threads
from minidl.store import key_of
from minidl.training import batches, to_float
from tutorials.paper.experiment.config import Parameters

ATTACKS: dict[str, Any] = {"fgsm": fgsm, "bim": bim}
BATCH_SIZE = 100  # images that are attacked together


@dataclass(frozen=True)
class Unit:
    """What to do with the test images first .. stop - 1."""

    members: tuple[MemberJob, ...]
    checksums: tuple[str, ...]  # of the trained members: others make another unit
    attack: str | None  # None: leave the images as they are
    parameters: Parameters
    source: int | None  # Adv. 1 with the gradient of this member; None: Adv. 2
    first: int
    stop: int

    @property
    def method(self) -> str:
        """The method of the members."""
        return self.members[0].method


@dataclass(frozen=True)
class Counts:
    """How many images were classified correctly; integers, so sums are exact."""

    images: int
    members: list[int]  # by each member
    ensemble: int
    fooled: list[int]  # images on which exactly 0, 1, ... members are wrong


class Known:
    """A member whose probabilities have been computed already."""

    def __init__(self, p: Array) -> None:
        self.p = p

    def predict_proba(self, x: Array) -> Array:
        """Return them, whatever x is."""
        return self.p


def evaluate(unit: Unit, folder: Path, device: Device = "cpu") -> Counts:
    """Attack a unit's images and count, on one thread: same bits on all workers."""
    data = load_dataset(unit.members[0].dataset)
    members = load_members(unit.members, unit.checksums, folder, device)
    gradient = choose_gradient(members, unit.source)
    parts = []
    with limit_threads(1):
        for batch in batches(np.arange(unit.first, unit.stop), BATCH_SIZE):
            x = to_float(to_device(data.x_test[batch], device))
            y = to_device(data.y_test[batch], device)
            x_adv = perturb(unit.attack, unit.parameters, gradient, x, y)
            parts.append(count(members, x_adv, data.y_test[batch]))
    return add(parts)


@cache
def images_of(dataset: str) -> str:
    """Return a name of the test images and labels: others are evaluated anew."""
    data = load_dataset(dataset)
    return key_of(data.x_test, data.y_test)


@lru_cache(maxsize=1)  # one unit after another has the same members
def load_members(
    jobs: Sequence[MemberJob],
    checksums: Sequence[str],
    folder: Path,
    device: Device = "cpu",
) -> list[Sequential]:
    """Return trained members from their folder, on a device."""
    return [load_member(job, folder).to_device(device) for job in jobs]


def choose_gradient(members: Sequence[Sequential], source: int | None) -> GradientFn:
    """Return Adv. 1's gradient of one member, or Adv. 2's of all."""
    return sum_gradient(members) if source is None else member_gradient(members, source)


def perturb(
    attack: str | None, parameters: Parameters, gradient: GradientFn, x: Array, y: Array
) -> Array:
    """Return adversarial images, or without an attack the images themselves."""
    return x if attack is None else ATTACKS[attack](gradient, x, y, **parameters)


def count(members: Sequence[Sequential], x: Array, y: Array) -> Counts:
    """Count the images that each member, and their ensemble, classifies correctly.

    Shapes: x (N, H, W, C) on the members' device, y (N,) on the CPU.
    """
    known = [Known(to_numpy(member.predict_proba(x))) for member in members]
    correct = np.array([k.p.argmax(axis=1) == y for k in known])  # (members, N)
    wrong = (~correct).sum(axis=0)  # (N,), members that an image fools
    return Counts(
        images=len(x),
        members=correct.sum(axis=1).tolist(),
        ensemble=int((Ensemble(known).predict(x) == y).sum()),
        fooled=np.bincount(wrong, minlength=len(members) + 1).tolist(),
    )


def add(parts: Sequence[Counts]) -> Counts:
    """Return the counts of all parts together."""
    return Counts(
        images=sum(part.images for part in parts),
        members=np.sum([part.members for part in parts], axis=0).tolist(),
        ensemble=sum(part.ensemble for part in parts),
        fooled=np.sum([part.fooled for part in parts], axis=0).tolist(),
    )
