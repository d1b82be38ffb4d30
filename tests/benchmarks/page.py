"""Put the benchmark's figures into docs/speed.md: none there is typed by hand.

    python -m tests.benchmarks.page results/benchmarks.json docs/speed.md
    python -m tests.benchmarks.page FILE OTHER ... docs/speed.md

With several files, the others are the same measurement on other processors.
"""

from collections.abc import Sequence
from os.path import relpath
from pathlib import Path
from typing import Any

from minidl.store import read_json, refused
from tutorials.command_line import a_path, one_line_errors, parser_of
from tutorials.paper.pages.markdown import Table, replace_marked


def update(sources: Sequence[Path], page: Path) -> None:
    """Show the figures of JSON files on a page: those of the first's sections."""
    results = {path: read_json(path) for path in sources}
    source, result = next(iter(results.items()))
    with refused(source, LookupError):  # it may lack a section
        if "networks" in result:
            replace_marked(page, "speed", speed(results, page.parent))
        if "attacks" in result:
            replace_marked(page, "attack-speed", attacks(source, result, page.parent))


def speed(results: dict[Path, dict[str, Any]], folder: Path) -> str:
    """Return what is said of both networks' speed and memory, by a page in a folder."""
    result, *others = results.values()
    source = next(iter(results))
    plot = source.with_suffix(".png")
    files = ", ".join(f"[{path}]({relpath(path, folder)})" for path in results)
    parts = [
        conditions(result),
        networks(result, others),
        memory(result),
        *(on_cores(other) for other in others),
        f"![Bars: images per second of minidl and PyTorch]({relpath(plot, folder)})",
        f"All figures: {files}; measured by `python -m tests.benchmarks "
        f"--peers torch --json {source} --plot {plot}` (about ten minutes, with "
        "`pip install torch`).",
    ]
    return "\n\n".join(parts)


def on_cores(result: dict[str, Any]) -> str:
    """Return what a second core brings, in a sentence."""
    members, scaling = (
        " and ".join(
            f"{unit['images_per_s']['auto']['ratio']['median']:.2f} ({unit['name']})"
            for unit in result[section]
        )
        for section in ("members", "scaling")
    )
    cores, cpu = result["scaling"][0]["cores"], result["machine"]["cpu"]
    return (
        f"On {cores} cores of {cpu}, as many networks train {members} times as fast as "
        f"one on one core, and a single network on all of them {scaling} times."
    )


def attacks(source: Path, result: dict[str, Any], folder: Path) -> str:
    """Return what attacks cost beside their gradients, and beside other libraries'."""
    units = result["attacks"]
    head = ["", "", "above its gradients alone", "ART's time", "Foolbox's time"]
    rows = []
    for unit in units:
        for attack, figures in unit["attacks"].items():
            over = figures["overhead"]
            cells = [f"{over['median']:+.1%} [{over['low']:+.1%}, {over['high']:+.1%}]"]
            for peer in ("ART", "Foolbox"):
                ratio = figures.get(peer)
                cells.append(f"{ratio['median']:.2f} of ours" if ratio else "")
            rows.append([unit["name"], attack, *cells])
    measured = f"python -m tests.benchmarks --only attacks --json {source}"
    return (
        f"{units[0]['steps']} steps on {units[0]['batch']} images, all along the same "
        f"network's gradient; medians of {result['settings']['rounds']} interleaved "
        f"rounds, one thread ([{source}]({relpath(source, folder)}), `{measured}`):\n\n"
        f"{Table(head, rows, words=2).markdown()}"
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


def networks(result: dict[str, Any], others: Sequence[dict[str, Any]]) -> str:
    """Return the table of both networks in Markdown; of other processors the ratio."""
    elsewhere = [f"ratio on {other['machine']['cpu']}" for other in others]
    head = ["", "", "minidl, images/s", "PyTorch, images/s", "ratio", *elsewhere]
    rows = []
    for i, unit in enumerate(result["networks"]):
        for operation, figures in unit["operations"].items():
            ours, theirs = figures["auto"], figures["torch"]
            there = [other["networks"][i]["operations"][operation] for other in others]
            cells = [
                f"{ours['images_per_s']:,.0f}",
                f"{theirs['images_per_s']:,.0f}",
                *(ratio(measured) for measured in (figures, *there)),
            ]
            rows.append([unit["name"], operation, *cells])
    return Table(head, rows, words=2).markdown()


def ratio(figures: dict[str, Any]) -> str:
    """Return minidl's rate over PyTorch's: median and quartiles."""
    found = figures["auto"]["vs_torch"]
    return f"{found['median']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"


def memory(result: dict[str, Any]) -> str:
    """Return the peak memory of training processes, in a sentence."""
    parts = [
        f"{unit['peak_mb']['auto']:.0f} MB for {unit['name']} (PyTorch: "
        f"{unit['peak_mb']['torch']:.0f} MB)"
        for unit in result["memory"]
    ]
    return f"Peak memory of a training process: {' and '.join(parts)}."


def main(argv: list[str] | None = None) -> None:
    """Do what the command line says."""
    parser = parser_of("tests.benchmarks.page", __doc__)
    parser.add_argument("sources", type=a_path, nargs="+", help="the benchmark's files")
    parser.add_argument("page", type=a_path, help="where their figures are put")
    args = parser.parse_args(argv)
    with one_line_errors(parser.prog):
        update(args.sources, args.page)


if __name__ == "__main__":
    main()
