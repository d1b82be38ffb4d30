"""The text of docs/speed.md on each processor that was measured."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from tests.benchmarks import state
from tests.benchmarks.table import block
from tutorials.paper.pages.markdown import Table

Result: TypeAlias = dict[str, Any]
KINDS = {"AVX2", "AVX-512"}  # of vectors, for which figures are wanted


def where(result: Result) -> str:
    """Return a processor's name with its vectors, as processors may share a name."""
    vectors = result["machine"].get("vectors")  # missing in older files
    return result["machine"]["cpu"] + (f" ({vectors})" if vectors else "")


def meanwhile(result: Result) -> str:
    """Return what ran beside a measurement, in words."""
    busy = result["settings"].get("beside")
    return " while another process streams through memory" if busy else ""


def conditions(result: Result) -> str:
    """Return how it was measured, in words."""
    settings, machine = result["settings"], result["machine"]
    return (
        f"One thread on one core of {where(result)}{meanwhile(result)}, batches of "
        f"{settings['batch']}, equal weights. minidl {machine['minidl']} and PyTorch "
        f"{machine['torch']} (eager, channels_last) take turns. Figures are medians of "
        f"{settings['rounds']} rounds, with the quartiles of each round's ratio in "
        "brackets."
    )


def networks(result: Result, others: Sequence[Result]) -> str:
    """Return the table of both networks in Markdown, with other processors' ratios."""
    head = ["", "", "minidl, images/s", "PyTorch, images/s", "ratio"]
    head += [
        f"ratio on {where(other)}, minidl {other['machine']['minidl']}"
        for other in others
    ]
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


def ratio(figures: Result) -> str:
    """Return the median and quartiles of minidl's rate over PyTorch's."""
    found = figures["auto"]["vs_torch"]
    return f"{found['median']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"


def not_measured(results: Sequence[Result]) -> str:
    """Return the kinds of processors that the first's version lacks; "" if none."""
    machines = [result["machine"] for result in results]
    version = machines[0]["minidl"]
    done = {m.get("vectors") for m in machines if m["minidl"] == version}
    missing = " and ".join(sorted(KINDS - done)) if done & KINDS else ""
    return f"Not measured with minidl {version} yet: {missing}." if missing else ""


def about(result: Result) -> str:
    """Return a machine's state, and its figures apart from the networks."""
    found = [
        block(section, result[section], Table.markdown)
        for section in ("members", "scaling", "instructions")
        if section in result
    ]
    said = [state.sentences(result)] if "state" in result else []
    said += [memory(result)] if "memory" in result else []
    head = f"**{where(result)}{meanwhile(result)}.** {' '.join(said)}"
    return "\n\n".join([head, *found])


def memory(result: Result) -> str:
    """Return the peak memory of training processes, in a sentence."""
    peaks = [
        f"{peak['auto']:.0f} MB for {name} (PyTorch: {peak['torch']:.0f} MB, ratio "
        f"{peak['auto'] / peak['torch']:.2f})"
        for name, peak in ((u["name"], u["peak_mb"]) for u in result["memory"])
    ]
    return f"Peak memory of a training process: {' and '.join(peaks)}."
