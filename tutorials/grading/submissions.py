"""The files that each student handed in."""

import re
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from unicodedata import normalize

from tutorials.notebooks import chapters

KINDS = (".py", ".ipynb")
OURS = ("grades.csv", "grades.html", "grades.part.csv", "grades.part.html")
COPY = re.compile(  # also in German, French, Italian and Spanish
    r"^(?:copy of|kopie von|copie de|copia d[ei])[-_ ]+|"
    r"([-_ .]*(\(\d+\)|[-_ .]((?:copy|kopie|copie|copia) ?\d*|v\d+|final)))+$",
    re.I,
)
NO_ANSWERS = {"__MACOSX", "__pycache__"}  # with hidden folders, as .ipynb_checkpoints


def submissions(folder: Path) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return each student's files, and the files of other kinds.

    Each folder inside is a student's, with everything below it. A file is the student's
    whose name it has: anna.ipynb, or anna_01_one_neuron.ipynb; one of another kind is
    nobody's. Raises FileNotFoundError if there is neither a folder nor such a file,
    NotADirectoryError if `folder` isn't a folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder")
    found: dict[str, list[Path]] = {}
    entries = [e for e in folder.iterdir() if not hidden(e) and e.name not in OURS]
    loose = [e for e in entries if not (e.is_dir() or of_kind(e))]
    for entry in sorted({*entries} - {*loose}):
        student = entry.name if entry.is_dir() else student_of(entry)
        below = entry.rglob("*") if entry.is_dir() else [entry]
        parts = found.setdefault(printable(student), [])
        parts += sorted(path for path in below if is_handed_in(path, folder))
    if not found:
        raise FileNotFoundError(f"{folder} holds no submissions: {', '.join(KINDS)}")
    files = {s: [p for p in paths if of_kind(p)] for s, paths in found.items()}
    others = [p for paths in found.values() for p in paths if not of_kind(p)]
    return files, sorted(loose) + others


def is_handed_in(path: Path, folder: Path) -> bool:
    """Return whether a path is a file, and neither it nor its folders are hidden."""
    parents = [part for part in path.parents if folder in part.parents]
    return path.is_file() and not any(map(hidden, (path, *parents)))


def hidden(path: Path) -> bool:
    """Return whether a path isn't the student's own; links aren't."""
    return path.name.startswith(".") or path.name in NO_ANSWERS or path.is_symlink()


def of_kind(path: Path) -> bool:
    """Return whether a file is Python or a notebook, by its name."""
    return path.suffix.lower() in KINDS


def student_of(path: Path) -> str:
    """Return the name of a file without the chapter's, and without marks of a copy."""
    stems = "|".join(re.escape(chapter.stem) for chapter in chapters())
    name = re.sub(rf"[-_ .]*({stems})[-_ .]*", "_", path.stem, flags=re.I)
    return COPY.sub("", name).strip("-_ .") or path.stem


def alike(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of names of which one is the other's beginning, word by word."""
    words = {
        name: re.findall(r"[^\W_]+", COPY.sub("", name).casefold()) for name in names
    }
    return [
        (a, b)
        for a, b in combinations(words, 2)
        if words[a][:1] == words[b][:1]
        and all(i == j for i, j in zip(words[a], words[b], strict=False))
    ]


def printable(name: str) -> str:
    """Return a file's name in NFC, with numbers for what UTF-8 can't hold."""
    return normalize("NFC", name).encode("utf-8", "backslashreplace").decode()
