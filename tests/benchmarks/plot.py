"""The networks' speeds as bars: images per second of minidl and its rival."""

import io
from pathlib import Path
from typing import Any

from minidl.store.files import atomic_write
from tests.benchmarks.table import name

# Two of Okabe and Ito's colours, distinct to colour-blind eyes and in grey.
COLOURS = ("#56b4e9", "#d55e00")
STYLE: Any = {
    "font.family": "DejaVu Sans",  # part of matplotlib: the same on each machine
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


def write_plot(result: dict[str, Any], path: Path) -> None:
    """Write the plot in the format of the path's suffix."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with matplotlib.rc_context(STYLE):
        figure = draw(result, pyplot)
        data = io.BytesIO()
        figure.savefig(data, format=path.suffix[1:], dpi=150)
        pyplot.close(figure)
    with atomic_write(path) as file:
        file.write(data.getvalue())


def draw(result: dict[str, Any], pyplot: Any) -> Any:
    """Return a row of panels for each network, a panel for each task."""
    networks = result["networks"]
    tasks = list(networks[0]["operations"])
    figure, axes = pyplot.subplots(
        len(networks), len(tasks), figsize=(8, 4), layout="constrained", squeeze=False
    )
    for row, network in zip(axes, networks, strict=True):
        row[0].set_ylabel(f"{network['name']}\nimages per second")
        for panel, task in zip(row, tasks, strict=True):
            bars(panel, network["operations"][task])
            panel.set_xlabel(task)
    machine, settings = result["machine"], result["settings"]
    torch = f", PyTorch {machine['torch']}" if "torch" in settings["peers"] else ""
    figure.suptitle(
        f"{machine['cpu']}, threads: {settings['threads']}, batch {settings['batch']}"
        f"{torch}: images per second, and minidl's ratio",
        fontsize=10,
    )
    return figure


def bars(panel: Any, by: dict[str, Any]) -> None:
    """Draw minidl's bar beside its rival's, each with its number."""
    rival = next(how for how in ("torch", "im2col", "reference") if how in by)
    speeds = [by[how]["images_per_s"] for how in ("auto", rival)]
    drawn = panel.bar([name("auto"), name(rival)], speeds, color=COLOURS, width=0.75)
    panel.bar_label(drawn, [f"{speed:,.0f}" for speed in speeds], padding=1)
    versus = by["auto"].get("vs_torch", {"median": speeds[0] / speeds[1]})
    panel.set_title(f"{versus['median']:.1f}x", fontweight="bold")
    panel.set_ylim(0, 1.15 * max(speeds))
    panel.set_yticks([])  # the bars are labelled
