"""A picture of each experiment."""

from typing import Any

from attacks.evaluation.intervals import Estimate
from tutorials.anomaly.experiments import DIRECTIONS
from tutorials.anomaly.findings import curves, rows
from tutorials.anomaly.record import Record
from tutorials.paper.pages.drawings import COLOURS, reach
from tutorials.paper.paper_numbers import ATTACK_NAMES
from tutorials.plots import new_figure

ONE, ALL = COLOURS["adv1_ensemble"], COLOURS["adv2_ensemble"]


def draw(record: Record) -> Any:
    """Return an experiment's figure."""
    if record.experiment == DIRECTIONS:
        return directions(record)
    return members(record) if record.experiment == "members" else bars(record)


def bars(record: Record) -> Any:
    """Draw the accuracy in each group, Adv. 1 in another colour."""
    found = rows(record)
    figure, [panel] = new_figure(width=8, height=0.8 + 0.32 * len(found))
    places = range(len(found))
    values = [estimate.value for estimate in found.values()]
    colours = [ONE if "Adv. 1" in name else ALL for name in found]
    panel.barh(places, values, 0.7, color=colours)
    panel.errorbar(
        values, places, xerr=reach(found.values()), fmt="none", ecolor="black", lw=1
    )
    panel.set_yticks(places, found)
    panel.invert_yaxis()
    panel.set(xlim=(0, 1), xlabel="accuracy of the ensemble")
    panel.set_axisbelow(True)
    panel.grid(axis="x", color="#e5e5e5")
    return figure


def members(record: Record) -> Any:
    """Draw accuracy against the number of members, a panel for each attack."""
    found, numbers = curves(record), range(1, record.members + 1)
    figure, axes = new_figure(2, width=10, height=3.8)
    for panel, attack in zip(axes, ATTACK_NAMES.values(), strict=True):
        for adversary, colour in (("Adv. 1", ONE), ("Adv. 2", ALL)):
            curve = found[f"{attack}: {adversary}"]
            draw_curve(panel, numbers, curve, colour, adversary)
        panel.set_title(attack, fontweight="bold")
        panel.set(xlabel="members", ylim=(0, 1), xticks=list(numbers))
        panel.grid(axis="y", color="#e5e5e5")
    axes[0].set_ylabel("accuracy of the ensemble")
    axes[0].legend(frameon=False)
    return figure


def draw_curve(
    panel: Any, x: range, curve: list[Estimate], colour: str, label: str
) -> None:
    """Draw a line with a band of 95 %."""
    panel.plot(x, [e.value for e in curve], "o-", color=colour, ms=4, label=label)
    low, high = [e.low for e in curve], [e.high for e in curve]
    panel.fill_between(x, low, high, color=colour, alpha=0.25, lw=0)


def directions(record: Record) -> Any:
    """Draw how the gradients stand to each other, and which vanish, at each step."""
    steps, n = record.steps, record.images
    figure, (left, right) = new_figure(2, width=10, height=4.3)
    green, orange, grey = "#009e73", "#d55e00", "#6e6e6e"
    cosine = [s.mean_cosine for s in steps]
    left.plot(cosine, "o-", color=ALL, ms=4, label="mean cosine of two members")
    for panel, name, style, colour, label in (
        (left, "unity", "s-", green, "|sum| / sum of norms"),
        (left, "longest", "^-", orange, "share of the longest"),
        (right, "zero", "o-", ALL, "from logits"),
        (right, "zero_clipped", "^-", orange, "from clipped probabilities"),
        (right, "correct", "--", grey, "accuracy of the ensemble"),
    ):
        shares = [getattr(s, name) / n for s in steps]
        panel.plot(shares, style, color=colour, ms=4, label=label)
    right.set_title("members' gradients that are exactly zero", fontsize=10)
    left.set_title("members' gradients beside each other", fontsize=10)
    for panel in (left, right):
        panel.set(xlabel="steps taken", ylim=(-0.05, 1.05))
        panel.axhline(0, color="#888", lw=0.8)
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.15), "ncols": 2}
        panel.legend(frameon=False, fontsize=9, **below)
    return figure
