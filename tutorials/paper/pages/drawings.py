"""The drawings: Figure 1, Figure 2, and how many members a perturbation fools.

The paper describes the third in words only.
"""

import io
from collections.abc import Iterable
from typing import Any, TypeAlias

from attacks.evaluation.intervals import Estimate
from minidl.backend import Array
from tutorials.paper.claims.diversity import mean_fooled
from tutorials.paper.claims.intervals import of_cell
from tutorials.paper.paper_numbers import (
    ATTACK_NAMES,
    COLUMNS,
    METHOD_NAMES,
    paper_accuracy,
)
from tutorials.paper.results import Results
from tutorials.plots import new_figure

Figure: TypeAlias = Any  # matplotlib's, which loads only when a figure is drawn
Axes: TypeAlias = Any

# Okabe and Ito's colours, distinct to colour-blind eyes: grey without attack, one warm
# colour for single classifiers, two blues for ensembles.
COLOURS = {
    "no_attack_single": "#c4c4c4",
    "no_attack_ensemble": "#6e6e6e",
    "adv1_single": "#e69f00",
    "adv1_ensemble": "#56b4e9",
    "adv2_ensemble": "#0072b2",
}
METHOD_STYLES = {  # colour and mark, of the same palette
    "random-init": ("#000000", "o"),
    "mixed-models": ("#d55e00", "s"),
    "bagging": ("#009e73", "^"),
    "gaussian-noise": ("#0072b2", "D"),
}
PAPERS = "the paper's"
BAR = 0.17  # width; five of them and a gap make the distance 1 between methods
HALF = 5  # images of each picture of Figure 1, which has two


def figure1(results: Results, arrays: dict[str, Array]) -> Figure:
    """Draw originals above, adversarial images below, each with its predicted class."""
    classes, count = results.data.classes, len(arrays["x"])
    columns = max(count, HALF)
    figure, axes = new_figure(columns, rows=2, width=5, height=2.5)
    for panel in axes:
        panel.axis("off")
    for i in range(count):
        predicted, right = arrays["predicted"][i], arrays["y"][i]
        colour = "black" if predicted == right else "#d55e00"
        show_image(axes[i], arrays["x"][i], classes[right])
        show_image(axes[columns + i], arrays["x_adv"][i], classes[predicted], colour)
    return figure


def show_image(axes: Axes, x: Array, label: str, colour: str = "black") -> None:
    """Show one image above its predicted label."""
    axes.imshow(x.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.axis("on")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_xlabel(label, color=colour, fontsize=12 if label.isdigit() else 9)


def figure2(results: Results, attack: str) -> Figure:
    """Draw one attack's part of Table 2 as bars, with the paper's as marks."""
    figure, [axes] = new_figure(width=5, height=4.6)
    methods = results.table2[attack]
    for i, (column, name) in enumerate(COLUMNS.items()):
        places = [group + (i - 2) * BAR for group in range(len(methods))]
        ours = [of_cell(cells[column]) for cells in methods.values()]
        heights = [accuracy.value for accuracy in ours]
        axes.bar(places, heights, 0.9 * BAR, color=COLOURS[column], label=name)
        axes.errorbar(places, heights, reach(ours), fmt="none", ecolor="black", lw=1)
    mark_paper(axes, results.configuration.dataset, attack, list(methods))
    axes.set_xticks(range(len(methods)), [METHOD_NAMES[m] for m in methods])
    axes.tick_params(axis="x", length=0)
    axes.set(ylim=(0, 1.02), ylabel="accuracy")
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#e5e5e5")
    axes.set_title(ATTACK_NAMES[attack], fontweight="bold")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def reach(estimates: Iterable[Estimate]) -> list[tuple[float, ...]]:
    """Return how far intervals reach below and above their values."""
    both = ((e.value - e.low, e.high - e.value) for e in estimates)
    return list(zip(*both, strict=True))


def mark_paper(axes: Axes, dataset: str, attack: str, methods: list[str]) -> None:
    """Mark the paper's numbers, if it has any, on our bars."""
    marks = [
        (group + (i - 2) * BAR, paper)
        for group, method in enumerate(methods)
        for i, column in enumerate(COLUMNS)
        if (paper := paper_accuracy(dataset, attack, method, column)) is not None
    ]
    if marks:
        x, y = zip(*marks, strict=True)
        axes.scatter(
            x, y, 26, "white", marker="D", edgecolors="black", zorder=3, label=PAPERS
        )


def fooled(results: Results, attack: str) -> Figure:
    """Draw how many members one perturbation fools.

    Under Adv. 1, as a mean over the members whose gradients are used. An attack that
    succeeds fools at least the member whose gradient it uses.
    """
    figure, [axes] = new_figure(width=5, height=3.6)
    for method, result in results.methods.items():
        colour, marker = METHOD_STYLES[method]
        counts = mean_fooled(result.attacks[attack].adv1)
        percent = [100 * count / sum(counts) for count in counts]
        style = {"color": colour, "marker": marker, "label": METHOD_NAMES[method]}
        axes.plot(range(len(counts)), percent, lw=1.5, ms=4, **style)
    axes.set(xlabel="members fooled", ylabel="% of the images", ylim=(0, None))
    axes.set_xticks(range(results.configuration.members + 1))
    axes.grid(axis="y", color="#e5e5e5")
    axes.set_title(f"{ATTACK_NAMES[attack]}, Adv. 1")
    axes.legend(frameon=False)
    return figure


def as_svg(figure: Figure) -> str:
    """Return a figure as an SVG file, without a date, which would change its bytes."""
    from matplotlib import pyplot

    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    return buffer.getvalue()
