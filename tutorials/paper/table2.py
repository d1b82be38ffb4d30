"""Table 2: our accuracies beside the paper's.

`lines` makes the rows once; they are printed as text, and written as Markdown and HTML.
"""

from pathlib import Path
from textwrap import fill
from typing import NamedTuple

from minidl.files import write_text
from tutorials.paper import results as results_file
from tutorials.paper.claims import CLAIMS
from tutorials.paper.config import Configuration
from tutorials.paper.intervals import of_cell
from tutorials.paper.paper_numbers import (
    ATTACK_NAMES,
    COLUMNS,
    HALVES,
    METHOD_NAMES,
    paper_accuracy,
)
from tutorials.paper.results import Cell, Results
from tutorials.paper.verdicts import judge, sentences

CLAIMS_TITLE = "The paper's claims in this run"
DIRECTION = "only the direction is judged, not the sizes in the quotes"
TRAINED_ONCE = (
    "Each method's ensemble was trained once: where methods are compared, the interval "
    "of an ensemble covers the choice of images, and under Adv. 1 of the gradient, not "
    "what training other members would change."
)


class Line(NamedTuple):
    """One line of the table: what it shows, and its five cells as text."""

    attack: str
    method: str
    kind: str  # "ours", "95 %", "paper's" or "difference"
    cells: list[str]


def lines(results: Results) -> list[Line]:
    """Return four lines for each attack and method, two where there's no paper."""
    return [
        line
        for attack, methods in results.table2.items()
        for method, cells in methods.items()
        for line in block(results.configuration.dataset, attack, method, cells)
    ]


def block(dataset: str, attack: str, method: str, cells: dict[str, Cell]) -> list[Line]:
    """Return the lines of one attack and method."""
    names = ATTACK_NAMES.get(attack, attack), METHOD_NAMES[method]
    ours = [cells[column].accuracy for column in COLUMNS]
    paper = [paper_accuracy(dataset, attack, method, c) for c in COLUMNS]
    found = [
        Line(*names, "ours", [f"{value:.4f}" for value in ours]),
        Line(*names, "95 %", [interval(cells[column]) for column in COLUMNS]),
    ]
    known = [p for p in paper if p is not None]
    if known:
        away = [f"{o - p:+.4f}" for o, p in zip(ours, known, strict=True)]
        found.append(Line(*names, "paper's", [f"{p:.4f}" for p in known]))
        found.append(Line(*names, "difference", away))
    return found


def interval(cell: Cell) -> str:
    """Return the ends of a cell's 95 % interval."""
    _, low, high = of_cell(cell)
    return f"{low:.4f}-{high:.4f}"


def title(results: Results) -> str:
    """Return what the table is."""
    dataset = results.configuration.dataset
    if dataset not in HALVES:
        return f"Table 2 for {dataset}, which the paper doesn't have"
    return f"Table 2, {HALVES[dataset]} half: {dataset} beside the paper"


def notes(results: Results) -> list[str]:
    """Return the sentences below the table."""
    config, data = results.configuration, results.data
    trained = min(config.train_images or data.train_images, data.train_images)
    smoke = "This was a smoke test: numbers and verdicts mean nothing."
    lacking = [name for m, name in METHOD_NAMES.items() if m not in results.methods]
    return [
        *([smoke] if config.profile == "smoke" else []),
        *([f"{', '.join(lacking)}: not in this run."] if lacking else []),
        f"{counted(config.members, 'member')} a method (paper: 10), trained for "
        f"{counted(config.epochs, 'epoch')} on {counted(trained, 'image')}. "
        f"{tested_images(results)}",
        *(f"Data: {words}" for words in data.differences),
        f"Attacks: {attack_settings(config)}. BIM may go as far as its steps lead, as "
        "in the paper's Figure 1: the eps below its Table 2 is a single step. The "
        "networks are the paper's, but for the ReLU on the logits in its tables, which "
        "keeps most trainings from starting.",
        "Adv. 1, Single: each member under its own gradient; Adv. 1, Ensemble: the "
        "ensemble under each member's gradient. Both, and Single, are means.",
        "95 %: the interval around our number. Of a mean over members it is Student's, "
        "which covers the chance in training (for Adv. 1, Ensemble: in whose gradient "
        "is taken); of one classifier it is Wilson's, which covers the choice of test "
        "images.",
    ]


