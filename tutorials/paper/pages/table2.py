"""Table 2: our accuracies beside the paper's."""

from pathlib import Path
from textwrap import fill

from minidl.store.files import write_text
from tutorials.paper.claims.intervals import of_cell
from tutorials.paper.claims.verdicts import read_run, sentences
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
from tutorials.paper.results import Results


def tables(results: Results) -> list[Table]:
    """Return Table 2, a table for each attack."""
    found = []
    for attack, methods in results.table2.items():
        rows = [row for method in methods for row in block(results, attack, method)]
        head = [ATTACK_NAMES[attack], "", *COLUMNS.values()]
        found.append(Table(head, rows, words=2))
    return found


def block(results: Results, attack: str, method: str) -> list[list[str]]:
    """Return a method's four rows under one attack, two if the paper has no numbers."""
    dataset, cells = results.configuration.dataset, results.table2[attack][method]
    ours = [cells[column].accuracy for column in COLUMNS]
    ends = [of_cell(cells[column]) for column in COLUMNS]
    rows = [
        [f"**{METHOD_NAMES[method]}**", "ours", *(f"**{v:.4f}**" for v in ours)],
        ["", "95 %", *(f"{low:.4f}-{high:.4f}" for _, low, high in ends)],
    ]
    papers = [paper_accuracy(dataset, attack, method, c) for c in COLUMNS]
    if known := [p for p in papers if p is not None]:
        away = [signed(o - p) for o, p in zip(ours, known, strict=True)]
        rows.append(["", "paper's", *(f"{p:.4f}" for p in known)])
        rows.append(["", "difference", *away])
    return rows


def table2_section(results: Results) -> str:
    """Return Table 2 and its notes in Markdown."""
    parts = [table.markdown() for table in tables(results)]
    return page(*parts, *notes(results))


def write_table2(folder: Path) -> None:
    """Print Table 2 and the claims of a folder's results, and write table2.md."""
    run = read_run(folder)
    results = run.results
    print(f"\n{title(results)}")
    for table in tables(results):
        print(f"\n{table.text()}")
    words = [*notes(results), "", f"{CLAIMS_TITLE}. {DIRECTION}", ""]
    for text in (*words, *sentences(run), "", TRAINED_ONCE):
        print(fill(text, width=88, subsequent_indent="  "))
    parts = table2_section(results), claims_section(run)
    write_text(folder / "table2.md", page(f"# {title(results)}", *parts))
    print(f"\n{folder / 'table2.md'} written")
