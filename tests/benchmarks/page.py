"""Put the benchmark's figures into docs/speed.md, where none is typed by hand.

    python -m tests.benchmarks.page results/benchmarks.json docs/speed.md
    python -m tests.benchmarks.page FILE OTHER ... docs/speed.md

Further files hold the same measurement on other processors, or beside a process that
streams through memory.
"""

from collections.abc import Sequence
from os.path import relpath
from pathlib import Path
from typing import Any

from minidl.store import read_json, refused
from tests.benchmarks.parts import STEP
from tests.benchmarks.processors import (
    Result,
    about,
    conditions,
    meanwhile,
    networks,
    not_measured,
    where,
)
from tests.benchmarks.table import block
from tutorials.command_line import a_path, one_line_errors, parser_of
from tutorials.paper.pages import markdown
from tutorials.paper.pages.markdown import Table, replace_marked

FEW = 0.005  # of a step: smaller parts share a row


def update(sources: Sequence[Path], page: Path) -> None:
    """Show the figures of JSON files on a page, for the sections of the first file."""
    results = {path: read_json(path) for path in sources}
    source, result = next(iter(results.items()))
    with refused(source, LookupError):  # it may lack a section
        if "networks" in result:
            replace_marked(page, "speed", speed(results, page.parent))
        if "parts" in result:
            replace_marked(page, "parts", parts(result))
        if "attacks" in result:
            replace_marked(page, "attack-speed", attacks(source, result, page.parent))


def speed(results: dict[Path, Result], folder: Path) -> str:
    """Return the text on both networks' speed and memory, for a page in a folder."""
    (source, first), *_ = results.items()
    beside = [r for r in results.values() if r["settings"].get("beside")]
    others = [r for r in results.values() if r is not first and r not in beside]
    plot = source.with_suffix(".png")
    files = ", ".join(f"[{path}]({relpath(path, folder)})" for path in results)
    return markdown.page(
        conditions(first),
        networks(first, others),
        not_measured([first, *others]),
        *(f"{conditions(result)}\n\n{networks(result, [])}" for result in beside),
        *(about(result) for result in results.values()),
        f"![Bars: images per second of minidl and PyTorch]({relpath(plot, folder)})",
        f"All figures: {files}; measured by `python -m tests.benchmarks "
        f"--peers torch --json {source} --plot {plot}` (about ten minutes, with "
        "`pip install torch`; `--beside stream` keeps memory busy at the same time).",
    ).strip()


def parts(result: Result) -> str:
    """Return the times of a training step's parts; small parts share a row."""
    units = [unit | {"parts": joined(unit["parts"])} for unit in result["parts"]]
    batch, speeds = result["settings"]["batch"], units[0]
    return (
        f"A batch of {batch} on {where(result)}{meanwhile(result)}, minidl "
        f"{result['machine']['minidl']}: sgemm {speeds['sgemm_gflop_per_s']:.0f} "
        f"GFLOP/s, stream triad {speeds['triad_gb_per_s']:.1f} GB/s.\n\n"
        f"{block('parts', units, Table.markdown)}"
    )


def joined(parts: dict[str, Any]) -> dict[str, Any]:
    """Return the parts with those below FEW in one row, before the whole step."""
    small = [part for part in parts.values() if part["share"] < FEW]
    rest = {key: sum(part[key] or 0 for part in small) for key in parts[STEP]}
    rest["times_bound"] = rest["ms"] / rest["bound_ms"] if rest["bound_ms"] else None
    large = {name: part for name, part in parts.items() if part["share"] >= FEW}
    whole = {STEP: large.pop(STEP)}
    return large | ({f"{len(small)} others": rest} if small else {}) | whole


def attacks(source: Path, result: dict[str, Any], folder: Path) -> str:
    """Return the time of attacks, relative to their gradients and other libraries."""
    units = result["attacks"]
    head = ["", "", "above its gradients alone", "ART's time", "Foolbox's time"]
    rows = []
    for unit in units:
        for attack, figures in unit["attacks"].items():
            over = figures["overhead"]
            cells = [f"{over['median']:+.1%} [{over['low']:+.1%}, {over['high']:+.1%}]"]
            for peer in ("ART", "Foolbox"):
                ratio = figures.get(peer)
                cells.append(f"{ratio['median']:.2f} times ours" if ratio else "")
            rows.append([unit["name"], attack, *cells])
    measured = f"python -m tests.benchmarks --only attacks --json {source}"
    return (
        f"{units[0]['steps']} steps on {units[0]['batch']} images, all along the same "
        f"network's gradient; medians of {result['settings']['rounds']} interleaved "
        f"rounds, one thread ([{source}]({relpath(source, folder)}), `{measured}`):\n\n"
        f"{Table(head, rows, words=2).markdown()}"
    )


def main(argv: list[str] | None = None) -> None:
    """Run the command line."""
    parser = parser_of("tests.benchmarks.page", __doc__)
    parser.add_argument("sources", type=a_path, nargs="+", help="the benchmark's files")
    parser.add_argument("page", type=a_path, help="where their figures are put")
    args = parser.parse_args(argv)
    with one_line_errors(parser.prog):
        update(args.sources, args.page)


if __name__ == "__main__":
    main()
