"""The pages of the reference: a section for each module, with its public names.

Docstrings here are plain text, with `names` in backticks, indented equations, tables,
and lines that begin with Shapes, Raises or Source. Sphinx takes reStructuredText.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent, indent
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

from minidl import Array

FOLDER = "docs/api/"
ROOT = Path(__file__).parents[1]
ARRAY = stringify_annotation(Array, "smart")


def setup(app: Sphinx) -> None:
    """Let Sphinx call the four functions below."""
    app.connect("source-read", add_sections)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-process-docstring", docstring)
    app.connect("doctree-resolved", link_names)


def add_sections(app: Sphinx, page: str, source: list[str]) -> None:
    """Add to the page docs/api/PACKAGE what the package makes public."""
    if page.startswith(FOLDER):
        package = import_module(page.removeprefix(FOLDER))
        source[0] += "\n".join(["", *sections(package)])


def docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Turn a docstring into RST; a function's or class's source follows."""
    text = rst("\n".join(lines))
    if what in ("class", "function"):
        text += f"\n\n{source_of(inspect.unwrap(obj))}"
    lines[:] = text.splitlines()


def signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, args: str, result: str
) -> tuple[str, str | None] | None:
    """Return a signature in the words of the source, where aliases have their names."""
    if what == "class" and "__init__" not in vars(obj) and not issubclass(obj, tuple):
        return "()", None
    try:
        function = inspect.unwrap(obj.__init__ if what == "class" else obj)
        [node] = ast.parse(dedent(inspect.getsource(function))).body
    except (AttributeError, OSError, TypeError):  # written by dataclass
        return args and args.replace(ARRAY, "Array").replace("<factory>", "..."), result
    if not isinstance(node, ast.FunctionDef):
        return None  # a property
    if node.args.args and node.args.args[0].arg in ("self", "cls"):
        del node.args.args[0]
    result = ast.unparse(node.returns) if node.returns and what != "class" else ""
    return f"({ast.unparse(node.args)})", result


def source_of(obj: Any) -> str:
    """Return a function's or class's source, folded up below the file's name."""
    path = Path(inspect.getsourcefile(obj)).relative_to(ROOT)
    summary = f"<details><summary>{path.as_posix()}</summary>"
    code = indent(dedent(inspect.getsource(obj)), "   ")
    blocks = [".. raw:: html", f"   {summary}", ".. code-block:: python", code]
    return "\n\n".join([*blocks, ".. raw:: html", "   </details>"])


def link_names(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Link names in pages, such as `attacks.fgsm.fgsm`, to the reference."""
    known = app.env.domains.python_domain.objects
    for literal in list(tree.findall(nodes.literal)):
        name = literal.astext()
        short = re.sub(r"\.(\w+\.)+", ".", name)  # public names are the package's
        found = known.get(name) or known.get(short)
        if found and "." in name and not isinstance(literal.parent, nodes.reference):
            address = app.builder.get_relative_uri(page, found.docname)
            target = f"{address}#{found.node_id}"
            link = nodes.reference("", "", refuri=target, internal=True)
            literal.replace_self(link)
            link += literal


def sections(package: ModuleType) -> Iterator[str]:
    """Yield the lines of a package's page, in Markdown around reStructuredText."""
    for name, members in public(package).items():
        module = sys.modules[name]
        title, _, text = inspect.getdoc(module).partition("\n")
        if module is not package:
            yield f"## {title.removesuffix('.')}\n"
        blocks = [rst(text), f".. currentmodule:: {package.__name__}"]
        blocks += [entry(module, member) for member in members]
        yield "\n".join(["```{eval-rst}", "\n\n".join(blocks), "```\n"])


def public(package: ModuleType) -> dict[str, list[str]]:
    """Return a package's public names by the modules from which it imports them."""
    tree = ast.parse(inspect.getsource(package))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    home = {name.name: node.module for node in imports for name in node.names}
    found: dict[str, list[str]] = {package.__name__: []}
    for name in getattr(package, "__all__", None) or own_functions(package):
        found.setdefault(home.get(name, package.__name__), []).append(name)
    return dict(sorted(found.items(), key=lambda item: item[0]))


def own_functions(module: ModuleType) -> list[str]:
    """Return the public functions of a module that are defined in it."""
    functions = inspect.getmembers(module, inspect.isfunction)
    return [n for n, f in functions if n[0] != "_" and f.__module__ == module.__name__]


def entry(module: ModuleType, name: str) -> str:
    """Return the directive for a class, a function, or else a constant or type."""
    value = getattr(module, name)
    if inspect.isclass(value):
        return f".. autoclass:: {name}\n   :members:"
    if inspect.isroutine(value):
        return f".. autofunction:: {name}"
    [line] = re.findall(rf"^{name}: .+? = (.+)", inspect.getsource(module), re.M)
    value, _, comment = line.partition("  # ")
    return f".. py:data:: {name}\n   :value: {value}\n\n   {escaped(comment)}"


def rst(text: str) -> str:
    """Turn a text, paragraph by paragraph, into reStructuredText."""
    return "\n\n".join(map(paragraph, re.split(r"\n\s*\n", text.strip("\n"))))


def paragraph(text: str) -> str:
    """Turn an equation, a table, or a paragraph whose end may be fields, into RST."""
    if text.startswith("    "):
        return f".. code-block:: text\n\n{text}"
    if "\n|--" in text:
        rows = [row.strip("|") for row in text.splitlines() if "|--" not in row]
        table = "\n   ".join(rows)
        return f".. csv-table::\n   :delim: |\n   :header-rows: 1\n\n   {table}"
    parts = re.split(r"(?:^|\n|(?<=\. ))(?=(?:Shapes:|Source:|Raises)\s)", text)
    words = (" ".join(part.split()) for part in parts if part)
    return "\n\n".join(field(escaped(part)) for part in words)


def field(text: str) -> str:
    """Turn "Shapes: x (N,)" into a field below a function; leave other text."""
    return re.sub("^(Shapes|Source|Raises):? ", r":\1: ", text)


def escaped(text: str) -> str:
    """Escape what reStructuredText would read as markup, except in `names`."""
    parts = re.split("(`[^`]+`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\*_|])", r"\\\1", part)
        for part in parts
    )
