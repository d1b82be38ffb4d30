"""Results as text: one aligned table for each section."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from tests.benchmarks import state
from tests.benchmarks.machine import PACKAGES
from tutorials.paper.pages.markdown import Table

Units: TypeAlias = list[dict[str, Any]]
NAMES = {
    "auto": "minidl",
    "torch": "PyTorch",
    "gflop_per_s": "GFLOP/s",
    "mb": "MB",
    "held_kb_per_image": "held, kB/image",
    "moved_kb_per_image": "moved, kB/image",
    "few": "on one",
    "many": "on all",
    "images_per_s": "images/s",
    "gflop": "GFLOP",
    "bound_ms": "bound, ms",
}
NOTE = """\
Medians and [quartiles] of interleaved rounds; ms is the wall time of a batch.
GFLOP/s count the direct convolution's operations. "minidl" uses algorithm="auto".
Ratios are rates over rates, so that minidl is faster above 1. sgemm is measured in the
same rounds."""
DIFFERENCES = """\
Largest difference from the reference's results, in units of their largest number.
In gradients, rounding decides near-ties of ReLU and pooling in a few images."""
TITLES = {
    "layers": "Convolutions",
    "networks": "Networks",
    "attacks": "Attacks: overhead over their gradients, and peers' times over ours",
    "memory": "Peak resident memory of ten training steps, MB",
    "members": "Images/s of one training process on one core, and of one per core",
    "scaling": "Images/s of one training process on one core, and on all cores",
    "cold_start": "Seconds until the first training step ends",
    "instructions": "Instructions per image",
    "parts": """\
Parts of a training step. A part's bound is the time of its products at sgemm's rate
(for 3x3 convolutions, those of Winograd's algorithm without its transforms), plus the
time to read and write all its inputs, outputs and kept arrays once at the stream
triad's rate. A part whose arrays are still in a cache can be faster than its bound.""",
}
SHOWN = {"operations", "attacks", "peak_mb", "images_per_s", "cold", "warm"}
SHOWN |= {"instructions_per_image", "parts"}


def render(result: dict[str, Any]) -> str:
    """Return the whole result as text."""
    blocks = [heading(result["machine"], result["settings"])]
    if "state" in result:
        blocks.append(state.sentences(result))
    for section in TITLES:
        if units := result.get(section):
            blocks.append(block(section, units, aligned))
            if "agreement" in units[0]:
                blocks.append(f"{DIFFERENCES}\n\n{aligned(agreement(units))}")
    return "\n\n".join(blocks)


def block(section: str, units: Units, shown: Callable[[Table], str]) -> str:
    """Return a section's title and its table."""
    title, unit = TITLES[section], units[0]
    if "not_counted" in unit:
        return f"{title}: not counted. {unit['not_counted']}."
    title += f", counted by {unit['counted_by']}" if "counted_by" in unit else ""
    return f"{title}\n\n{shown(table(units))}"


def heading(machine: dict[str, Any], settings: dict[str, Any]) -> str:
    """Return lines on the machine, the settings and the versions."""
    versions = [f"{package} {machine[package]}" for package in PACKAGES]
    libraries = [
        f"{lib['internal_api']} {lib['version']} for {lib.get('architecture')} cores"
        for lib in machine["libraries"]
        if lib["user_api"] == "blas"
    ]
    variables = [f"{k}={v}" for k, v in machine["environment"].items() if v]
    processor = ", ".join(machine[kind] for kind in ("gpu", "cpu") if kind in machine)
    pinned = ", ".join(map(str, settings["pinned_to"])) or "none"
    return "\n".join(
        (
            f"minidl {machine['minidl']} on {processor}, {machine['cores']} cores",
            f"threads {settings['threads']} (pinned to core {pinned}), batch "
            f"{settings['batch']}, rounds {settings['rounds']}",
            ", ".join([f"Python {machine['python']}", *versions, *libraries]),
            "environment: " + (" ".join(variables) or "no settings of threads"),
            "",
            NOTE,
        )
    )


def table(units: Units) -> Table:
    """Return a row for each figure of each unit, whatever its section measures."""
    found = [row for unit in units for row in rows(unit, (unit["name"],))]
    words = max(len(path) for path, _ in found)
    columns = dict.fromkeys(key for _, figures in found for key in figures)
    head = [""] * words + [name(column) for column in columns]
    body = [
        [*map(name, path), *(cell(figures.get(column)) for column in columns)]
        for path, figures in found
    ]
    return Table(head, body, words)


def rows(
    tree: dict[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield the path to each dictionary of numbers or summaries, and the dictionary."""
    if len(path) == 1:
        tree = {k: v for k, v in tree.items() if k in SHOWN}
        if len(tree) == 1:
            [tree] = tree.values()
    if all(is_number(value) for value in tree.values()):
        yield path, tree
        return
    for key, branch in tree.items():
        yield from rows(branch, (*path, key))


def is_number(value: Any) -> bool:
    """Tell whether a value is a number, or the summary of several."""
    return not isinstance(value, dict | list) or "median" in value


def cell(value: Any) -> str:
    """Return a number, or a median with its quartiles."""
    if isinstance(value, dict):
        return "{} [{}, {}]".format(
            *(cell(value[k]) for k in ("median", "low", "high"))
        )
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def name(key: str) -> str:
    """Return the public name of a contender or a figure."""
    return NAMES.get(key, key.replace("_", " "))


def aligned(table: Table) -> str:
    """Return a table for a terminal, with a line under its head."""
    first, *others = table.text().splitlines()
    return "\n".join([first, "-" * max(map(len, [first, *others])), *others])


def agreement(units: Units) -> Table:
    """Return a row of the largest differences for each answer."""
    contenders = units[0]["agreement"]
    body = [
        [answer]
        + [f"{max(u['agreement'][c][answer] for u in units):.0e}" for c in contenders]
        for answer in next(iter(contenders.values()))
    ]
    return Table(["", *map(name, contenders)], body)
