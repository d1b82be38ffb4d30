"""From counts to results: accuracies, and the means that Table 2 shows.

The definitions are those of Table 2's caption, "the accuracy of a single classifier is
the average accuracy of all single classifiers", and where the paper is silent ours:

    Adv. 1, Single     member j under its own gradient, mean over j
    Adv. 1, Ensemble   the ensemble under member i's gradient, mean over i
    Adv. 2, Ensemble   the ensemble under the sum of all gradients
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ensembles import MemberJob
from ensembles.member_files import read_member
from tutorials.paper.experiment.attack import Counts, Unit, add
from tutorials.paper.results import AttackResult, Cell, Member, MethodResult, Score

Evaluated = Sequence[tuple[Unit, Counts]]


def method_result(
    members: list[Member], attacks: Iterable[str], done: Evaluated, attacked: int
) -> MethodResult:
    """Return one method's accuracies; `done` holds that method's units only."""
    clean = [(unit, counts) for unit, counts in done if unit.attack is None]
    return MethodResult(
        members=members,
        clean=score(clean),
        clean_attacked=score([pair for pair in clean if pair[0].stop <= attacked]),
        attacks={
            attack: AttackResult(
                adv1=[score(select(done, attack, i)) for i in range(len(members))],
                adv2=score(select(done, attack, None)),
            )
            for attack in attacks
        },
    )


def select(done: Evaluated, attack: str, source: int | None) -> Evaluated:
    """Return the units of one attack with one gradient."""
    return [(u, c) for u, c in done if (u.attack, u.source) == (attack, source)]


def score(done: Evaluated) -> Score:
    """Return the accuracies on the images of all these units together."""
    total = add([counts for _, counts in done])
    return Score(
        images=total.images,
        members=[correct / total.images for correct in total.members],
        ensemble=total.ensemble / total.images,
        fooled=total.fooled,
    )


def trained(job: MemberJob, folder: Path) -> tuple[Member, float]:
    """Return what results.json says of a member, and its seconds of training."""
    found = read_member(job, folder)
    member = Member(job.index, job.seed, job.architecture, found.losses)
    return member, found.seconds


def table2(methods: dict[str, MethodResult]) -> dict[str, dict[str, dict[str, Cell]]]:
    """Return Table 2's cells, by attack, method and column."""
    attacks = next(iter(methods.values())).attacks
    return {
        attack: {method: row(result, attack) for method, result in methods.items()}
        for attack in attacks
    }


def row(result: MethodResult, attack: str) -> dict[str, Cell]:
    """Return the five columns of one row of Table 2."""
    clean, attacked = result.clean, result.attacks[attack]
    adv1, adv2, n = attacked.adv1, attacked.adv2, attacked.adv2.images
    return {
        "no_attack_single": mean_cell(clean.members, clean.images),
        "no_attack_ensemble": mean_cell([clean.ensemble], clean.images),
        "adv1_single": mean_cell([s.members[i] for i, s in enumerate(adv1)], n),
        "adv1_ensemble": mean_cell([s.ensemble for s in adv1], n),
        "adv2_ensemble": mean_cell([adv2.ensemble], n),
    }


def mean_cell(accuracies: list[float], images: int) -> Cell:
    """Return the mean of some accuracies, together with them."""
    return Cell(sum(accuracies) / len(accuracies), accuracies, images)
