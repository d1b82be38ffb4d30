"""How a label that is taken anew brings images back, drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minidl.models import MNIST_SHAPE
from tutorials.anomaly.labels.example import BACK, DRAWN, Example
from tutorials.paper.pages.drawings import Axes, Figure
from tutorials.plots import empty_figure, new_figure

STYLES = dict(
    zip(
        DRAWN,
        (("#333333", "o"), ("#56b4e9", "s"), ("#d55e00", "^"), ("#0072b2", "D")),
        strict=True,
    )
)
Steps = Mapping[str, Sequence[float]]  # by rule: a number after 0, 1, ... steps


def draw_lines(panel: Axes, found: Steps, label: str) -> None:
    """Draw a line for each rule."""
    for rule, (colour, mark) in STYLES.items():
        panel.plot(found[rule], marker=mark, ms=4, color=colour, label=rule)
    panel.set(xlabel="steps taken", ylabel=label, xticks=range(len(found[BACK])))
    panel.grid(axis="y", color="#e5e5e5")


def draw_walks(right: Steps, back: Steps, images: int) -> Figure:
    """Draw accuracy, and the share of images pushed back, at each step."""
    figure, panels = new_figure(2, width=9, height=3.6)
    words = "accuracy of the ensemble", "share of images pushed back"
    for panel, found, label in zip(panels, (right, back), words, strict=True):
        shares = {rule: [n / images for n in found[rule]] for rule in DRAWN}
        draw_lines(panel, shares, label)
        panel.set_ylim(0, None)
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False)
    return figure


def draw_path(example: Example) -> Figure:
    """Draw one image's margin at each step, and the image itself as it comes back."""
    trails = {trail.rule: trail for trail in example.trails}
    figure: Any = empty_figure(9, 4.9)
    grid = figure.add_gridspec(2, len(trails[BACK].margins), height_ratios=(3, 1))
    panel = figure.add_subplot(grid[0, :])
    label = f"margin of the label {example.label}"
    draw_lines(panel, {r: t.margins for r, t in trails.items()}, label)
    low, high = panel.get_ylim()
    panel.axhspan(low, 0, color="#d55e00", alpha=0.08, lw=0)
    panel.set(ylim=(low, high), xlim=(-0.5, len(trails[BACK].margins) - 0.5))
    panel.text(-0.4, 0.15, "classified correctly", va="bottom", color="#333")
    panel.text(-0.4, -0.15, "misclassified", va="top", color="#a34700")
    panel.legend(frameon=False, ncols=2, fontsize=8, loc="lower left")
    back = trails[BACK]
    steps = zip(example.pixels, back.predicted, strict=True)
    for i, (pixels, digit) in enumerate(steps):
        picture = figure.add_subplot(grid[1, i])
        grey = np.frombuffer(bytes.fromhex(pixels), np.uint8).reshape(MNIST_SHAPE)
        picture.imshow(grey, cmap="gray", vmin=0, vmax=255)
        picture.set(xticks=[], yticks=[])
        wrong = digit != example.label
        picture.set_xlabel(f"“{digit}”", color="#a34700" if wrong else "#333")
    return figure
