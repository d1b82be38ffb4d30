"""Put the runs' Table 2 into the README, so that no number there is typed by hand.

    python -m tutorials.paper.readme README.md [FOLDER ...]

takes the full runs in results/, as far as they are there, else the quick one.
"""

from collections.abc import Sequence
from pathlib import Path

from minidl.files import write_text
from tutorials.paper import results as results_file
from tutorials.paper.paper_numbers import (
    ATTACK_NAMES,
    COLUMNS,
    HALVES,
    METHOD_NAMES,
    paper_accuracy,
)
from tutorials.paper.program import one_line_errors, parser_of
from tutorials.paper.results import Cell, Results
from tutorials.paper.strict_page import strict_markdown, what_is_left
from tutorials.paper.strict_results import strict_of
from tutorials.paper.table2 import TRAINED_ONCE, notes, title, verdict_table

VERDICTS = (
    "The paper's claims, judged by these numbers at 95 %: a claim of several "
    "comparisons holds if all hold, and does not if one comes out the other way. Only "
    "the direction is judged, not the sizes that the paper names, and only under the "
    "paper's own attacks: stronger ones stand under “Does the defence hold?” "
    f"{TRAINED_ONCE}"
)


def committed(root: Path = Path()) -> list[Path]:
    """Return the folders of the full runs in a checkout, else that of the quick one."""
    full = [Path(f"results/{dataset}-full") for dataset in HALVES]
    there = [folder for folder in full if (root / folder / "results.json").exists()]
    return there or [Path("results/readme")]


def update(folders: Sequence[Path], readme: Path) -> None:
    """Show the results in one or several folders in the README."""
    runs = [results_file.read(folder) for folder in folders]
    pairs = list(zip(folders, runs, strict=True))
    parts = [part for pair in pairs for part in show(*pair)]
    verdicts = f"{VERDICTS}\n\n{verdict_table(runs)}"
    strict = [part for pair in pairs for part in show_strict(*pair)]
    replace_marked(readme, "results", "\n\n".join([*parts, verdicts, *strict]))


def show(folder: Path, results: Results) -> list[str]:
    """Return one run: its table and Figure 2."""
    return [
        f"{title(results)}. Each cell: ours (the paper's).",
        compact_table(results),
        *notes(results)[:-2],
        f"Intervals, and each claim with its numbers: "
        f"[{folder}/table2.md]({folder}/table2.md).",
        f"![Bars: our accuracies on {results.configuration.dataset} by attack and "
        f"method, the paper's as marks]({folder}/figure2.png)",
    ]


def show_strict(folder: Path, results: Results) -> list[str]:
    """Return what is left of one run's ensembles under attacks that fit them."""
    found = strict_of(results, folder)
    if found is None:
        return []
    return [
        f"**Does the defence hold?** {results.configuration.dataset}: Adv. 1 and "
        "Adv. 2 as above; beside them No Attack and attacks that fit an ensemble, on "
        f"the first {found.images:,} test images ([how]({folder}/strict.md)):",
        strict_markdown(results, found),
        what_is_left(results, found),
    ]


def replace_marked(readme: Path, name: str, shown: str) -> None:
    """Replace what stands between two marks; ValueError if they aren't there."""
    text = readme.read_text(encoding="utf-8")
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if start not in text or end not in text:
        raise ValueError(f"{readme} must contain {start} and {end}")
    before, _, rest = text.partition(start)
    after = rest.partition(end)[2]
    write_text(readme, f"{before}{start}\n{shown}\n{end}{after}")


def compact_table(results: Results) -> str:
    """Return Table 2 in Markdown, one line for each attack and method."""
    head = ["", "", *COLUMNS.values()]
    rows = [
        [ATTACK_NAMES[attack], METHOD_NAMES[method]]
        + [both(results, attack, method, column, cells[column]) for column in COLUMNS]
        for attack, methods in results.table2.items()
        for method, cells in methods.items()
    ]
    table = [head, ["---"] * 2 + ["---:"] * 5, *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in table)


def both(results: Results, attack: str, method: str, column: str, cell: Cell) -> str:
    """Return our accuracy, and the paper's in brackets."""
    paper = paper_accuracy(results.configuration.dataset, attack, method, column)
    brackets = "" if paper is None else f" ({paper:.3f})"
    return f"{cell.accuracy:.3f}{brackets}"


def main(argv: list[str] | None = None) -> None:
    """Do what the command line says."""
    parser = parser_of("tutorials.paper.readme", __doc__)
    parser.add_argument("readme", type=Path, metavar="README.md")
    parser.add_argument("folders", nargs="*", default=[], type=Path, metavar="FOLDER")
    args = parser.parse_args(argv)
    with one_line_errors(parser.prog):
        update(args.folders or committed(), args.readme)


if __name__ == "__main__":
    main()
