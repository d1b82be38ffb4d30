"""The figures of a run as SVG files, and how pages show them.

A figure has several pictures, side by side or, on a phone, below each other.
"""

from collections.abc import Iterator
from pathlib import Path

from minidl.backend import Array
from minidl.store.files import write_text
from tutorials.paper.claims.verdicts import Run, read_run
from tutorials.paper.pages.drawings import (
    HALF,
    Figure,
    as_svg,
    figure1,
    figure2,
    fooled,
)
from tutorials.paper.pages.notes import in_words
from tutorials.paper.pages.verdict import bars
from tutorials.paper.paper_numbers import ATTACK_NAMES
from tutorials.paper.results import Results
from tutorials.paper.results.examples import read_examples

BARS = "verdict.svg"
FIGURE1 = (
    "Images that a single network classifies correctly, and below each the same image "
    "after the attack, with the class that the network predicts for it"
)
FIGURE2 = (
    "Bars of the accuracies in Table 2, a group for each method, with 95 % intervals "
    "and the paper's values as marks"
)
FOOLED = (
    "One curve for each method: the percentage of images that fool none, one, ... or "
    "all members when perturbed against one of them"
)


def draw(run: Run, arrays: dict[str, Array]) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of a run, each with the name of its file."""
    results = run.results
    yield BARS, bars(results, run.adaptive)
    for start in range(0, len(arrays["x"]), HALF):
        part = {name: array[start : start + HALF] for name, array in arrays.items()}
        yield f"figure1-{start}.svg", figure1(results, part)
    for attack in results.table2:
        yield f"figure2-{attack}.svg", figure2(results, attack)
        yield f"fooled-{attack}.svg", fooled(results, attack)


def show_figure1(results: Results, folder: Path) -> str:
    """Return Figure 1 of a folder's results in Markdown, with its caption."""
    attack, images = results.examples.attack, len(read_examples(results, folder)["x"])
    files = [f"figure1-{start}.svg" for start in range(0, images, HALF)]
    settings = in_words(results.configuration.attacks[attack])
    return (
        f"{side_by_side(FIGURE1, files)}\n\nThe upper rows are images that a single "
        "network classifies correctly. The lower rows are the same images after "
        f"{ATTACK_NAMES[attack]} ({settings}), with the predicted classes."
    )


def show_figure2(results: Results, link: str = "") -> str:
    """Return Figure 2 in Markdown."""
    files = [f"figure2-{attack}.svg" for attack in results.table2]
    return side_by_side(FIGURE2, files, link)


def show_fooled(results: Results) -> str:
    """Return the figures of fooled members in Markdown."""
    return side_by_side(FOOLED, [f"fooled-{attack}.svg" for attack in results.table2])


def side_by_side(text: str, files: list[str], link: str = "") -> str:
    """Return pictures in Markdown; a narrow page shows them below each other."""
    return " ".join(f"![{text}]({link}{file})" for file in files)


def draw_all(folder: Path) -> list[Path]:
    """Write the figures of the results in a folder; return their files."""
    run, files = read_run(folder), []
    for name, figure in draw(run, read_examples(run.results, folder)):
        write_text(folder / name, as_svg(figure))
        files.append(folder / name)
    return files


def write_figures(folder: Path) -> None:
    """Write the figures of the results in a folder, and say where."""
    print(*(f"{file} written" for file in draw_all(folder)), sep="\n")
