"""Results as text: one aligned table for each section."""

from typing import Any

from tests.benchmarks.rows import TABLES, Rows, Units, name

NOTE = """\
Wall time of a batch: medians and [quartiles] of interleaved rounds. GFLOP/s count the
direct convolution's operations. "minidl" is what algorithm="auto" chooses. Ratios are
rates over rates, above 1 minidl is faster; sgemm is measured in the same rounds."""
DIFFERENCES = """\
Largest difference from the reference's results, in units of their largest number.
In gradients, rounding decides near-ties of ReLU and pooling in a few images."""


def render(result: dict[str, Any]) -> str:
    """Return the whole result as text."""
    blocks = [heading(result["machine"], result["settings"])]
    for section, (title, rows, words) in TABLES.items():
        if section in result:
            blocks.append(f"{title}\n\n{aligned(rows(result[section]), words)}")
            blocks += agreement(result[section])
    blocks += [on_paper(u) for u in result.get("networks", []) if "roofline_ms" in u]
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
    processor = ", ".join(machine[kind] for kind in ("gpu", "cpu") if kind in machine)
    pinned = ", ".join(map(str, settings["pinned_to"])) or "none"
    return "\n".join(
        (
            f"minidl {machine['minidl']} on {processor}, {machine['cores']} cores",
            f"threads {settings['threads']} (pinned to core {pinned}), batch "
            f"{settings['batch']}, rounds {settings['rounds']}, load average at the "
            f"start {machine['load_average']:.1f}",
            ", ".join([f"Python {machine['python']}", *versions, *libraries]),
            "environment: " + (" ".join(variables) or "no settings of threads"),
            "",
            NOTE,
        )
    )


def on_paper(unit: dict[str, Any]) -> str:
    """Return how long a GPU would need at least, beside what was measured."""
    ms = ", ".join(f"{t:.2f} ms {way}" for way, t in unit["roofline_ms"].items())
    return f"{unit['name']}, training step, an H100 on paper: {ms}."


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


def agreement(units: Units) -> list[str]:
    """Return the table of how far results differ, where they were compared."""
    first = units[0].get("agreement")
    if not first:
        return []
    rows: Rows = [("", *map(name, first))]
    for answer in next(iter(first.values())):
        largest = (max(u["agreement"][how][answer] for u in units) for how in first)
        rows.append((answer, *(f"{most:.0e}" for most in largest)))
    return [f"{DIFFERENCES}\n\n{aligned(rows, 1)}"]
