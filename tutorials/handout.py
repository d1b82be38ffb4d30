"""The course for a class: notebooks without outputs or solutions.

    python -m tutorials.handout DIR                  all chapters
    python -m tutorials.handout DIR 01_one_neuron    some of them

Files that are already in the folder aren't overwritten. Students need the installed
package and Jupyter, but neither solutions nor the repository.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from minidl.store.files import atomic_write, check_writable
from tutorials.command_line import (
    a_path,
    check_installed,
    one_line_errors,
    parser_of,
)
from tutorials.notebooks import CHAPTERS, add_chapters, cells_of, chapters
from tutorials.paper import results

RESULTS = {  # read by a chapter
    "09": ("labels",),
    "11": ("mnist-full-literal", "mnist-full", "starts"),
}
LETTER = """# Your course

    pip install "minidl[tutorials] @ {source}" jupyterlab
    jupyter lab

{hint}
Open `{first}`, and run one cell after the other, from top to bottom. The exercises are
at the end. Replace `...` by your answer, and run the cell. `check` says whether your
answer is right, and if not, what is wrong. `hint("neuron")` helps with the exercise of
this name, a little more each time. `python -m tutorials.progress` lists your progress.

Hand in the notebooks, in a folder with your name. Only the exercises' functions are
graded. Each file must stand alone: write helpers into the notebook that uses them.
"""
HINT = """If this folder isn't on your computer, ask for a copy, and write its
path into the first command.
"""


def files(chosen: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of some chapters' files."""
    import jupytext

    for chapter in chosen:
        text = jupytext.writes(cells_of(chapter), fmt="ipynb") + "\n"
        yield f"{chapter.stem}.ipynb", text.encode()
        for name in RESULTS.get(chapter.stem[:2], ()):
            folder = results.published(name)
            for file in sorted(folder.rglob("*.json")):
                place = file.relative_to(folder).as_posix()
                yield f"results/{name}/{place}", file.read_bytes()


def source_in(clone: Path) -> str:
    """Return where students install from: the repository's address, or the clone."""
    try:
        code = (clone / "setup.py").read_text(encoding="utf-8")
    except FileNotFoundError:  # an installed package
        return "file:///path/to/minidl"
    [address] = re.findall('^REPOSITORY = "(.*)"$', code, re.M)
    return f"git+{address}" if address else clone.absolute().as_uri()


def hand_out(folder: Path, chosen: Sequence[Path]) -> list[str]:
    """Write the chapters' missing files; return those that already existed."""
    source = source_in(CHAPTERS.parent)
    hint = HINT if source.startswith("file:") else ""
    letter = LETTER.format(source=source, hint=hint, first=f"{chosen[0].stem}.ipynb")
    kept = []
    for name, content in [("README.md", letter.encode()), *files(chosen)]:
        if os.path.lexists(folder / name):
            kept.append(name)
            continue
        with atomic_write(folder / name) as file:
            file.write(content)
    return kept


def main(argv: Sequence[str] | None = None) -> None:
    """Write the handout of the chapters that the command line names."""
    parser = parser_of("tutorials.handout", __doc__)
    parser.add_argument("folder", type=a_path, metavar="DIR")
    add_chapters(parser)
    args = parser.parse_args(argv)
    with one_line_errors(parser.prog, lambda: "the same command continues"):
        check_installed("jupytext", "tutorials", "a handout")
        check_writable("DIR", args.folder)
        kept = hand_out(args.folder, args.chapters or chapters())
        if kept:
            print(f"kept as they are, since they exist: {', '.join(kept)}")
        print(f"the handout is in {args.folder}")


if __name__ == "__main__":
    main()
