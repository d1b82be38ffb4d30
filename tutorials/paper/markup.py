"""Pieces of HTML: a page, tables and images that need no other file."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

CSS = """
:root { color-scheme: light }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; background: #fff;
       color: #1a1a1a;
       font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word }
h1 { font-size: 1.6rem; line-height: 1.25 }
h2 { font-size: 1.2rem; margin-top: 2.2rem }
img { max-width: 100%; height: auto; display: block }
.wide { overflow-x: auto }
.wide img { max-width: none; width: max(100%, 44rem) }
table { border-collapse: collapse; font-size: .9rem;
        font-variant-numeric: tabular-nums }
th, td { padding: .2rem .5rem; text-align: right; white-space: nowrap }
th { border-bottom: 1px solid #888; vertical-align: bottom; white-space: normal }
th.text, td.text { text-align: left }
td.text.long { white-space: normal; overflow-wrap: anywhere }
tr.first td, tr.ours td { border-top: 1px solid #ccc }
tr.ours td { font-weight: 600 }
tr.other td { color: #555 } tr.other td.text { padding-left: 1.2rem }
li { margin-bottom: .6rem } .held { color: #00563f } .not { color: #a33c00 }
.open { color: #555 }
.small { color: #555; font-size: .9rem }
"""


def page(title: str, *parts: str) -> str:
    """Return a whole page."""
    body = "\n".join(parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{CSS}</style>
</head>
<body>
{body}
</body>
</html>
"""


def table(
    head: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], texts: int
) -> str:
    """Return an HTML table of rows (class, cells); first `texts` words."""

    def line(tag: str, cells: Sequence[str]) -> str:
        kinds = [' class="text"' if i < texts else "" for i in range(len(cells))]
        pairs = zip(kinds, cells, strict=True)
        return "".join(f"<{tag}{kind}>{escape(c)}</{tag}>" for kind, c in pairs)

    body = "".join(f'<tr class="{k}">{line("td", cells)}</tr>\n' for k, cells in rows)
    return (
        '<div class="wide" tabindex="0"><table>\n'
        f"<thead><tr>{line('th', head)}</tr></thead>\n"
        f"<tbody>\n{body}</tbody></table></div>"
    )


def facts(values: Mapping[str, Any]) -> str:
    """Return a table of names and values."""
    rows = "".join(
        f'<tr><td class="text">{escape(name)}</td>'
        f'<td class="text long">{escape(show(value))}</td></tr>\n'
        for name, value in values.items()
    )
    return f'<div class="wide"><table>\n{rows}</table></div>'


def show(value: Any) -> str:
    """Return a setting as a reader would write it."""
    if isinstance(value, dict):
        return "; ".join(f"{k}: {show(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(show, value))
    return "all" if value is None else str(value)


def image(png: bytes, text: str) -> str:
    """Return an image that is part of the page."""
    data = base64.b64encode(png).decode()
    source = f"data:image/png;base64,{data}"
    return f'<div class="wide"><img src="{source}" alt="{escape(text)}"></div>'
