"""What stands in the rows of each table."""

from collections.abc import Callable
from typing import Any, TypeAlias

Units: TypeAlias = list[dict[str, Any]]
Rows: TypeAlias = list[tuple[str, ...]]
NAMES = {"auto": "minidl", "torch": "PyTorch"}


def timings(units: Units) -> Rows:
    """Return a row for each operation of each layer or network."""
    contenders = next(iter(units[0]["operations"].values()))
    head = ["", "operation", *(f"{name(c)} ms" for c in contenders)]
    head += ["[quartiles]", "images/s", "GFLOP/s", "/ sgemm"]
    head += ["/ PyTorch", "[quartiles]"] if "torch" in contenders else []
    rows: Rows = [tuple(head)]
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


def attacks(units: Units) -> Rows:
    """Return a row for each attack on each network."""
    peers = [p for p in ("ART", "Foolbox") if p in units[0]["attacks"]["BIM"]]
    head = ["", f"{units[0]['steps']} steps", "ms", "over gradients", "[quartiles]"]
    rows: Rows = [(*head, *(f"{peer} / minidl" for peer in peers))]
    for unit in units:
        for attack, figures in unit["attacks"].items():
            overhead = figures["overhead"]
            cells = [f"{figures['ms']['median']:.1f}", f"{overhead['median']:+.1%}"]
            cells.append(f"[{overhead['low']:+.1%}, {overhead['high']:+.1%}]")
            versus = (
                f"{figures[p]['median']:.2f}" if p in figures else "" for p in peers
            )
            rows.append((unit["name"], attack, *cells, *versus))
    return rows


def memory(units: Units) -> Rows:
    """Return a row of megabytes for each network."""
    rows: Rows = [("", *map(name, units[0]["peak_mb"]))]
    for unit in units:
        rows.append((unit["name"], *(f"{mb:.0f}" for mb in unit["peak_mb"].values())))
    return rows


def cores(units: Units) -> Rows:
    """Return a row of images per second for each network and contender."""
    rows: Rows = [("", "", "one core", "several", "ratio", "[quartiles]")]
    for unit in units:
        for how, rates in unit["images_per_s"].items():
            speeds = (f"{rates[key]['median']:.0f}" for key in ("few", "many"))
            ratio = rates["ratio"]
            cells = (*speeds, f"{ratio['median']:.2f}", quartiles(ratio))
            rows.append((unit["name"], name(how), *cells))
    return rows


def cold_start(units: Units) -> Rows:
    """Return a row of seconds for each network and state of Numba's cache."""
    rows: Rows = [("", "Numba's cache", "imports", "first step")]
    for unit in units:
        for state in ("cold", "warm"):
            seconds = (f"{unit[state][key]:.2f}" for key in ("start_s", "first_step_s"))
            rows.append((unit["name"], state, *seconds))
    return rows


def profile(units: Units) -> Rows:
    """Return a row for each part of a training step."""
    rows: Rows = [("", "part", "ms", "share")]
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
    "attacks": ("Attacks: time of a batch, beside its gradients alone", attacks, 2),
    "memory": ("Peak resident memory of ten training steps, MB", memory, 1),
    "members": ("Images/s of two trainings on two cores beside one", cores, 2),
    "scaling": ("Images/s of one training on all cores beside one", cores, 2),
    "cold_start": ("Seconds to the first training step's end", cold_start, 2),
    "profile": ("Where a training step's time goes", profile, 2),
}
