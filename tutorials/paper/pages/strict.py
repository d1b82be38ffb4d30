"""Does the defence hold? Adaptive attacks beside the columns of Table 2."""

from pathlib import Path
from textwrap import fill

from ensembles import METHODS
from minidl.store.files import write_text
from tutorials.paper.claims.verdicts import read_run
from tutorials.paper.pages.conclusion import mean_of_singles, what_is_left
from tutorials.paper.pages.markdown import Table, page
from tutorials.paper.pages.notes import name_of
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import Results
from tutorials.paper.results.strict import Strict, with_singles

TITLE = "Does the defence hold? Adaptive attacks"
HEAD = ["eps of", "", "No Attack", "Adv. 1", "Adv. 2"]
WORST, SINGLES, NONE = "worst case", "singles, worst case", "-"


def strict_table(results: Results, adaptive: Strict) -> Table:
    """Return the table, a row for each eps and method."""
    first = next(iter(next(iter(adaptive.methods.values())).values()))
    rows = [
        row(results, adaptive, attack, method)
        for attack, methods in results.table2.items()
        for method in methods
        if method in adaptive.methods
    ]
    singles = [SINGLES] if with_singles(adaptive) else []
    return Table([*HEAD, *first.attacks, WORST, *singles], rows, words=2)


def row(results: Results, adaptive: Strict, attack: str, method: str) -> list[str]:
    """Return one method's accuracies within one attack's eps."""
    ours, cells = adaptive.methods[method][attack], results.table2[attack][method]
    two = cells["adv1_ensemble"], cells["adv2_ensemble"]
    values = [ours.clean, *(cell.accuracy for cell in two)]
    values += [*ours.attacks.values(), ours.worst]
    eps = f"{ATTACK_NAMES[attack]}, {adaptive.eps[attack]:g}"
    shown = [f"{value:.3f}" for value in values]
    if with_singles(adaptive):
        alone = mean_of_singles(ours, adaptive.images)
        shown.append(f"{alone.value:.3f}" if alone else NONE)
    return [eps, METHOD_NAMES[method], *shown]


def strict_note(adaptive: Strict) -> str:
    """Return what the columns mean, and which methods have none yet."""
    missing = [METHOD_NAMES[m] for m in METHODS if m not in adaptive.methods]
    rest = f" {', '.join(missing)}: not attacked." if missing else ""
    return (
        f"These are accuracies of ensembles of {adaptive.members} members. The attacks "
        "are untargeted; no pixel moves by more than eps (Linf) or leaves [0, 1]. Adv. "
        "1 and Adv. 2 are those of Table 2. The other columns are measured on the "
        f"first {adaptive.images:,} test images. PGD-100 is projected gradient descent "
        "on the ensemble's own cost, -log of the mean probability, with 100 steps from "
        "each of 5 random starts. APGD-CE is Auto-PGD on the same cost, APGD-DLR on "
        "the difference-of-logits ratio of the log mean probability, both with 100 "
        "steps. "
        f"In the worst case an image must withstand all three.{alone(adaptive)}{rest}"
    )


def alone(adaptive: Strict) -> str:
    """Return what the column of single members means, or that there is none."""
    attacked = with_singles(adaptive)
    if attacked is None:
        return " In this run single members were not attacked by the same attacks."
    unknown = f" {NONE}: not attacked yet." if attacked != adaptive else ""
    return (
        " The last column is the mean worst case of single members, each attacked "
        f"alone by the same three attacks on its own cost and ratio.{unknown}"
    )


def heading(results: Results) -> str:
    """Return the page's title, which names data set and network."""
    return f"{TITLE}: {name_of(results.configuration)}"


def strict_section(results: Results, adaptive: Strict | None, level: str) -> str:
    """Return heading, table, verdict and note in Markdown, "" without attacks."""
    if adaptive is None:
        return ""
    return page(
        f"{level} {heading(results)}",
        strict_table(results, adaptive).markdown(),
        what_is_left(results, adaptive),
        strict_note(adaptive),
    )


def write_strict(folder: Path) -> None:
    """Print the table and verdict of a folder's results, and write strict.md.

    Raises FileNotFoundError if the strict attacks haven't been run.
    """
    results, adaptive, _ = read_run(folder)
    if adaptive is None:
        raise FileNotFoundError(
            f"no results of adaptive attacks in {folder}: the verb strict makes them"
        )
    print(f"\n{heading(results)}\n\n{strict_table(results, adaptive).text()}\n")
    for text in (what_is_left(results, adaptive), "", strict_note(adaptive)):
        print(fill(text, width=88))
    write_text(folder / "strict.md", strict_section(results, adaptive, "#"))
    print(f"\n{folder / 'strict.md'} written")
