"""From counts to accuracies with intervals, and from these to a sentence each.

All sentences follow from the 95 % intervals. Two numbers on the same images are
compared as if each had its own images, which is cautious. Ensembles of different sizes
are compared under the gradients of the same members.
"""

from collections.abc import Iterable, Mapping

from attacks.evaluation.intervals import Estimate, wilson
from tutorials.anomaly.directions import Step
from tutorials.anomaly.experiments import DIRECTIONS
from tutorials.anomaly.record import Outcome, Record
from tutorials.paper.claims.comparison import (
    FAILS,
    HOLDS,
    UNDECIDED,
    Comparison,
    compare_cells,
)
from tutorials.paper.claims.intervals import exactly, of_both
from tutorials.paper.experiment.adversaries import ADVERSARIES, CLIPPED, SUM
from tutorials.paper.paper_numbers import ATTACK_NAMES
from tutorials.paper.results.table2 import Cell, mean_cell

Rows = dict[str, Estimate]


def left(outcomes: list[Outcome], members: int) -> Cell:
    """Return the accuracy of the ensemble of the first members, a mean over cases."""
    values = [o.correct[members - 1] / o.images for o in outcomes]
    return mean_cell(values, outcomes[0].images)


def rows(record: Record) -> Rows:
    """Return the accuracy of the whole ensemble in each group."""
    return {g: of_both(left(o, record.members)) for g, o in record.groups.items()}


def attacks_on(group: str, outcomes: list[Outcome], members: int) -> list[Outcome]:
    """Return the attacks on the ensemble of the first members.

    Under Adv. 1 these have the gradient of one of the members each, under Adv. 2 the
    attack is on exactly these members.
    """
    return outcomes[:members] if "Adv. 1" in group else [outcomes[members - 1]]


def curves(record: Record) -> dict[str, list[Estimate]]:
    """Return the accuracies of ensembles of 1, 2, ... members, in each group."""
    sizes = range(1, record.members + 1)
    return {
        group: [of_both(left(attacks_on(group, outcomes, M), M)) for M in sizes]
        for group, outcomes in record.groups.items()
    }


def sizes_that_differ(group: str, outcomes: list[Outcome], most: int) -> list[int]:
    """Return the sizes of ensembles that differ significantly from the largest.

    Under Adv. 1 both are compared under the gradients that they share, one by one.
    """
    found = []
    for M in range(1, most):
        own = attacks_on(group, outcomes, M)
        shared = own if "Adv. 1" in group else attacks_on(group, outcomes, most)
        both = compare_cells("", left(shared, most), left(own, M))
        found += [M] if both.verdict != UNDECIDED else []
    return found


def finding(record: Record) -> str:
    """Return what an experiment has found."""
    return SENTENCES[record.experiment](record)


def compared(
    reference: Estimate, others: Mapping[str, Estimate]
) -> dict[str, list[str]]:
    """Return the names of the others by verdict: are they above the reference?"""
    names: dict[str, list[str]] = {HOLDS: [], FAILS: [], UNDECIDED: []}
    for name, estimate in others.items():
        names[Comparison(name, estimate, reference).verdict].append(name)
    return names


def listed(names: Iterable[str]) -> str:
    """Return names as a list in a sentence."""
    return ", ".join(names) or "none"


def of_rules(record: Record) -> str:
    """Which adversaries are weaker than Adv. 1 under BIM, the paper's surprise?

    Under FGSM, the paper's Adv. 2 is stronger.
    """
    parts, as_in_paper = [], set(ADVERSARIES)
    for attack in reversed(ATTACK_NAMES.values()):  # the surprise is BIM's
        own = {
            group.removeprefix(f"{attack}: "): estimate
            for group, estimate in rows(record).items()
            if group.startswith(f"{attack}: ")
        }
        one = own.pop("Adv. 1")
        verdicts = compared(one, own)
        as_in_paper &= set(verdicts[HOLDS if attack == "BIM" else FAILS])
        parts.append(
            f"Under {attack}, one member's gradient (Adv. 1) leaves an accuracy of "
            f"{one}. Weaker attacks: {listed(verdicts[HOLDS])}. Stronger attacks: "
            f"{listed(verdicts[FAILS])}. Undecided: {listed(verdicts[UNDECIDED])}."
        )
    parts.append(
        "Weaker under BIM and stronger under FGSM, as in the paper: "
        f"{listed(sorted(as_in_paper))}."
    )
    return " ".join(parts)


