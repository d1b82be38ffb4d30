"""Put the benchmark's figures into the README, so that none there is typed by hand.

python -m tests.benchmarks.readme results/benchmarks.json README.md
"""

import json
import sys
from pathlib import Path
from typing import Any

from tutorials.paper.readme import replace_marked


def update(source: Path, readme: Path) -> None:
    """Show the figures of a JSON file in the README: those of its sections."""
    result = json.loads(source.read_text(encoding="utf-8"))
    if "networks" in result:
        replace_marked(readme, "speed", speed(source, result))
    if "attacks" in result:
        replace_marked(readme, "attack-speed", attacks(source, result))


def speed(source: Path, result: dict[str, Any]) -> str:
    """Return what is said of both networks' speed and memory."""
    plot = source.with_suffix(".png")
    parts = [
        conditions(result),
        networks(result),
        memory(result),
        f"![Bars: images per second of minidl and PyTorch]({plot})",
        f"All figures: [{source}]({source}); measured by `python -m tests.benchmarks "
        f"--peers torch --json {source} --plot {plot}` (about ten minutes, with "
        "`pip install torch`).",
    ]
    return "\n\n".join(parts)


def attacks(source: Path, result: dict[str, Any]) -> str:
    """Return what attacks cost beside their gradients, and beside other libraries'."""
    units = result["attacks"]
    head = ["", "", "above its gradients alone", "ART's time", "Foolbox's time"]
    table = [head, ["---", "---", "---:", "---:", "---:"]]
    for unit in units:
        for attack, figures in unit["attacks"].items():
            over = figures["overhead"]
            cells = [f"{over['median']:+.1%} [{over['low']:+.1%}, {over['high']:+.1%}]"]
            for peer in ("ART", "Foolbox"):
                ratio = figures.get(peer)
                cells.append(f"{ratio['median']:.2f} of ours" if ratio else "")
            table.append([unit["name"], attack, *cells])
    rows = "\n".join(f"| {' | '.join(row)} |" for row in table)
    return (
        f"{units[0]['steps']} steps on {units[0]['batch']} images, all along the same "
        f"network's gradient; medians of {result['settings']['rounds']} interleaved "
        f"rounds, one thread ([{source}]({source}), `python -m tests.benchmarks --only "
        f"attacks --json {source}`):\n\n{rows}"
    )


def conditions(result: dict[str, Any]) -> str:
    """Return how it was measured, in a sentence."""
    settings, machine = result["settings"], result["machine"]
    return (
        f"One thread on one core of {machine['cpu']}, batches of {settings['batch']}, "
        f"equal weights, in turns with PyTorch {machine['torch']} (eager, "
        f"channels_last), medians of {settings['rounds']} rounds; in brackets the "
        "quartiles of the ratio in each round."
    )


def networks(result: dict[str, Any]) -> str:
    """Return the table of both networks in Markdown."""
    head = ["", "", "minidl, images/s", "PyTorch, images/s", "ratio"]
    table = [head, ["---", "---", "---:", "---:", "---:"]]
    for unit in result["networks"]:
        for operation, figures in unit["operations"].items():
            ours, theirs = figures["auto"], figures["torch"]
            ratio = ours["vs_torch"]
            cells = [
                f"{ours['images_per_s']:,.0f}",
                f"{theirs['images_per_s']:,.0f}",
                f"{ratio['median']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]",
            ]
            table.append([unit["name"], operation, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in table)


def memory(result: dict[str, Any]) -> str:
    """Return the peak memory of training processes, in a sentence."""
    parts = [
        f"{unit['peak_mb']['auto']:.0f} MB for {unit['name']} (PyTorch: "
        f"{unit['peak_mb']['torch']:.0f} MB)"
        for unit in result["memory"]
    ]
    return f"Peak memory of a training process: {' and '.join(parts)}."


if __name__ == "__main__":
    update(Path(sys.argv[1]), Path(sys.argv[2]))
