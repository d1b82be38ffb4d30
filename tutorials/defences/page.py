"""The table of all defences, beside published numbers, in text, Markdown and HTML."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from minidl.store.files import write_text
from tutorials.defences.anchors import ANCHORS, NOTES, anchors_of
from tutorials.defences.detector import REJECTED
from tutorials.defences.findings import answer, combination, findings, missing
from tutorials.defences.parts import held_out
from tutorials.defences.record import Record
from tutorials.paper.pages.markdown import Table, details, html, page
from tutorials.paper.pages.notes import counted, warned
from tutorials.paper.results.files import all_environments

NAME = "defences"


def title(records: Sequence[Record]) -> str:
    """Return the page's title."""
    first = records[0]
    return f"What helps? Defences on {first.dataset}, Linf, eps = {first.eps:g}"


def table(records: Sequence[Record]) -> Table:
    """Return two lines a defence: accuracies, and their 95 % intervals."""
    rows = []
    for record in records:
        found = record.columns.values()
        values = [f"**{e.value:.3f}**" for e in found]
        name, hours = f"**{record.title}**", f"{record.core_hours:.2f}"
        rows.append([name, str(record.members), *values, hours])
        rows.append(["", "95 %", *(f"{e.low:.3f}-{e.high:.3f}" for e in found), ""])
    head = ["defence", "networks", *records[0].columns, "core-hours"]
    return Table(head, rows, words=2)


def each_attack(records: Sequence[Record]) -> Table:
    """Return the accuracy under each attack, and each member's worst case alone."""
    rows = [
        [
            *(record.title, str(record.members)),
            *(f"{n / record.images:.3f}" for n in record.correct.values()),
            ", ".join(f"{n / record.images:.3f}" for n in record.alone) or "-",
        ]
        for record in records
    ]
    head = ["defence", "networks", *records[0].correct, "members alone, worst case"]
    return Table(head, rows, words=2)


def anchors(dataset: str) -> Table:
    """Return the published numbers, in per cent."""
    own = ANCHORS[anchors_of(dataset)]
    rows = [
        [a.model, a.attack, a.source, f"{a.clean:.2f}", f"{a.accuracy:.2f}"]
        for a in own
    ]
    return Table(["published", "attack", "source", "clean", "attacked"], rows, words=3)


def before(records: Sequence[Record]) -> list[str]:
    """Return the sentences above the table."""
    return [*warned(records[0].profile), *answer(records), *missing(records)]


def notes(records: Sequence[Record]) -> list[str]:
    """Return the sentences below the table."""
    first = records[0]
    a = first.attacks
    return [
        f"Clean is the accuracy on all {counted(first.test_images, 'test image')}. "
        f"The other columns are accuracies on the first {first.images:,}, which are "
        "attacked. FGSM and BIM (8 steps of eps / 8) follow the defence's own "
        "gradient, which is 0 behind rounding. On the autoencoder, the detector and "
        "dropout they follow the network's gradient, as if it had no defence. In the "
        "usual worst case an image must withstand FGSM, BIM, PGD "
        f"({a['steps']} steps, {counted(a['restarts'], 'restart')}), APGD on "
        "cross-entropy and on DLR, and Square "
        f"({a['queries']:,} queries). These attacks use the same gradient, or none. "
        "The adaptive attack knows the defence. The lines 95 % are Wilson's intervals. "
        "Each network was trained once. The intervals cover the choice of test images "
        "and, where an ensemble is compared with its members, their spread. They do "
        "not cover what another training would change.",
        "The adaptive attack on plain, boosted, snapshot, ADP and adversarially "
        f"trained networks is targeted APGD ({counted(a['targets'], 'target')}) on "
        "the ensemble's prediction. On distilled networks it climbs a margin of the "
        "logits. It follows the gradient through the autoencoder, treats rounding as "
        "the identity (BPDA), and fools detector and classifier at once. Where it "
        "fails on an ensemble's prediction, it climbs the mean logits. On dropout "
        f"it follows the mean gradient of {counted(a['draws'], 'draw')} (EOT) for "
        f"{counted(a['eot_steps'], 'step')}.",
        "An image that the detector rejects after the attack counts as classified "
        "correctly, and a clean image that it rejects as misclassified. Each network's "
        f"threshold rejects {100 * REJECTED:g} % of the last "
        f"{held_out(first.test_images):,} test images, which aren't attacked. An "
        "ensemble of detectors rejects by the mean of their probabilities.",
        "Core-hours are those of training all networks of a row, including those that "
        "it shares with other rows.",
    ]


def markdown(records: Sequence[Record]) -> str:
    """Return the page in Markdown."""
    dataset = records[0].dataset
    environment = all_environments([record.environment for record in records])
    return page(
        f"# {title(records)}",
        *before(records),
        table(records).markdown(),
        *notes(records),
        details(
            "Accuracy under each attack", f"\n\n{each_attack(records).markdown()}\n\n"
        ),
        bullets("What the adaptive attack leaves", findings(records)),
        bullets("Ensembles and adversarial training", combination(records)),
        "## Published numbers",
        f"In per cent. {NOTES[anchors_of(dataset)]}",
        anchors(dataset).markdown(),
        f"Made by minidl {environment.minidl} on {environment.cpu}, seed "
        f"{records[0].seed}.",
    )


def bullets(heading: str, texts: Sequence[str]) -> str:
    """Return a section of several findings; nothing without any."""
    items = "\n".join(f"- {text}" for text in texts)
    return items and page(f"## {heading}", items)


def show_table(records: Sequence[Record], folder: Path) -> None:
    """Print the table, and write it in Markdown."""
    print(f"\n{title(records)}\n")
    tell(before(records))
    print(f"{table(records).text()}\n")
    tell([*notes(records), *findings(records), *combination(records)])
    print(f"{anchors(records[0].dataset).text()}\n")
    path = folder / f"{NAME}.md"
    write_text(path, markdown(records))
    print(f"{path} written")


def tell(texts: Sequence[str]) -> None:
    """Print paragraphs."""
    for text in texts:
        print(fill(text.replace("**", ""), width=88), end="\n\n")


def write_report(records: Sequence[Record], folder: Path) -> None:
    """Write the page as HTML that needs no other file."""
    path = folder / f"{NAME}.html"
    write_text(path, html(markdown(records), folder))
    print(f"{path} written")
