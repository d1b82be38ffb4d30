"""What the table says, in sentences: what helps, and what only seems to."""

from collections.abc import Sequence

from attacks.evaluation.intervals import Estimate
from tutorials.defences.record import Record
from tutorials.defences.rows import rows
from tutorials.defences.settings import settings_of
from tutorials.defences.suite import ADAPTIVE, FGSM
from tutorials.paper.claims.comparison import (
    FAILS,
    HOLDS,
    UNDECIDED,
    Comparison,
    stands_out,
)
from tutorials.paper.claims.intervals import (
    combined,
    difference,
    mean_difference,
    of_both,
    student,
)
from tutorials.paper.claims.sentences import CLAIMS
from tutorials.paper.claims.verdicts import weigh_combined
from tutorials.paper.pages.notes import counted
from tutorials.paper.results.table2 import mean_cell

UNDEFENDED = "single"
WITHIN = 0.05  # of what an undefended network keeps: nothing of a defence is left
IN_WORDS = {
    HOLDS: "Together they are more robust.",
    FAILS: "Together they are less robust.",
    UNDECIDED: "The interval contains 0, so nothing is decided.",
}


def named(record: Record) -> str:
    """Return a defence's name in a sentence."""
    return f"{record.title}, {counted(record.members, 'network')}"


def undefended(records: Sequence[Record]) -> Estimate | None:
    """Return the undefended network's worst case, if it has been measured."""
    worst = [r.accuracy(r.worst) for r in records if r.defence == UNDEFENDED]
    return worst[0] if worst else None


def missing(records: Sequence[Record]) -> list[str]:
    """Return a sentence about the rows that haven't been measured, if there are any."""
    first, there = records[0], {record.defence for record in records}
    every = rows(settings_of(first.dataset, first.profile, first.seed))
    lacking = [row.name for row in every if row.name not in there]
    seed = f" --seed {first.seed}" if first.seed else ""
    verb = "is" if len(lacking) == 1 else "are"
    if not lacking:
        return []
    return [
        f"**{len(lacking)} of {len(every)} rows {verb} missing**: "
        f"{', '.join(lacking)}. "
        f"`python -m tutorials.defences run table report --dataset {first.dataset} "
        f"--profile {first.profile}{seed}` measures them."
    ]


def answer(records: Sequence[Record]) -> list[str]:
    """Return what helps: the best row with adversarial training, and without it."""
    base = undefended(records)
    if base is None:
        return []
    sentences = [
        "In the worst case over all attacks, the undefended network keeps an accuracy "
        f"of {base}."
    ]
    for how, adversarial in (("with", True), ("without", False)):
        own = [
            record
            for record in records
            if record.adversarial == adversarial and record.defence != UNDEFENDED
        ]
        if own:
            best = max(own, key=lambda record: record.worst)
            kept = best.accuracy(best.worst)
            others = [r.accuracy(r.worst) for r in own if r is not best]
            first = f"The most robust defence {how} adversarial training is"
            if not stands_out(kept, others):
                first = f"{how.capitalize()} adversarial training, no defence is "
                first += "significantly more robust than"
            sentences.append(
                f"{first} **{named(best)}**, which keeps {kept}: {above(kept, base)}."
            )
    return [" ".join(sentences)]


def above(kept: Estimate, base: Estimate) -> str:
    """Compare what is kept with the undefended network's worst case, in words."""
    value, low, high = difference(kept, base)
    side = "above" if value > 0 else "below"
    near = abs(value) <= WITHIN
    much = f"within {WITHIN:g} of" if near else f"{abs(value):.3f} {side}"
    interval = f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"
    return f"{much} the undefended network ({interval})"


def findings(records: Sequence[Record]) -> list[str]:
    """Return what is left of each defence without adversarial training."""
    base = undefended(records)
    return [
        finding(record, base)
        for record in records
        if base and record.defence != UNDEFENDED and not record.adversarial
    ]


def finding(record: Record, base: Estimate) -> str:
    """Return what a defence shows first, and what it keeps."""
    shown, adaptive = (record.correct[n] / record.images for n in (FGSM, ADAPTIVE))
    worst = record.accuracy(record.worst)
    return (
        f"{named(record)}: {shown:.3f} under FGSM. Under the adaptive attack it keeps "
        f"{adaptive:.3f}, and in the worst case over all attacks {worst.value:.3f}, "
        f"{above(worst, base)}."
    )


def combination(records: Sequence[Record]) -> list[str]:
    """Return the verdict on the paper's section 5, and each ensemble's on its members.

    The paper expects more robust classifiers of ensembles with adversarial training.
    """
    claims = [claim for claim in CLAIMS if claim.combined]
    found = [v.sentence for claim in claims for v in weigh_combined(claim, records)]
    for record in records:
        if record.alone:
            compared = above_members(record)
            words = IN_WORDS[compared.verdict]
            found.append(f"{named(record)}, in the worst case: {compared}. {words}")
    return found


def above_members(record: Record) -> Comparison:
    """Compare an ensemble's worst case with the mean of its members', each alone.

    The difference is paired, image by image. Its interval adds the spread of the
    members (Student) to the choice of the images.
    """
    M, N = len(record.alone), record.images
    alone = mean_cell([n / N for n in record.alone], N)
    values = [own - k / M for own in (0, 1) for k in range(M + 1)]
    images = mean_difference(values, [n for own in record.agreement for n in own])
    training = student([(record.worst - n) / N for n in record.alone], least=-1.0)
    return Comparison(
        "the ensemble against the mean of its members, each attacked alone,",
        record.accuracy(record.worst),
        of_both(alone),
        combined(training, images),
    )
