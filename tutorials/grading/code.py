"""The statements in a submitted file, which are read but not run.

A cell that isn't Python is split into smaller parts, so that one mistake doesn't cost
another answer. Commands to the notebook (lines with %, ! and ?) are left out.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from symtable import symtable
from typing import Any

from minidl.store.files import open_regular
from tutorials.grading.needs import bound, defined, imported
from tutorials.notebooks import chapters

MOST = 2**25  # bytes of a file: pictures are part of a notebook
COMMAND = re.compile(
    r"([ \t]*)(?:(?:[\w., ]+=[ \t]*)?[%!?]|[^#]*\?[ \t]*$|(?:pip|conda|cd)[ \t])"
)
OTHER = re.compile(  # cells that aren't run as Python; unknown ones are
    r"%%(?:!|bash|cmd|file|html|javascript|js|julia|latex|markdown|perl|R|ruby|script|sh"
    r"|skip|sql|svg|sx|system|writefile)(?!\w)",
    re.I,
)
PART = re.compile(r"^(?=def |class |import |from |@|# %%)", re.M)
LINE = re.compile(r"^(?=\w)", re.M)
NAMES = re.compile(
    r"^[ \t]*(?:(?:async +)?def +|(?=\w+[ \t]*=[ \t]*lambda\b))(\w+)", re.M
)
HINT = re.compile(r"^(\w+), hint (\d+) of \d+: ", re.M)
COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
FAULTS = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass
class Code:
    """The statements of a file, in their order, and the parts that aren't Python."""

    statements: list[ast.stmt] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)  # a sentence by function
    hints: Counter[str] = field(default_factory=Counter)  # their number, by exercise

    def add(self, text: str) -> None:
        """Add the statements of a text, or of those parts of it that can be read."""
        try:
            self.statements += parsed(text)
            return
        except FAULTS as error:
            fault = error
        for between in (PART, LINE):
            parts = [part for part in between.split(text) if part.strip()]
            if len(parts) > 1:
                for part in parts:
                    self.add(part)
                return
        for name in NAMES.findall(text):
            self.broken[name] = f"its code isn't Python: {described(fault)}"

    def functions(self) -> set[str]:
        """Return the names of the student's own functions."""
        own = (s for s in self.statements if not is_given(s))
        return {name for s in own for name in defined(s)}

    def places(self, name: str) -> list[int]:
        """Return where a name gets the student's own value, perhaps a function."""
        return [
            place
            for place, s in enumerate(self.statements)
            if name in bound(s) - (imported(s) - defined(s))
            and not (isinstance(s, ast.ClassDef) or is_given(s))
        ]


def parsed(text: str) -> list[ast.stmt]:
    """Return a text's statements, with `pass` for each command to the notebook.

    Commands are where the parser stops: not in a string, nor in a line that goes on. A
    backslash ends their lines but the last.
    """
    lines = re.split(r"\r\n?|\n", text)
    while True:
        try:
            version = "\n".join(lines)
            symtable(version, "answer", "exec")  # finds faults that `ast` doesn't
            return ast.parse(version).body
        except SyntaxError as error:
            first = last = min(error.lineno or 1, len(lines)) - 1
            while first and lines[first - 1].endswith("\\"):
                first -= 1
            while last < len(lines) - 1 and lines[last].endswith("\\"):
                last += 1
            command = COMMAND.match(lines[first])
            if not command:
                raise
            lines[first : last + 1] = [f"{command[1]}pass", *[""] * (last - first)]


def described(error: Exception) -> str:
    """Return what is wrong with a text, and the line if it is known."""
    line = (getattr(error, "text", None) or "").strip()[:60]
    return f"{getattr(error, 'msg', None) or error}" + (
        f", in {line!r}" if line else ""
    )


def is_given(statement: ast.stmt) -> bool:
    """Return whether a statement is the course's own, unchanged."""
    return ast.dump(statement) in given()


@cache
def given() -> set[str]:
    """Return the chapters' own statements, without the empty exercises."""
    course = Code()
    for chapter in chapters():
        course.add(chapter.read_text(encoding="utf-8"))
    return {ast.dump(s) for s in course.statements if not is_empty(s)}


def is_empty(statement: ast.stmt) -> bool:
    """Return whether a function still ends in `return ...`."""
    return ast.unparse(statement).endswith("return ...")


def without_emptied(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Return statements without the empty exercises that the student has filled in."""
    own = {name for s in statements if not is_empty(s) for name in defined(s)}
    return [s for s in statements if not (is_empty(s) and bound(s) <= own)]


def read(path: Path) -> Code:
    """Return a file's code. Raises OSError or ValueError if it can't be read."""
    code = Code()
    with open_regular(path, MOST) as file:
        content = file.read()
    text = decoded(content)
    is_python = path.suffix.lower() == ".py" and not text.lstrip().startswith("{")
    if is_python or not text.strip():
        code.add(text)
    else:
        for source, outputs in cells(text):
            code.add(without_cell_magic(source))
            for name, number in HINT.findall(outputs):
                code.hints[name] = max(code.hints[name], int(number))
    for name, count in Counter(hints_in(code.statements)).items():
        code.hints[name] = max(code.hints[name], count)
    code.statements = without_emptied(code.statements)
    return code


def decoded(content: bytes) -> str:
    """Return a file's text: in its own encoding, UTF-8, UTF-16 or Latin-1."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    head = content[:200].decode("latin-1").splitlines()[:2]
    named = [match[1] for match in map(COOKIE.match, head) if match]
    for encoding in (*named, "utf-8-sig"):
        try:
            return content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("latin-1")


def cells(content: str) -> Iterator[tuple[str, str]]:
    """Return the source and the printed outputs of a notebook's cells of code."""
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no notebook ({error})") from error
    try:
        sheets = notebook.get("worksheets", [notebook])  # of the format before 2014
        for cell in (cell for sheet in sheets for cell in sheet["cells"]):
            if cell["cell_type"] == "code":
                source = joined(cell.get("source", cell.get("input", "")))
                yield source, printed(cell.get("outputs", []))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("it is no notebook: it has no cells") from error


def printed(outputs: Iterable[Any]) -> str:
    """Return the text that a cell has printed."""
    return "".join(joined(output.get("text", "")) for output in outputs)


def joined(text: Any) -> str:
    """Return a text that may be stored as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def without_cell_magic(source: str) -> str:
    """Return a cell without a first line like %%time; "" for another language."""
    if not source.startswith("%%"):
        return source
    return "" if OTHER.match(source) else source.partition("\n")[2]


def hints_in(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """Return the exercises for which `hint` is called."""
    for node in (node for s in statements for node in ast.walk(s)):
        match node:
            case ast.Call(ast.Name("hint"), [ast.Constant(str() as name)]):
                yield name
            case ast.Call(ast.Name("hint"), [ast.Name(name)]):
                yield name
