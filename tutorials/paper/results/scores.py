"""One method's accuracies, the numbers of its file, from the engine's counts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tutorials.paper.experiment.cases import CLEAN, Block, Case, adv1, adv2, blocks
from tutorials.paper.experiment.config import Parameters
from tutorials.paper.experiment.counts import Counts, add
from tutorials.paper.experiment.members import Team


@dataclass(frozen=True)
class Member:
    """One trained classifier, with the mean of J in each epoch."""

    LATER: ClassVar = ("attempt",)

    index: int
    seed: int
    architecture: str
    losses: list[float]
    attempt: int = 0  # number of restarts


@dataclass(frozen=True)
class Score:
    """The same images, clean or perturbed, shown to all members and their ensemble."""

    images: int
    members: list[float]  # accuracy of each
    ensemble: float
    fooled: list[int]  # images on which exactly 0, 1, ... members are wrong

    def __post_init__(self) -> None:
        check_accuracies([*self.members, self.ensemble])
        if len(self.fooled) != len(self.members) + 1 or sum(self.fooled) != self.images:
            raise ValueError(
                f"fooled must count {self.images} images for 0 to {len(self.members)} "
                f"members, got {self.fooled}"
            )


@dataclass(frozen=True)
class AttackResult:
    """One attack on one method's members."""

    adv1: list[Score]  # under the gradient of member 0, 1, ...
    adv2: Score  # under the sum of all gradients


@dataclass(frozen=True)
class MethodResult:
    """One of the paper's four methods."""

    members: list[Member]
    clean: Score  # on all test images: Table 2's "No Attack"
    clean_attacked: Score  # on the test images that are attacked, before the attack
    attacks: dict[str, AttackResult]


Counted = Sequence[tuple[Block, Counts]]


def check_accuracies(values: Iterable[float]) -> None:
    """Raise ValueError unless all values are fractions."""
    values = list(values)
    if not all(0 <= value <= 1 for value in values):
        raise ValueError(f"accuracies must be in [0, 1], got {values}")


def plan(
    team: Team, attacks: Mapping[str, Parameters], attacked: int, images: int
) -> Iterator[Block]:
    """Yield the blocks that a method's numbers are counted from."""
    M = len(team.jobs)
    yield from blocks(CLEAN, team, 0, attacked)
    yield from blocks(CLEAN, team, attacked, images)
    for attack, parameters in attacks.items():
        for case in (*adv1(attack, parameters, M), adv2(attack, parameters, M)):
            yield from blocks(case, team, 0, attacked)


def method_result(
    team: Team, attacks: Mapping[str, Parameters], done: Counted, attacked: int
) -> MethodResult:
    """Return one method's accuracies, from all blocks that are done."""
    M, own = len(team.jobs), [pair for pair in done if pair[0].team == team]
    trained = zip(team.jobs, team.losses, team.attempts, strict=True)
    return MethodResult(
        members=[
            Member(job.index, job.seed, job.architecture, losses, attempt)
            for job, losses, attempt in trained
        ],
        clean=score(own, CLEAN),
        clean_attacked=score([p for p in own if p[0].stop <= attacked], CLEAN),
        attacks={
            attack: AttackResult(
                adv1=[score(own, case) for case in adv1(attack, parameters, M)],
                adv2=score(own, adv2(attack, parameters, M)),
            )
            for attack, parameters in attacks.items()
        },
    )


def score(done: Counted, case: Case) -> Score:
    """Return the accuracies on all images of a case."""
    total = add([counts for block, counts in done if block.case == case])
    return Score(
        images=total.images,
        members=[correct / total.images for correct in total.members],
        ensemble=total.ensembles[-1] / total.images,
        fooled=total.fooled,
    )
