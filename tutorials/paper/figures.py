"""Figures 1 and 2: digits before and after an attack, and Table 2 as bars.

And one that the paper describes in words: how many members a perturbation fools.
"""

import io
from pathlib import Path
from typing import Any, TypeAlias

from minidl.backend import Array
from minidl.files import atomic_write
from tutorials.paper import results as results_file
from tutorials.paper.diversity import mean_fooled
from tutorials.paper.examples import read_examples
from tutorials.paper.intervals import of_cell
from tutorials.paper.paper_numbers import (
    ATTACK_NAMES,
    COLUMNS,
    METHOD_NAMES,
    paper_accuracy,
)
from tutorials.paper.results import Results
from tutorials.paper.table2 import attacked_images, counted

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
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on each machine
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
DPI = 150
PAPERS = "the paper's"
BAR = 0.17  # width; five of them and a gap make the distance 1 between methods


def new_figure(width: float, height: float, rows: int, columns: int) -> tuple[Any, Any]:
    """Return a figure, sizes in inches, with a grid of axes; no window is needed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    matplotlib.rcParams.update(STYLE)
    return pyplot.subplots(
        rows, columns, figsize=(width, height), layout="constrained", squeeze=False
    )


def figure1(results: Results, arrays: dict[str, Array]) -> Figure:
    """Draw originals above, adversarial images below, each with what is predicted."""
    classes, count = results.data.classes, len(arrays["x"])
    width = max(1.0 * count, 8.0)  # the title's
    figure, axes = new_figure(width, 2.7, 2, max(count, 1))
    for i in range(count):
        show_image(axes[0, i], arrays["x"][i], classes[arrays["y"][i]])
        predicted, right = arrays["predicted"][i], arrays["y"][i]
        colour = "black" if predicted == right else "#d55e00"
        show_image(axes[1, i], arrays["x_adv"][i], classes[predicted], colour)
    figure.suptitle(figure1_title(results), fontsize=10)
    return figure


def show_image(axes: Axes, x: Array, label: str, colour: str = "black") -> None:
    """Show one image above its predicted label."""
    axes.imshow(x.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_xlabel(label, color=colour, fontsize=12 if label.isdigit() else 9)


def figure1_title(results: Results) -> str:
    """Return a line that says what was attacked, and how."""
    shown = results.examples
    parameters = results.configuration.attacks[shown.attack]
    letters = {"eps": r"$\epsilon$", "alpha": r"$\alpha$", "steps": "$n$"}
    values = ", ".join(f"{letters.get(k, k)} = {v:g}" for k, v in parameters.items())
    attack = ATTACK_NAMES.get(shown.attack, shown.attack)
    return (
        f"Above: read correctly by a single network. Below: after {attack} "
        f"({values}), with what it reads now"
    )


def figure2(results: Results) -> Figure:
    """Draw Table 2 as bars, one panel for each attack, with the paper's as marks."""
    attacks = list(results.table2)
    figure, axes = new_figure(10, 4.4, 1, len(attacks))
    for panel, attack in zip(axes[0], attacks, strict=True):
        draw_panel(panel, results, attack)
    axes[0, 0].set_ylabel("accuracy")
    legend = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
    if PAPERS in legend:
        legend[PAPERS] = legend.pop(PAPERS)  # after the bars, though drawn on them
    figure.legend(
        legend.values(), legend, loc="outside lower center", ncols=3, frameon=False
    )
    figure.suptitle(figure2_title(results), fontsize=10)
    return figure


def figure2_title(results: Results) -> str:
    """Return a line that says what the bars are made of."""
    config, n = results.configuration, attacked_images(results)
    return (
        f"{config.dataset}, {config.profile}: {config.members} members a method, "
        f"{counted(config.epochs, 'epoch')}, {counted(n, 'attacked image')}"
    )


def draw_panel(axes: Axes, results: Results, attack: str) -> None:
    """Draw the bars of one attack: a group for each method."""
    methods = results.table2[attack]
    for i, (column, name) in enumerate(COLUMNS.items()):
        places = [group + (i - 2) * BAR for group in range(len(methods))]
        ours = [of_cell(cells[column]) for cells in methods.values()]
        heights = [accuracy.value for accuracy in ours]
        axes.bar(places, heights, 0.9 * BAR, color=COLOURS[column], label=name)
        errors = zip(*((e.value - e.low, e.high - e.value) for e in ours), strict=True)
        axes.errorbar(places, heights, list(errors), fmt="none", ecolor="black", lw=1)
    mark_paper(axes, results.configuration.dataset, attack, list(methods))
    axes.set_xticks(range(len(methods)), [METHOD_NAMES[m] for m in methods])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(0, 1.02)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#e5e5e5")
    axes.set_title(ATTACK_NAMES.get(attack, attack), fontweight="bold")


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


def fooled(results: Results) -> Figure:
    """Draw how many members one perturbation fools, a panel for each attack.

    Under Adv. 1, on average over the members whose gradients are used; those images
    fool at least that one member, if its attack succeeds.
    """
    attacks = list(results.table2)
    figure, axes = new_figure(10, 3.6, 1, len(attacks))
    for panel, attack in zip(axes[0], attacks, strict=True):
        for method, result in results.methods.items():
            colour, marker = METHOD_STYLES[method]
            counts = mean_fooled(result.attacks[attack].adv1)
            percent = [100 * count / sum(counts) for count in counts]
            style = {"color": colour, "marker": marker, "label": METHOD_NAMES[method]}
            panel.plot(range(len(counts)), percent, lw=1.5, ms=4, **style)
        panel.set(xlabel="members fooled", ylim=(0, None))
        panel.set_xticks(range(results.configuration.members + 1))
        panel.grid(axis="y", color="#e5e5e5")
        panel.set_title(f"{ATTACK_NAMES.get(attack, attack)}, Adv. 1")
    axes[0, 0].set_ylabel("% of the images")
    axes[0, 0].legend(frameon=False)
    return figure


def as_png(figure: Figure) -> bytes:
    """Return a figure as a PNG file, without the date that would change its bytes."""
    from matplotlib import pyplot

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    pyplot.close(figure)
    return buffer.getvalue()


def draw(folder: Path) -> dict[str, bytes]:
    """Return the figures of the results in a folder, as PNG files by name."""
    results, arrays = results_file.read(folder), read_examples(folder)
    return {
        "figure1.png": as_png(figure1(results, arrays)),
        "figure2.png": as_png(figure2(results)),
        "fooled.png": as_png(fooled(results)),
    }


def write_figures(folder: Path) -> None:
    """Write figure1.png, figure2.png and fooled.png of the results in a folder."""
    for name, png in draw(folder).items():
        with atomic_write(folder / name) as file:
            file.write(png)
        print(f"{folder / name} written")
