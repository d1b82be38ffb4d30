"""From chapters to notebooks: execute each chapter and keep its outputs.

    python -m tutorials.notebooks                 all chapters
    python -m tutorials.notebooks 01_one_neuron   one of them

A chapter is a Python file in cells (the percent format). The folder `notebooks` holds
its notebook, the same cells with their outputs, and its first picture. A notebook that
somebody has edited is kept as it is.
"""

import argparse
import base64
import hashlib
import html
import os
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from minidl.parallel.progress import progress
from minidl.store import refused
from minidl.store.files import atomic_write, write_text
from tutorials.command_line import check_installed, one_line_errors, parser_of
from tutorials.paper.pages.markdown import Table, replace_marked

CHAPTERS = Path(__file__).parent
NOTEBOOKS = CHAPTERS / "notebooks"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
PICTURE = re.compile(r'<img src="data:image/png;base64,(.*?)" alt="(.*?)"')
SECONDS = 300  # for one cell


def chapters() -> list[Path]:
    """Return the chapters' files in order."""
    return sorted(CHAPTERS.glob("[0-9][0-9]_*.py"))


def notebook_of(chapter: Path) -> Path:
    """Return the path of a chapter's notebook."""
    return NOTEBOOKS / f"{chapter.stem}.ipynb"


def cells_of(chapter: Path) -> Any:
    """Return a chapter as a notebook without outputs; equal files give equal ones."""
    import jupytext

    notebook = jupytext.read(chapter, fmt="py:percent")
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell.id = id_of(number, cell.source)
    return notebook


def id_of(number: int, source: str) -> str:
    """Return a new cell's id, which editors keep when the text changes."""
    return hashlib.sha256(f"{number} {source}".encode()).hexdigest()[:8]


def typed(path: Path) -> list[int]:
    """Return the numbers of the cells that somebody has typed or changed.

    Raises ValueError for a file that isn't a notebook.
    """
    import jupytext

    if not path.exists():
        return []
    with refused(path):
        cells = jupytext.read(path, fmt="ipynb").cells
        return [
            number
            for number, cell in enumerate(cells)
            if cell.source.strip() and cell.id != id_of(number, cell.source)
        ]


def execute(chapter: Path) -> Any:
    """Return a chapter's notebook with its outputs.

    Raises nbclient's CellExecutionError, which shows the cell, if one fails.
    """
    from nbclient import NotebookClient

    notebook = cells_of(chapter)
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        record_timing=False,
        resources={"metadata": {"path": str(CHAPTERS.parent)}},
    )
    with TemporaryDirectory() as ticks:  # a user's solved exercises stay ticked
        quiet = {"MINIDL_QUIET": "1", "MINIDL_PROGRESS": ticks}
        still = {"MINIDL_PICTURES": "still"}
        client.execute(env=os.environ | quiet | still)
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return notebook


def write(chapter: Path) -> None:
    """Execute a chapter and write its notebook and first picture."""
    import jupytext

    notebook = execute(chapter)
    NOTEBOOKS.mkdir(exist_ok=True)
    write_text(notebook_of(chapter), jupytext.writes(notebook, fmt="ipynb") + "\n")
    png, _ = pictures(notebook)[0]
    with atomic_write(notebook_of(chapter).with_suffix(".png")) as file:
        file.write(png)


def pictures(notebook: Any) -> list[tuple[bytes, str]]:
    """Return the pictures among a notebook's outputs, each with its description."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pages = [output.get("data", {}).get("text/html", "") for output in outputs]
    return [
        (base64.b64decode(png), html.unescape(alt))
        for page in pages
        for png, alt in PICTURE.findall(page)
    ]


def contents(root: Path = CHAPTERS.parent) -> None:
    """List the chapters in docs/chapters.md, and show a strip of them in the README."""
    import jupytext

    rows, strip = [], []
    for chapter in chapters():
        if not notebook_of(chapter).exists():
            continue  # the chapter is still being written
        text = chapter.read_text(encoding="utf-8")
        title, sentence = title_of(text), first_sentence(text)
        _, shown = pictures(jupytext.read(notebook_of(chapter), fmt="ipynb"))[0]
        place = notebook_of(chapter).relative_to(CHAPTERS.parent).as_posix()
        png = place.removesuffix(".ipynb") + ".png"
        picture = f'<img src="../{png}" width="260" alt="{html.escape(shown)}">'
        rows.append([f"[{title}](../{place})<br>{sentence}", picture])
        short = re.split("[:,]", title.partition(". ")[2])[0]
        strip.append(f'<a href="{place}"><img src="{png}" height=52 alt="{short}"></a>')
    table = Table(["chapter", "picture"], rows, words=2).markdown()
    replace_marked(root / "docs/chapters.md", "chapters", table)
    replace_marked(root / "README.md", "strip", "\n".join(strip))


def title_of(text: str) -> str:
    """Return a chapter's title, its first line of text."""
    return text.split("# # ", 1)[1].split("\n", 1)[0]


def first_sentence(text: str) -> str:
    """Return a chapter's promise, the sentence after "You will"."""
    promise = text.split("# **You will** ", 1)[1].split("\n#\n", 1)[0]
    promise = promise.split("\n\n", 1)[0]
    words = " ".join(line.removeprefix("# ") for line in promise.splitlines())
    return words[0].upper() + words[1:]


def add_chapters(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names some of the chapters."""
    names = {path.stem: path for path in chapters()}
    every = ", ".join(names)

    def chapter(name: str) -> Path:
        if name not in names:
            raise argparse.ArgumentTypeError(f"no chapter {name}; there are {every}")
        return names[name]

    parser.add_argument(
        "chapters", nargs="*", default=[], type=chapter, metavar="CHAPTER", help=every
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Make the notebooks of all chapters, or of those that are named."""
    parser = parser_of("tutorials.notebooks", __doc__)
    add_chapters(parser)
    chosen = parser.parse_args(argv).chapters or chapters()
    with one_line_errors(parser.prog, lambda: "notebooks that are written stay"):
        for package in ("jupytext", "nbclient", "ipykernel", "matplotlib"):
            check_installed(package, "tutorials", "a notebook")
        cells = {chapter: typed(notebook_of(chapter)) for chapter in chosen}
        for chapter, numbers in cells.items():
            if numbers:
                print(
                    f"{notebook_of(chapter).name} is kept as it is: somebody has typed "
                    f"in {len(numbers)} cells, the first is number {numbers[0] + 1}"
                )
        made = [chapter for chapter, numbers in cells.items() if not numbers]
        for chapter in progress(made, len(made), "chapters"):
            write(chapter)
        contents()
        print(f"notebooks are in {NOTEBOOKS}, listed in docs/chapters.md")


if __name__ == "__main__":
    main()