def of_precision(record: Record) -> str:
    """Does double precision make a difference?"""
    found, parts = rows(record), []
    for name in (SUM, CLIPPED):
        single, double = found[f"{name}, float32"], found[f"{name}, float64"]
        verdict = Comparison("", single, double).verdict
        effect = {
            HOLDS: "weakens the attack",
            FAILS: "strengthens the attack",
            UNDECIDED: "makes no significant difference",
        }[verdict]
        parts.append(
            f"Under BIM with the {name}, single precision {effect}: {single} against "
            f"{double} in double precision."
        )
    return " ".join(parts)


def of_budgets(record: Record) -> str:
    """For each eps, is Adv. 2 stronger than Adv. 1?"""
    found, parts = rows(record), []
    for group, two in found.items():
        title = group.removesuffix(": Adv. 2")
        if f"{title}: Adv. 1" in found:
            verdict = Comparison("", found[f"{title}: Adv. 1"], two).verdict
            words = {
                HOLDS: "stronger than",
                FAILS: "weaker than",
                UNDECIDED: "not significantly different from",
            }
            parts.append(f"{title}: Adv. 2 is {words[verdict]} Adv. 1")
    return f"{'; '.join(parts)}."


def of_members(record: Record) -> str:
    """From how many members on does no further one help?"""
    parts = []
    for group, curve in curves(record).items():
        outcomes = record.groups[group]
        different = sizes_that_differ(group, outcomes, record.members)
        enough = max(different, default=0) + 1
        parts.append(
            f"{group}: {curve[0]} with one member and {curve[-1]} with "
            f"{record.members}; from {enough} members on ({curve[enough - 1]}), no "
            "ensemble differs significantly from the largest."
        )
    return " ".join(parts)


def of_directions(record: Record) -> str:
    """Do the gradients point against each other?"""
    first, last = record.steps[0], record.steps[-2]  # the last step that is taken
    n = first.images
    return (
        f"The images move by BIM under Adv. 2. {of_opposition(first, 'first')} "
        f"{of_opposition(last, 'last')} At these two steps the sum of the gradients is "
        f"{first.unity / n:.1%} and {last.unity / n:.1%} as long as it would be if all "
        "gradients pointed the same way. The longest gradient has "
        f"{first.longest / n:.1%} and {last.longest / n:.1%} of all lengths. At the "
        "first step "
        f"{first.zero / n:.1%} of the members' gradients are exactly zero, and "
        f"{first.zero_clipped / n:.1%} with clipped probabilities. "
        "With clipped probabilities no member has a gradient on a fraction of "
        f"{wilson(first.stuck_clipped / n, n)} of the images."
    )


def of_opposition(step: Step, name: str) -> str:
    """Do most images have a negative mean cosine, or a positive one?"""
    there = max(step.with_cosine, 1)
    opposed = wilson(step.opposed / there, there)
    verdict = Comparison("", opposed, exactly(0.5)).verdict
    word = {
        HOLDS: "point against each other",
        FAILS: "agree",
        UNDECIDED: "neither agree nor point against each other",
    }[verdict]
    return (
        f"At the {name} step the members' gradients {word}: their mean cosine is "
        f"{step.mean_cosine:.3f}, and below 0 on a fraction of {opposed} of the "
        "images."
    )


SENTENCES = {
    "rules": of_rules,
    "precision": of_precision,
    "budgets": of_budgets,
    "members": of_members,
    DIRECTIONS: of_directions,
}
