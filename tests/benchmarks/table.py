"""Results as text: one aligned table for each section."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from tests.benchmarks import state
from tests.benchmarks.machine import PACKAGES
from tutorials.paper.pages.markdown import Table

Units: TypeAlias = list[dict[str, Any]]
NAMES = {"auto": "minidl", "torch": "PyTorch"}
NOTE = """\
Medians and [quartiles] of interleaved rounds; ms is the wall time of a batch.
gflop_per_s counts the direct convolution's operations. "minidl" is what
algorithm="auto" chooses. Ratios are rates over rates, above 1 minidl is faster; sgemm
is measured in the same rounds."""
DIFFERENCES = """\
Largest difference from the reference's results, in units of their largest number.
In gradients, rounding decides near-ties of ReLU and pooling in a few images."""
TITLES = {
    "layers": "Convolutions",
    "networks": "Networks",
    "attacks": "Attacks: overhead beside their gradients, and peers' times over ours",
    "memory": "Peak resident memory of ten training steps, MB",
    "members": "Images/s of a training on each core beside one on one",
    "scaling": "Images/s of one training on all cores beside one",
    "cold_start": "Seconds to the first training step's end",
    "instructions": "Instructions per image",
    "parts": "Where a training step's time goes; bounds as in tests.benchmarks.parts",
}
SHOWN = {"operations", "attacks", "peak_mb", "images_per_s", "cold", "warm"}
SHOWN |= {"instructions_per_image", "parts"}


def render(result: dict[str, Any]) -> str:
    """Return the whole result as text."""
    blocks = [heading(result["machine"], result["settings"])]
    if "state" in result:
        blocks.append(state.sentences(result))
    for section, title in TITLES.items():
        if units := result.get(section):
            blocks.append(f"{title}\n\n{table(units)}")
            if "agreement" in units[0]:
                blocks.append(f"{DIFFERENCES}\n\n{agreement(units)}")
    return "\n\n".join(blocks)


def heading(machine: dict[str, Any], settings: dict[str, Any]) -> str:
    """Return the lines that say what was measured, where and how."""
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


def table(units: Units) -> str:
    """Return a row for each figure of each unit, whatever its section measures."""
    if why := units[0].get("not_counted"):
        return f"Not counted. {why}."
    found = [row for unit in units for row in rows(unit, (unit["name"],))]
    words = max(len(path) for path, _ in found)
    columns = dict.fromkeys(key for _, figures in found for key in figures)
    head = [""] * words + [name(column) for column in columns]
    body = [
        [*map(name, path), *(cell(figures.get(column)) for column in columns)]
        for path, figures in found
    ]
    by = units[0].get("counted_by")
    return aligned(head, body, words) + (f"\n\nCounted by {by}." if by else "")


def rows(
    tree: dict[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield the way to each dictionary of numbers or summaries, and the dictionary."""
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
    """Return what a contender is called in public."""
    return NAMES.get(key, key)


def aligned(head: list[str], body: list[list[str]], words: int) -> str:
    """Return rows in columns, the first ones words, below a line under the head."""
    first, *others = Table(head, body, words).text().splitlines()
    return "\n".join([first, "-" * max(map(len, [first, *others])), *others])


def agreement(units: Units) -> str:
    """Return a row of the largest differences for each answer."""
    contenders = units[0]["agreement"]
    body = [
        [answer]
        + [f"{max(u['agreement'][c][answer] for u in units):.0e}" for c in contenders]
        for answer in next(iter(contenders.values()))
    ]
    return aligned(["", *map(name, contenders)], body, 1)
