"""Markdown, the language of all pages: tables, and the HTML made from it."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from itertools import zip_longest
from pathlib import Path

from minidl.store.files import write_text

CSS = """
:root { color-scheme: light dark; --rule: #8886 }
body { margin: 0 auto; max-width: 64rem; padding: 1rem;
       font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word }
h1 { font-size: 1.6rem; line-height: 1.25 }
h2 { font-size: 1.2rem; margin-top: 2.2rem }
img { max-width: 100%; height: auto; background: #fff; vertical-align: top }
.wide { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse; font-size: .9rem;
        font-variant-numeric: tabular-nums }
th, td { padding: .2rem .5rem; text-align: left; vertical-align: top }
th { border-bottom: 1px solid #888; vertical-align: bottom }
td[style*="right"] { white-space: nowrap }
tr:has(strong) td { border-top: 1px solid var(--rule) }
summary { cursor: pointer; min-height: 1.5rem }
"""


@dataclass(frozen=True)
class Table:
    """Cells of text below a head: first columns of words, then columns of numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1

    def markdown(self) -> str:
        """Return the table in Markdown, with its numbers right-aligned."""
        rule = ["---"] * self.words + ["---:"] * (len(self.head) - self.words)
        lines = [self.head, rule, *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def text(self) -> str:
        """Return the table for a terminal: heads break at ", ", and nothing is bold."""
        rows = [[cell.replace("**", "") for cell in row] for row in self.rows]
        heads = [head.split(", ") for head in self.head]
        lines = [*zip_longest(*heads, fillvalue=""), *rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(self.line(cells, widths) for cells in lines)

    def line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        """Return cells in columns of these widths, numbers right-aligned."""
        pairs = enumerate(zip(cells, widths, strict=True))
        aligned = (c.ljust(w) if i < self.words else c.rjust(w) for i, (c, w) in pairs)
        return "  ".join(aligned).rstrip()


def signed(value: float) -> str:
    """Return a difference with its sign and four decimals; never -0.0000."""
    return f"{round(value, 4) or 0.0:+.4f}"


def thousandths(value: float) -> str:
    """Return a decimal number with three decimals; 0.8875 becomes 0.888, as on paper.

    (In binary it is a little less, and :.3f would make it 0.887.)
    """
    return str(Decimal(str(value)).quantize(Decimal("0.001"), ROUND_HALF_UP))


def page(*parts: str) -> str:
    """Return parts of a page, with a blank line between them."""
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def write_readme(folder: Path, text: str) -> Path:
    """Write a page as a folder's README.md; return its path.

    Raises FileExistsError for another page, with another title.
    """
    path, (title, _, _) = folder / "README.md", text.partition("\n")
    if path.exists():
        there = path.read_text(encoding="utf-8").partition("\n")[0]
        if there != title:
            raise FileExistsError(
                f"{path} is the page {there!r}, not {title!r}: choose another --results"
            )
    write_text(path, text)
    return path


def details(summary: str, text: str) -> str:
    """Return a text that unfolds, in one line, so that a table's cell can hold it."""
    return f"<details><summary>{summary}</summary>{text}</details>"


def html(markdown: str, folder: Path) -> str:
    """Return a page as HTML that needs no other file: it holds the folder's pictures.

    The first line, # title, becomes its header. Raises ImportError without the
    package markdown-it-py, which the extra [tutorials] brings.
    """
    from markdown_it import MarkdownIt

    render = MarkdownIt("commonmark", {"html": True}).enable("table").render
    head, _, body = markdown.partition("\n")
    title = escape(head.removeprefix("# "))
    wide = '<div class="wide" role="region" aria-label="table" tabindex="0"><table>'
    text = render(body).replace("<table>", wide).replace("</table>", "</table></div>")
    text = re.sub(r"<th(?=[ >])", '<th scope="col"', text)
    text = re.sub(r'src="([^":]+)"', lambda m: f'src="{embedded(folder / m[1])}"', text)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{CSS}</style>
</head>
<body>
<header><h1>{title}</h1></header>
<main>
{text}</main>
</body>
</html>
"""


def embedded(picture: Path) -> str:
    """Return an SVG file as a data URL."""
    content = base64.b64encode(picture.read_bytes()).decode()
    return f"data:image/svg+xml;base64,{content}"


def replace_marked(file: Path, name: str, shown: str) -> None:
    """Replace the text between two marks; ValueError if they are missing."""
    text = file.read_text(encoding="utf-8")
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if start not in text or end not in text:
        raise ValueError(f"{file} must contain {start} and {end}")
    before, _, rest = text.partition(start)
    after = rest.partition(end)[2]
    write_text(file, f"{before}{start}\n{shown}\n{end}{after}")