def attack_settings(config: Configuration) -> str:
    """Return how far each attack goes, and by which steps."""
    return "; ".join(
        f"{ATTACK_NAMES.get(attack, attack)} "
        + ", ".join(f"{name} = {value:g}" for name, value in parameters.items())
        for attack, parameters in config.attacks.items()
    )


def tested_images(results: Results) -> str:
    """Return the sentence that says which test images the numbers are of."""
    attacked, there = attacked_images(results), results.data.test_images
    every = f"all {counted(there, 'test image')}"
    if attacked == there:
        return f"No Attack and attacks: {every}."
    clean = ", ".join(
        f"{METHOD_NAMES[method]} {r.clean_attacked.ensemble:.4f}"
        for method, r in results.methods.items()
    )
    return (
        f"No Attack: {every}. Attacks: the first {attacked:,} of them, on which the "
        f"unattacked ensembles reach {clean}."
    )


def counted(number: int, thing: str) -> str:
    """Return a number of things in words."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def attacked_images(results: Results) -> int:
    """Return the number of attacked images."""
    return next(iter(results.methods.values())).clean_attacked.images


def as_text(results: Results) -> str:
    """Return the table for a terminal of 100 columns."""
    top = f"{'':<25}{'No Attack':<30}{'Adv. 1':<30}{'Adv. 2'}"
    names = [column.split(", ")[1] for column in COLUMNS.values()]
    found = []
    attack = ""
    for line in lines(results):
        if line.attack != attack:
            attack = line.attack
            found += ["", top, f"{attack:<25}{spaced(names)}"]
        method = line.method if line.kind == "ours" else ""
        found.append(f"{method:<13}{line.kind:<12}{spaced(line.cells)}")
    return "\n".join(found[1:])


def spaced(cells: list[str]) -> str:
    """Return cells in columns."""
    return "".join(f"{cell:<15}" for cell in cells).rstrip()


def as_markdown(results: Results) -> str:
    """Return the table in Markdown."""
    head = ["", "", "", *COLUMNS.values()]
    rows = [
        [*(ln[:2] if ln.kind == "ours" else ("", "")), ln.kind, *ln.cells]
        for ln in lines(results)
    ]
    table = [head, ["---"] * 3 + ["---:"] * 5, *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in table)


def verdict_table(runs: list[Results]) -> str:
    """Return the verdicts on the paper's claims in Markdown, a column for each run."""
    judged = [{v.topic: v.verdict for v in judge(results)} for results in runs]
    head = ["the paper's claim", *(results.configuration.dataset for results in runs)]
    rows = [
        [c.topic, *(verdicts.get(c.topic, "not claimed") for verdicts in judged)]
        for c in CLAIMS
        if any(c.topic in verdicts for verdicts in judged)
    ]
    table = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in table)


def write_table2(folder: Path) -> None:
    """Print table and claims of the results in a folder, and write table2.md."""
    results = results_file.read(folder)
    print(f"\n{title(results)}\n\n{as_text(results)}\n")
    claims_title = f"{CLAIMS_TITLE} ({DIRECTION}):"
    claims = [*sentences(results), "", TRAINED_ONCE]
    for text in (*notes(results), "", claims_title, "", *claims):
        print(fill(text, width=88, subsequent_indent="  "))
    items = "\n".join(f"- {sentence}" for sentence in sentences(results))
    parts = [f"# {title(results)}", as_markdown(results), *notes(results)]
    head = f"## {CLAIMS_TITLE}\n\n{DIRECTION.capitalize()}. {TRAINED_ONCE}"
    text = "\n\n".join([*parts, head, items])
    write_text(folder / "table2.md", text + "\n")
    print(f"\n{folder / 'table2.md'} written")
