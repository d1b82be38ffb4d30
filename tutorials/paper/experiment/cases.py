"""Cases and blocks: who attacks whom, how, and on which images.

An experiment is a list of cases. Each is carried out in blocks of images, which don't
depend on each other, so that any worker can take any block (attack.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tutorials.paper.experiment.adversaries import SUM, one_member, with_label
from tutorials.paper.experiment.config import Parameters
from tutorials.paper.experiment.labels import TRUE
from tutorials.paper.experiment.members import Team

BLOCK = 1000  # images that one worker attacks: minutes of work, not hours


@dataclass(frozen=True)
class Case:
    """Who attacks, how, and whom."""

    adversary: str  # a name of ADVERSARIES, or "member 0", "member 1", ...: Adv. 1
    attack: str  # a name of ATTACKS, or NO_ATTACK
    parameters: Parameters
    members: int  # the adversary has the gradients of the first so many
    bits: int = 32  # of floating point
    bounded: bool = True  # pixels stay in [0, 1]


NO_ATTACK = "none"
CLEAN = Case("nobody", NO_ATTACK, {}, 0)


def adv1(
    attack: str, parameters: Parameters, members: int, label: str = TRUE
) -> list[Case]:
    """Return the attacks with each member's own gradient."""
    names = (with_label(one_member(i), label) for i in range(members))
    return [Case(name, attack, parameters, members) for name in names]


def adv2(attack: str, parameters: Parameters, members: int, label: str = TRUE) -> Case:
    """Return the attack with the sum of the first members' gradients."""
    return Case(with_label(SUM, label), attack, parameters, members)


@dataclass(frozen=True)
class Block:
    """A case on the test images first .. stop - 1; all members of the team see them."""

    case: Case
    team: Team
    first: int
    stop: int


def blocks(
    case: Case, team: Team, first: int, stop: int, size: int | None = None
) -> Iterator[Block]:
    """Yield consecutive blocks of a case, of BLOCK images or another size."""
    for start in range(first, stop, size or BLOCK):
        yield Block(case, team, start, min(start + (size or BLOCK), stop))
