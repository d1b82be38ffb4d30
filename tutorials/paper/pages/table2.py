"""Table 2: our accuracies beside the paper's."""

from pathlib import Path
from textwrap import fill

from minidl.files import write_text
from tutorials.paper import results as results_file
from tutorials.paper.claims.intervals import of_cell
from tutorials.paper.claims.verdicts import sentences
from tutorials.paper.pages.claims import (
    CLAIMS_TITLE,
    DIRECTION,
    TRAINED_ONCE,
    claims_section,
)
from tutorials.paper.pages.markdown import Table, page, signed
from tutorials.paper.pages.notes import notes, title
from tutorials.paper.paper_numbers import (
    ATTACK_NAMES,
    COLUMNS,
    METHOD_NAMES,
    paper_accuracy,
)
from tutorials.paper.results import Cell, Results


def tables(results: Results) -> list[Table]:
    """Return Table 2, a table for each attack."""
    dataset = results.configuration.dataset
    return [
        Table(
            [ATTACK_NAMES[attack], "", *COLUMNS.values()],
            [
                row
                for method, cells in methods.items()
                for row in block(dataset, attack, method, cells)
            ],
            words=2,
        )
        for attack, methods in results.table2.items()
    ]


def block(
    dataset: str, attack: str, method: str, cells: dict[str, Cell]
) -> list[list[str]]:
    """Return a method's four rows under one attack, two where there's no paper."""
    ours = [cells[column].accuracy for column in COLUMNS]
    paper = [paper_accuracy(dataset, attack, method, c) for c in COLUMNS]
    rows = [
        [f"**{METHOD_NAMES[method]}**", "ours", *(f"**{v:.4f}**" for v in ours)],
        ["", "95 %", *(interval(cells[column]) for column in COLUMNS)],
    ]
    known = [p for p in paper if p is not None]
    if known:
        away = [signed(o - p) for o, p in zip(ours, known, strict=True)]
        rows.append(["", "paper's", *(f"{p:.4f}" for p in known)])
        rows.append(["", "difference", *away])
    return rows


def interval(cell: Cell) -> str:
    """Return the ends of a cell's 95 % interval."""
    _, low, high = of_cell(cell)
    return f"{low:.4f}-{high:.4f}"


def table2_section(results: Results) -> str:
    """Return Table 2 and its notes in Markdown."""
    parts = [table.markdown() for table in tables(results)]
    return page(*parts, *notes(results))


def write_table2(folder: Path) -> None:
    """Print table and claims of the results in a folder, and write table2.md."""
    results = results_file.read(folder)
    print(f"\n{title(results)}")
    for table in tables(results):
        print(f"\n{table.text()}")
    words = [*notes(results), "", f"{CLAIMS_TITLE}. {DIRECTION}", ""]
    for text in (*words, *sentences(results), "", TRAINED_ONCE):
        print(fill(text, width=88, subsequent_indent="  "))
    parts = f"# {title(results)}", table2_section(results), claims_section(results)
    write_text(folder / "table2.md", page(*parts))
    print(f"\n{folder / 'table2.md'} written")
