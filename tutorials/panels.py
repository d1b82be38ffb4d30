"""Parts of several chapters' pictures: members' votes, the maps of a layer."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.backend import Array
from tutorials.show import image

MEMBER_COLOURS = ("#56b4e9", "#0072b2", "#d55e00")
UNITS = 32  # in a row


def vote_bars(axes: Any, p: Array) -> None:
    """Draw three members' probabilities of the classes as bars.

    Shapes: p (3, K).
    """
    for i, colour in enumerate(MEMBER_COLOURS):
        places = np.arange(p.shape[1]) + 0.27 * (i - 1)
        axes.bar(places, p[i], 0.27, color=colour, label=f"member {i}")
    axes.set(xticks=range(p.shape[1]), ylim=(0, 1))


def maps(out: Array) -> Array:
    """Return a layer's output for one image, as one image.

    Maps fill an area about twice as wide as high; units stand in rows of 32.
    Shapes: out (H, W, F) or (D,), result two-dimensional.
    """
    if out.ndim == 1:
        return in_rows(out, UNITS)
    columns = math.ceil(math.sqrt(2 * out.shape[2]))
    bordered = np.pad(out, ((0, 1), (0, 1), (0, 0)))  # a pixel between maps
    rows = in_rows(np.moveaxis(bordered, 2, 0), columns)  # (R, columns, H + 1, W + 1)
    return np.block([list(row) for row in rows])[:-1, :-1]


def in_rows(items: Array, most: int) -> Array:
    """Return items in rows of equal length, the last one filled up with zeros."""
    columns = min(len(items), most)
    rows = math.ceil(len(items) / columns)
    missing = rows * columns - len(items)
    filled = np.pad(items, ((0, missing), *[(0, 0)] * (items.ndim - 1)))
    return filled.reshape(rows, columns, *items.shape[1:])


def committee(
    figure: Any, x: Array, x_adv: Array, gradients: Array, total: Array, p: Array
) -> None:
    """Draw an attacked image, the members' gradients and votes, their total and mean.

    Colours are scaled image by image; the titles give the gradients' lengths. Shapes:
    x, x_adv, total (H, W, C), gradients (3, H, W, C), p (3, K).
    """
    above, below = figure.subplots(2, 5)
    image(above[0], x_adv, f"attacked: {p.mean(axis=0).argmax()}")
    image(below[0], x_adv - x, "change so far", signed=True)
    names = ("member 0", "member 1", "member 2", "sum")
    for axes, name, g in zip(above[1:], names, [*gradients, total], strict=True):
        image(axes, g, f"{name}\n|g| = {np.linalg.norm(g):.1e}", signed=True)
    ballots(below[1:], p)


def ballots(axes: Sequence[Any], p: Array) -> None:
    """Draw three members' probabilities and their mean side by side.

    Shapes: p (3, K).
    """
    mean = p.mean(axis=0)
    titles = [*(f"votes for {row.argmax()}" for row in p), f"mean: {mean.argmax()}"]
    colours = (*MEMBER_COLOURS, "#333333")
    for panel, row, title, colour in zip(
        axes, [*p, mean], titles, colours, strict=True
    ):
        panel.bar(range(len(row)), row, color=colour)
        panel.set(xticks=range(0, len(row), 2), yticks=[], ylim=(0, 1))
        panel.set_title(title, fontsize=9)
