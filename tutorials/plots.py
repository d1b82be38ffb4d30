"""Pictures of an evaluation: curves, worst cases, transfer, steps and distances.

Each draws into matplotlib axes, which `new_figure` makes.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attacks.evaluation.curves import Curve
from attacks.evaluation.intervals import Estimate
from attacks.evaluation.outcomes import Evaluation
from attacks.evaluation.transfer import Transfer
from minidl.backend import Array

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333")
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so all machines have it
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "minidl",  # gives equal pictures equal SVG files
}


def in_notebook() -> bool:
    """Return whether this is a notebook's kernel."""
    return "ipykernel" in sys.modules


def new_figure(
    columns: int = 1, rows: int = 1, width: float = 8, height: float = 3
) -> Any:
    """Return a matplotlib figure and its axes, a flat list; sizes in inches."""
    figure = empty_figure(width, height)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def empty_figure(width: float, height: float) -> Any:
    """Return a matplotlib figure without axes; sizes in inches."""
    import matplotlib as mpl

    if not in_notebook():
        mpl.use("Agg")
    from matplotlib import pyplot

    mpl.rcParams.update(STYLE)
    return pyplot.figure(figsize=(width, height), layout="constrained")


def plot_curve(axes: Any, curve: Curve, label: str = "", colour: str = "") -> None:
    """Draw accuracy against eps: a line for each attack; with a label the worst case.

    The band is the 95 % interval.
    """
    if label:
        band(axes, curve.eps, curve.worst_case(), label, colour or COLOURS[0])
    else:
        names = curve.evaluations[0].outcomes
        for name, own in zip(names, COLOURS * len(names), strict=False):
            band(axes, curve.eps, curve.accuracy(name), name, own)
    axes.set(xlabel="eps", ylabel="accuracy", ylim=(0, 1))
    axes.legend(frameon=False)


def band(
    axes: Any, eps: Sequence[float], found: list[Estimate], label: str, colour: str
) -> None:
    """Draw one line with its interval."""
    value, low, high = np.array(found).T
    axes.fill_between(eps, low, high, color=colour, alpha=0.15, lw=0)
    axes.plot(eps, value, "o-", color=colour, label=label, ms=4)


def plot_evaluation(axes: Any, evaluation: Evaluation) -> None:
    """Draw a bar without attack, one for each attack, and one for the worst case."""
    bars = {
        "no attack": evaluation.clean(),
        **{name: evaluation.robust(name) for name in evaluation.outcomes},
        "worst case": evaluation.worst_case(),
    }
    value, low, high = np.array(list(bars.values())).T
    colours = ["#888", *[COLOURS[0]] * len(evaluation.outcomes), COLOURS[1]]
    axes.bar(list(bars), value, color=colours, yerr=(value - low, high - value))
    for i, v in enumerate(value):
        axes.text(i + 0.05, v + 0.02, f"{v:.2f}", ha="left", va="bottom", fontsize=9)
    axes.set(ylabel="accuracy", ylim=(0, 1.1), title=str(evaluation.threat))


def plot_transfer(axes: Any, transfer: Transfer) -> None:
    """Draw how often images made against each row's model fool each column's."""
    rates = transfer.rates()
    axes.imshow(rates, cmap="Oranges", vmin=0, vmax=1.3, aspect="auto")
    for i, j in np.ndindex(rates.shape):
        known = not np.isnan(rates[i, j])  # an image to fool
        text = f"{rates[i, j]:.2f}" if known else "-"
        axes.text(j, i, text, ha="center", va="center")
    axes.set_xticks(range(len(transfer.victims)), transfer.victims)
    axes.set_yticks(range(len(transfer.sources)), transfer.sources)
    axes.set(xlabel="shown to", ylabel="made against")


def plot_steps(axes: Any, steps: Mapping[str, Array]) -> None:
    """Draw the fraction of the images that are fooled after 0, 1, 2, ... steps."""
    finite = np.concatenate([s[np.isfinite(s)] for s in steps.values()])
    ticks = np.arange(int(finite.max(initial=1)) + 2)  # the last stair has a width
    for (name, s), colour in zip(steps.items(), COLOURS * len(steps), strict=False):
        fallen = [float((s <= t).mean()) for t in ticks]
        axes.step(ticks, fallen, where="post", color=colour, label=name)
    axes.set(xlabel="steps", ylabel="share of the images fooled", ylim=(0, 1))
    axes.legend(frameon=False)


def plot_distances(axes: Any, distances: Mapping[str, Array], unit: str) -> None:
    """Draw the fraction of the images fooled within each distance; mark medians."""
    for (name, d), colour in zip(
        distances.items(), COLOURS * len(distances), strict=False
    ):
        ordered = np.sort(d)
        part = np.arange(1, len(d) + 1) / len(d)
        known = np.isfinite(ordered)
        axes.plot(ordered[known], part[known], color=colour, label=name)
        if np.isfinite(median := float(np.median(d))):
            axes.plot(median, 0.5, "o", color=colour)
    axes.set(xlabel=f"distance, {unit}", ylabel="share of the images", ylim=(0, 1))
    axes.legend(frameon=False)
