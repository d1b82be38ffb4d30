"""The table of all defences, beside published numbers, in text, Markdown and HTML."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from attacks.evaluation.intervals import Estimate
from minidl.files import write_text
from tutorials.defences.anchors import ANCHORS, NOTES, anchors_of
from tutorials.defences.detector import REJECTED
from tutorials.defences.parts import held_out
from tutorials.defences.record import Record
from tutorials.defences.suite import ADAPTIVE, BIM, FGSM
from tutorials.paper.claims.comparisons import (
    FAILS,
    HOLDS,
    UNDECIDED,
    Comparison,
)
from tutorials.paper.claims.intervals import difference, of_both
from tutorials.paper.pages.markdown import Table, html, page
from tutorials.paper.pages.notes import counted
from tutorials.paper.results.files import all_environments
from tutorials.paper.results.table2 import mean_cell

NAME = "defences"
HEAD = [
    *("defence", "networks", "clean", "FGSM", "BIM", "usual, worst case"),
    *("adaptive attack", "all, worst case", "core-hours"),
]
IN_WORDS = {
    HOLDS: "Together they are more robust.",
    FAILS: "Together they are less robust.",
    UNDECIDED: "The difference is within its interval.",
}
WITHIN = 0.05  # of what an undefended network keeps: nothing of a defence is left


def title(records: Sequence[Record]) -> str:
    """Return the page's title."""
    first = records[0]
    return f"What helps? Defences on {first.dataset}, Linf, eps = {first.eps:g}"


def columns(record: Record) -> list[Estimate]:
    """Return a defence's accuracies, with their intervals."""
    counts = [record.correct[FGSM], record.correct[BIM], record.usual]
    counts += [record.correct[ADAPTIVE], record.worst]
    return [record.clean_accuracy, *map(record.accuracy, counts)]


def table(records: Sequence[Record]) -> Table:
    """Return two lines a defence: accuracies, and their 95 % intervals."""
    rows = []
    for record in records:
        found = columns(record)
        values = [f"**{e.value:.3f}**" for e in found]
        name, hours = f"**{record.title}**", f"{record.core_hours:.2f}"
        rows.append([name, str(record.members), *values, hours])
        rows.append(["", "95 %", *(f"{e.low:.3f}-{e.high:.3f}" for e in found), ""])
    return Table(HEAD, rows, words=2)


def anchors(dataset: str) -> Table:
    """Return the published numbers, in per cent."""
    own = ANCHORS[anchors_of(dataset)]
    rows = [
        [a.model, a.attack, a.source, f"{a.clean:.2f}", f"{a.accuracy:.2f}"]
        for a in own
    ]
    return Table(["published", "attack", "source", "clean", "attacked"], rows, words=3)


def notes(records: Sequence[Record]) -> list[str]:
    """Return the sentences below the table."""
    first = records[0]
    a = first.attacks
    smoke = "This was a smoke test: the numbers mean nothing."
    return [
        *([smoke] if first.profile == "smoke" else []),
        f"Clean is the accuracy on all {counted(first.test_images, 'test image')}; the "
        f"other columns are of the first {first.images:,}, which are attacked. FGSM "
        "and BIM (8 steps of eps / 8) follow the gradient of the network as if there "
        "were no defence. In the usual worst case an image must withstand both, PGD "
        f"({a['steps']} steps, {counted(a['restarts'], 'restart')}), APGD on "
        "cross-entropy and on DLR, and Square "
        f"({a['queries']:,} queries), all with that same gradient or none. The "
        "adaptive attack knows the defence. 95 % are Wilson's intervals.",
        "The adaptive attacks: on plain, boosted, snapshot, ADP and adversarially "
        f"trained networks targeted APGD ({counted(a['targets'], 'target')}) on what "
        "the ensemble predicts; on students a margin of their logits; through the "
        "autoencoder; through rounding as if it were the identity (BPDA); on detector "
        f"and classifier at once; on dropout the mean of {counted(a['draws'], 'draw')} "
        f"(EOT), {a['eot_steps']} steps.",
        "A detector's image counts as withstood if it is rejected after the attack; "
        "a clean image that it rejects counts as misclassified. Its threshold rejects "
        f"{100 * REJECTED:g} % of the last {held_out(first.test_images):,} test "
        "images, which aren't attacked.",
        "Core-hours are those of training all networks of a row, also of those that it "
        "shares with others.",
    ]


def findings(records: Sequence[Record]) -> list[str]:
    """Return what is left of each defence that isn't adversarial training."""
    known = {record.defence: record for record in records}
    if "single" not in known:
        return []
    base = known["single"].accuracy(known["single"].worst)
    return [
        finding(record, base)
        for record in records
        if record.defence != "single" and " training" not in record.title
    ]


def finding(record: Record, base: Estimate) -> str:
    """Return one sentence: what a defence shows first, and what it keeps."""
    first, kept = (
        record.accuracy(n) for n in (record.correct[FGSM], record.correct[ADAPTIVE])
    )
    more = difference(kept, base)
    side = "above" if more.value > 0 else "below"
    near = abs(more.value) <= WITHIN
    much = f"within {WITHIN:g} of" if near else f"{abs(more.value):.3f} {side}"
    return (
        f"{record.title}, {counted(record.members, 'network')}: {first.value:.3f} "
        f"under FGSM, {kept.value:.3f} under the adaptive attack. That is {much} "
        f"the undefended network's worst case ({more.value:+.3f} [{more.low:+.3f}, "
        f"{more.high:+.3f}])."
    )


def combination(records: Sequence[Record]) -> list[str]:
    """Return whether ensembles trained adversarially are above their own members."""
    return [
        f"{record.title}, {record.members} networks in the worst case: "
        f"{above_members(record)}. {IN_WORDS[above_members(record).verdict]}"
        for record in records
        if record.alone
    ]


def above_members(record: Record) -> Comparison:
    """Compare an ensemble's worst case with the mean of its members', each alone."""
    each = [n / record.images for n in record.alone]
    alone = of_both(mean_cell(each, record.images))
    return Comparison(
        "together against alone on average", record.accuracy(record.worst), alone
    )


def markdown(records: Sequence[Record]) -> str:
    """Return the page in Markdown."""
    dataset = records[0].dataset
    environment = all_environments([record.environment for record in records])
    bullets = "\n".join(f"- {text}" for text in findings(records))
    together = "\n".join(f"- {text}" for text in combination(records))
    return page(
        f"# {title(records)}",
        table(records).markdown(),
        *notes(records),
        bullets and f"## What the adaptive attack leaves\n\n{bullets}",
        together and f"## Ensembles and adversarial training\n\n{together}",
        "## Published numbers",
        f"In per cent. {NOTES[anchors_of(dataset)]}",
        anchors(dataset).markdown(),
        f"Made by minidl {environment.minidl} on {environment.cpu}, seed "
        f"{records[0].seed}.",
    )


def show_table(records: Sequence[Record], folder: Path) -> None:
    """Print the table, and write it in Markdown."""
    print(f"\n{title(records)}\n\n{table(records).text()}\n")
    for text in (*notes(records), *findings(records), *combination(records)):
        print(fill(text, width=88), end="\n\n")
    print(f"{anchors(records[0].dataset).text()}\n")
    path = folder / f"{NAME}.md"
    write_text(path, markdown(records))
    print(f"{path} written")


def write_report(records: Sequence[Record], folder: Path) -> None:
    """Write the page as HTML that needs no other file."""
    path = folder / f"{NAME}.html"
    write_text(path, html(markdown(records), folder))
    print(f"{path} written")
