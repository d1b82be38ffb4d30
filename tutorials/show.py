"""The chapters' output: the library's own lines, tables of numbers, pictures.

In a notebook it appears below the cell; a script prints it and saves its pictures in
the folder `pictures`.
"""

import base64
import html
import inspect
import io
import math
import sys
import textwrap
from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from minidl import Sequential, trace
from minidl.backend import Array
from minidl.store.files import atomic_write
from tutorials.command_line import check_installed
from tutorials.output import keep_writing
from tutorials.paper.pages.markdown import Table
from tutorials.plots import in_notebook
from tutorials.plots import new_figure as new_figure  # chapters import it from here

ROOT = Path(__file__).parents[1]
FOLDER = Path("pictures")
LINES = (
    "overflow-x: auto; white-space: pre; word-break: normal; "
    "font-family: monospace; font-size: 13px; line-height: 1.3"
)
DIGITS = 4  # significant digits
numbers = count(1)  # of a script's pictures
keep_writing()
check_installed("matplotlib", "tutorials", "a chapter")  # before it trains


def print_lines(text: str) -> None:
    """Print text; in a notebook, long lines scroll instead of breaking."""
    if not in_notebook():
        print(text)
        return
    show(f'<pre style="{LINES}">{html.escape(text)}</pre>', text)


def show(page: str, text: str) -> None:
    """Show HTML in a notebook, or text where HTML can't be shown."""
    display: Any = import_module("IPython.display")
    display.display({"text/html": page, "text/plain": text}, raw=True)


def source(*objects: Any) -> None:
    """Print the library's source of functions, methods or classes."""
    for thing in objects:
        thing = thing.func if isinstance(thing, cached_property) else thing
        lines, first = inspect.getsourcelines(thing)
        file = Path(inspect.getfile(inspect.unwrap(thing))).relative_to(ROOT)
        code = textwrap.dedent("".join(lines))
        print_lines(f"# {file.as_posix()}, line {first}\n{code}")


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table with its first column left-aligned, the others right-aligned."""
    columns = [texts(values) for values in zip(*rows, strict=True)]
    print_lines(Table(head, list(zip(*columns, strict=True))).text())


def texts(values: Sequence[Any]) -> list[str]:
    """Return a column's numbers, shapes and words as text.

    Floats of similar size get the same number of decimals, so that their points align:
    four significant digits of the largest, or fewer if fewer are exact.
    """
    floats = [float(value) for value in values if is_float(value)]
    sizes = [abs(value) for value in floats if value and math.isfinite(value)]
    alike = bool(sizes) and max(sizes) >= 1e-3 and max(sizes) < 100 * min(sizes)
    decimals = 0
    if alike:
        most = DIGITS - 1 - math.floor(math.log10(max(sizes)))
        decimals = min(max(0, most), max(map(decimals_of, floats)))
    return [
        f"{value:.{decimals}f}" if alike and is_float(value) else cell(value)
        for value in values
    ]


def cell(value: Any) -> str:
    """Return a number, a shape or a word as text."""
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return f"{value:.{DIGITS}g}" if is_float(value) else str(value)


def is_float(value: Any) -> bool:
    """Return whether a value is a floating-point number, Python's or NumPy's."""
    return isinstance(value, float | np.floating)


def decimals_of(value: float) -> int:
    """Return the number of decimals in a number's four significant digits."""
    mantissa, _, exponent = f"{value:.{DIGITS - 1}e}".partition("e")
    digits = mantissa.partition(".")[2].rstrip("0")
    return max(0, len(digits) - int(exponent or 0))


def walk(model: Sequential, x: Array, y: Array) -> None:
    """Print a batch's pass through a network and back, layer by layer."""
    rows = []
    for step in trace(model, x, y):
        assert step.doutput is not None
        rows.append(
            (
                step.name,
                step.output.shape[1:],
                float(step.output.min()),
                float(step.output.max()),
                float((step.output == 0).mean()),
                float(abs(step.doutput).max()),
            )
        )
    table(("layer", "output", "min", "max", "zeros", "max |dJ/doutput|"), rows)


def image(
    axes: Any,
    x: Array,
    title: str = "",
    signed: bool = False,
    limit: float | None = None,
) -> None:
    """Show one image (H, W) or (H, W, C).

    signed: red above 0, blue below, darkest at +-limit (default: the largest |value|).
    """
    x = x[:, :, 0] if x.shape[2:] == (1,) else x
    if signed:
        limit = limit or float(abs(x).max()) or 1.0
        axes.imshow(x, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    else:
        axes.imshow(x, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=9)
    axes.spines[:].set_visible(False)


def picture(figure: Any, text: str) -> None:
    """Show a figure; `text` describes it for those who can't see it."""
    png = png_of(figure)
    if in_notebook():
        show(html_of(png, text), text)
        return
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{Path(sys.argv[0]).stem}-{next(numbers)}.png"
    with atomic_write(path) as file:
        file.write(png)
    print(f"[{path}: {text}]")


def png_of(figure: Any) -> bytes:
    """Return a figure as a PNG file, and close it."""
    from matplotlib import pyplot

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    pyplot.close(figure)
    return buffer.getvalue()


def html_of(png: bytes, text: str) -> str:
    """Return a picture as an HTML element."""
    url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return f'<img src="{url}" alt="{html.escape(text)}" style="max-width: 100%">'
