"""Put a run's Table 2 into the README, so that no number there is typed by hand.

python -m tutorials.paper.readme results/readme README.md
"""

import sys
from pathlib import Path

from minidl.files import write_text
from tutorials.paper import results as results_file
from tutorials.paper.paper_numbers import (
    ATTACK_NAMES,
    COLUMNS,
    METHOD_NAMES,
    paper_accuracy,
)
from tutorials.paper.results import Cell, Results
from tutorials.paper.table2 import notes, title
from tutorials.paper.verdicts import judge


def update(folder: Path, readme: Path) -> None:
    """Show a folder's results in the README."""
    results = results_file.read(folder)
    parts = [
        f"{title(results)}. Each cell: ours (the paper's).",
        compact_table(results),
        *notes(results)[:1],
        claims(results),
        f"![Bars: our accuracies by attack and method, the paper's as marks]"
        f"({folder}/figure2.png)",
        f"Everything else of this run, the claims with their numbers among it: "
        f"[{folder}/table2.md]({folder}/table2.md).",
    ]
    replace_marked(readme, "results", "\n\n".join(parts))


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


def claims(results: Results) -> str:
    """Return how many of the paper's claims held, and which ones did not."""
    verdicts = judge(results)
    held = sum(v.held is True for v in verdicts)
    others = "".join(f"\n- {v.topic}" for v in verdicts if v.held is False)
    return f"{held} of the paper's {len(verdicts)} claims held. These didn't:\n{others}"


if __name__ == "__main__":
    update(Path(sys.argv[1]), Path(sys.argv[2]))
