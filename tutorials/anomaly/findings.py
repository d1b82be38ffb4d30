"""From counts to accuracies with intervals, and from these to a sentence each.

No sentence is typed by hand: what is said follows from the 95 % intervals, by the
same rule as the verdicts on the paper's claims.
"""

from collections.abc import Iterable, Mapping

from tutorials.anomaly.cases import Outcome
from tutorials.anomaly.experiments import CLIPPED, DIRECTIONS, SUM
from tutorials.anomaly.record import Record
from tutorials.paper.comparisons import FAILS, HOLDS, UNDECIDED, Comparison
from tutorials.paper.intervals import Estimate, bootstrap, wilson

Rows = dict[str, Estimate]


def left(outcomes: list[Outcome], members: int) -> Estimate:
    """Return the accuracy that is left of the ensemble of the first members.

    Of several cases the mean, with the interval of resampling them.
    """
    values = [o.correct[members - 1] / o.images for o in outcomes]
    if len(values) > 1:
        return bootstrap(values)
    return wilson(values[0], outcomes[0].images)


def rows(record: Record) -> Rows:
    """Return what is left in each group."""
    if record.experiment != "members":
        return {g: left(o, record.members) for g, o in record.groups.items()}
    found = {}
    for group, outcomes in record.groups.items():
        title, comma, number = group.rpartition(", ")
        if comma:
            found[f"{title}, {int(number):2d}"] = left(outcomes, int(number))
        else:  # Adv. 1's images, shown to ensembles of all sizes
            for M in range(1, record.members + 1):
                found[f"{group}, {M:2d}"] = left(outcomes[:M], M)
    return found


def finding(record: Record) -> str:
    """Return what an experiment has found."""
    return SENTENCES[record.experiment](record)


def compared(reference: Estimate, others: Mapping[str, Estimate]) -> dict[str, str]:
    """Return by verdict, whether others are above the reference, their names."""
    names: dict[str, list[str]] = {HOLDS: [], FAILS: [], UNDECIDED: []}
    for name, estimate in others.items():
        names[Comparison(name, estimate, reference).verdict].append(name)
    return {verdict: listed(found) for verdict, found in names.items()}


def listed(names: Iterable[str]) -> str:
    """Return names as a list in a sentence."""
    return ", ".join(names) or "none"


def of_rules(record: Record) -> str:
    """Which adversaries are weaker than Adv. 1, the paper's surprise?"""
    parts = []
    for attack in ("bim", "fgsm"):
        own = {
            group.removeprefix(f"{attack}: "): estimate
            for group, estimate in rows(record).items()
            if group.startswith(f"{attack}: ")
        }
        one = own.pop("Adv. 1")
        verdicts = compared(one, own)
        parts.append(
            f"Under {attack.upper()}, one member's gradient (Adv. 1) leaves {one}. "
            f"Weaker than that, as in the paper's surprise: {verdicts[HOLDS]}. "
            f"Stronger: {verdicts[FAILS]}. Not told apart: {verdicts[UNDECIDED]}."
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
            UNDECIDED: "makes no difference that can be told",
        }[verdict]
        parts.append(f"{name}: single precision {effect} ({single}; double: {double})")
    return f"{'; '.join(parts)}."


def of_budgets(record: Record) -> str:
    """For each pair, is Adv. 2 stronger, as it has more to go by?"""
    found, parts = rows(record), []
    for group, two in found.items():
        title = group.removesuffix(": Adv. 2")
        if f"{title}: Adv. 1" in found:
            verdict = Comparison("", found[f"{title}: Adv. 1"], two).verdict
            words = {HOLDS: "stronger", FAILS: "weaker", UNDECIDED: "no different"}
            parts.append(f"{title}: Adv. 2 is {words[verdict]} than Adv. 1")
    return f"{'; '.join(parts)}."


def of_members(record: Record) -> str:
    """From how many members on do more not help?"""
    found, parts = rows(record), []
    for attack in ("fgsm", "bim"):
        for adversary in ("Adv. 1", "Adv. 2"):
            curve = [
                found[f"{attack}: {adversary}, {M:2d}"]
                for M in range(1, record.members + 1)
            ]
            enough = 1 + next(
                i
                for i, estimate in enumerate(curve)
                if Comparison("", curve[-1], estimate).verdict != HOLDS
            )
            parts.append(
                f"{attack.upper()}, {adversary}: from {curve[0].value:.4f} to "
                f"{curve[-1]}, not told apart from {record.members} from {enough} on"
            )
    return f"{'; '.join(parts)}."


def of_directions(record: Record) -> str:
    """Do the gradients point against each other?"""
    first, last = record.steps[0], record.steps[-2]  # the last step that is taken
    cosines = [s.cosine / max(s.with_cosine, 1) for s in (first, last)]
    word = "agree" if min(cosines) > 0 else "point against each other"
    n = first.images
    return (
        f"Two members' gradients {word}: their mean cosine is {cosines[0]:.3f} at the "
        f"first step and {cosines[1]:.3f} at the last; {first.negative / n:.1%} and "
        f"{last.negative / n:.1%} of the pairs have a negative one. The sum is as long "
        f"as {first.unity / n:.1%} and {last.unity / n:.1%} of its parts together, of "
        f"which the longest has {first.longest / n:.1%} and {last.longest / n:.1%}. At "
        f"the first step {first.zero / n:.1%} of the members' gradients are exactly "
        f"zero, with clipped probabilities {first.zero_clipped / n:.1%}; those leave "
        f"{first.stuck_clipped / n:.1%} of the images without any direction at all."
    )


SENTENCES = {
    "rules": of_rules,
    "precision": of_precision,
    "budgets": of_budgets,
    "members": of_members,
    DIRECTIONS: of_directions,
}
