"""Results as text: one aligned table for each section."""

from collections.abc import Callable
from typing import Any, TypeAlias

Units: TypeAlias = list[dict[str, Any]]
Rows: TypeAlias = list[tuple[str, ...]]
NAMES = {"auto": "minidl", "torch": "PyTorch"}
NOTE = """\
Wall time of a batch: medians and [quartiles] of interleaved rounds. GFLOP/s count the
direct convolution's operations. "minidl" is what algorithm="auto" chooses. Ratios are
rates over rates, above 1 minidl is faster; sgemm is measured in the same rounds."""


def render(result: dict[str, Any]) -> str:
    """Return the whole result as text."""
    blocks = [heading(result["machine"], result["settings"])]
    for section, (title, rows, words) in TABLES.items():
        if section in result:
            blocks.append(f"{title}\n\n{aligned(rows(result[section]), words)}")
    return "\n\n".join(blocks)


def heading(machine: dict[str, Any], settings: dict[str, Any]) -> str:
    """Return the lines that say what was measured, where and how."""
    versions = [f"{p} {machine[p]}" for p in ("numpy", "numba", "torch") if machine[p]]
    libraries = [
        f"{lib['internal_api']} {lib['version']} for {lib.get('architecture')} cores"
        for lib in machine["libraries"]
        if lib["user_api"] == "blas"
    ]
    variables = [f"{k}={v}" for k, v in machine["environment"].items() if v]
    pinned = ", ".join(map(str, settings["pinned_to"])) or "none"
    return "\n".join(
        (
            f"minidl {machine['minidl']} on {machine['cpu']}, {machine['cores']} cores",
            f"threads {settings['threads']} (pinned to core {pinned}), batch "
            f"{settings['batch']}, rounds {settings['rounds']}, load average at the "
            f"start {machine['load_average']:.1f}",
            ", ".join([f"Python {machine['python']}", *versions, *libraries]),
            "environment: " + (" ".join(variables) or "no settings of threads"),
            "",
            NOTE,
        )
    )


def aligned(rows: Rows, words: int) -> str:
    """Return rows in columns, the first ones words; the first row is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.ljust(w) for cell, w in zip(row, widths, strict=True)][:words]
        cells += [cell.rjust(w) for cell, w in zip(row, widths, strict=True)][words:]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def timings(units: Units) -> Rows:
    """Return a row for each operation of each layer or network."""
    contenders = next(iter(units[0]["operations"].values()))
    head = ["", "operation", *(f"{name(c)} ms" for c in contenders)]
    head += ["[quartiles]", "images/s", "GFLOP/s", "/ sgemm"]
    head += ["/ PyTorch", "[quartiles]"] if "torch" in contenders else []
    rows = [tuple(head)]
    for unit in units:
        for operation, by in unit["operations"].items():
            medians = (f"{figures['ms']['median']:.2f}" for figures in by.values())
            rows.append((unit["name"], operation, *medians, *details(by["auto"])))
    return rows


def details(auto: dict[str, Any]) -> tuple[str, ...]:
    """Return what is said about minidl only."""
    versus = auto.get("vs_torch")
    return (
        quartiles(auto["ms"]),
        f"{auto['images_per_s']:.0f}",
        f"{auto['gflop_per_s']:.0f}",
        f"{auto['vs_sgemm']:.2f}",
        *((f"{versus['median']:.2f}", quartiles(versus)) if versus else ()),
    )


def quartiles(summary: dict[str, float]) -> str:
    """Return the spread around a median."""
    return f"[{summary['low']:.2f}, {summary['high']:.2f}]"


def name(contender: str) -> str:
    """Return what a contender is called in public."""
    return NAMES.get(contender, contender)


def memory(units: Units) -> Rows:
    """Return a row of megabytes for each network."""
    rows = [("", *map(name, units[0]["peak_mb"]))]
    for unit in units:
        rows.append((unit["name"], *(f"{mb:.0f}" for mb in unit["peak_mb"].values())))
    return rows


def cores(units: Units) -> Rows:
    """Return a row of images per second for each network and contender."""
    rows = [("", "", "one core", "several", "ratio", "[quartiles]")]
    for unit in units:
        for how, rates in unit["images_per_s"].items():
            speeds = (f"{rates[key]['median']:.0f}" for key in ("few", "many"))
            ratio = rates["ratio"]
            cells = (*speeds, f"{ratio['median']:.2f}", quartiles(ratio))
            rows.append((unit["name"], name(how), *cells))
    return rows


def cold_start(units: Units) -> Rows:
    """Return a row of seconds for each network and state of Numba's cache."""
    rows = [("", "Numba's cache", "imports", "first step")]
    for unit in units:
        for state in ("cold", "warm"):
            seconds = (f"{unit[state][key]:.2f}" for key in ("start_s", "first_step_s"))
            rows.append((unit["name"], state, *seconds))
    return rows


def profile(units: Units) -> Rows:
    """Return a row for each part of a training step."""
    rows = [("", "part", "ms", "share")]
    for unit in units:
        for part in unit["parts"]:
            cells = (part["part"], f"{part['ms']:.2f}", f"{part['share']:.1%}")
            rows.append((unit["name"], *cells))
        rows.append((unit["name"], "total", f"{unit['total_ms']:.2f}", "100%"))
    return rows


# Title, rows, number of columns that hold words.
TABLES: dict[str, tuple[str, Callable[[Units], Rows], int]] = {
    "layers": ("Convolutions", timings, 2),
    "networks": ("Networks", timings, 2),
    "memory": ("Peak resident memory of ten training steps, MB", memory, 1),
    "members": ("Images/s of two trainings on two cores beside one", cores, 2),
    "scaling": ("Images/s of one training on all cores beside one", cores, 2),
    "cold_start": ("Seconds to the first training step's end", cold_start, 2),
    "profile": ("Where a training step's time goes", profile, 2),
}
