"""Both halves of Table 2 on one page, ours beside the paper's, from committed results.

    python -m tutorials.paper.combined

takes the full runs in results/, as far as they are there, and writes results/table2.md.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from minidl.files import write_text
from tutorials.paper import results as results_file
from tutorials.paper.program import one_line_errors, parser_of
from tutorials.paper.readme import VERDICTS, committed
from tutorials.paper.results import Results
from tutorials.paper.strict_page import strict_section
from tutorials.paper.strict_results import strict_of
from tutorials.paper.table2 import as_markdown, notes, title, verdict_table


def combined(folders: Sequence[Path], out: Path) -> str:
    """Return the page; `out` is where it will lie, for its links."""
    runs = [results_file.read(folder) for folder in folders]
    parts = ["# Table 2, ours and the paper's"]
    for folder, results in zip(folders, runs, strict=True):
        parts += half(os.path.relpath(folder, out.parent), results)
        if (strict := strict_of(results, folder)) is not None:
            parts.append(strict_section(results, strict, "###"))
    parts += ["## The paper's claims", VERDICTS, verdict_table(runs)]
    return "\n\n".join(parts) + "\n"


def half(link: str, results: Results) -> list[str]:
    """Return what the page says of one run."""
    environment, hours = results.environment, results.execution.core_hours
    return [
        f"## {title(results)}",
        as_markdown(results),
        *notes(results),
        f"Training took {hours:.1f} core-hours on {environment.cpu}, with "
        f"minidl {environment.minidl}, NumPy {environment.numpy} and Numba "
        f"{environment.numba}. The claims with their numbers: "
        f"[{link}/table2.md]({link}/table2.md).",
        f"![Bars: our accuracies by attack and method, 95 % intervals, the paper's as "
        f"marks]({link}/figure2.png)",
    ]


def main(argv: list[str] | None = None) -> None:
    """Write the page."""
    parser = parser_of("tutorials.paper.combined", __doc__)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, default=Path("results/table2.md"))
    args = parser.parse_args(argv)
    with one_line_errors(parser.prog):
        write_text(args.out, combined(args.folders or committed(), args.out))
        print(f"{args.out} written")


if __name__ == "__main__":
    main()
