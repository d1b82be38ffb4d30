"""The machine's state: how fast it is before and after the work, and how busy.

    python -m tests.benchmarks.state THREADS

On a busy machine, figures depend on other users as much as on the library. The load
average shows them before the work, a changed speed after it.
"""

import json
import os
import sys
from typing import Any

import numpy as np

from minidl.parallel import limit_threads
from tests.benchmarks import stream
from tests.benchmarks.problems import Task
from tests.benchmarks.started import started
from tests.benchmarks.timing import SQUARE, seconds, yardstick

MOST_LOAD = 1 / 3  # of the cores, before the work
MOST_DRIFT = 0.15  # of a speed, from before to after
REPEATS = 15
SPEEDS = {
    "sgemm_gflop_per_s": ("sgemm", "GFLOP/s"),
    "triad_gb_per_s": ("stream triad", "GB/s"),
}


def measure(threads: int) -> dict[str, float]:
    """Return the load average and the speeds, measured in a new process.

    In a process that has worked for a while, the triad is slower.
    """
    with started("state", threads) as child:
        return child.first


def speeds() -> dict[str, float]:
    """Return the load average, and the median rates of sgemm and a triad."""
    load = os.getloadavg()[0]
    (a, b, c), s = stream.arrays(), np.float32(3)
    tasks: list[Task] = [yardstick("cpu"), lambda: stream.triad(a, b, c, s)]
    sgemm, triad = (
        float(np.median([seconds(task, "cpu") for _ in range(REPEATS)]))
        for task in tasks
    )
    return {
        "load_average": load,
        "sgemm_gflop_per_s": 2 * SQUARE["cpu"] ** 3 / 1e9 / sgemm,
        "triad_gb_per_s": stream.gigabytes(a) / triad,
    }


def busy(load: float, cores: int) -> str:
    """Return why a machine is too busy for measurements, "" if it isn't."""
    most = MOST_LOAD * cores
    if load <= most:
        return ""
    return (
        f"the load average is {load:.2f}, above {most:.2f} (a third of {cores} cores)"
    )


def drift(result: dict[str, Any]) -> str:
    """Return what changed between the start and the end of the work, "" if nothing."""
    before, after = (result["state"][when] for when in ("before", "after"))
    doubts = [
        f"{name} changed from {before[speed]:.3g} to {after[speed]:.3g} {unit}, by "
        f"more than {MOST_DRIFT:.0%}"
        for speed, (name, unit) in SPEEDS.items()
        if abs(after[speed] / before[speed] - 1) > MOST_DRIFT
    ]
    beside = result["settings"]["beside"]
    if beside and beside["gb_per_s"] is None:
        doubts.append(f"the process on core {beside['core']} ended early")
    return "; ".join(doubts)


def sentences(result: dict[str, Any]) -> str:
    """Return how fast and how busy a machine was."""
    state, beside = result["state"], result["settings"]["beside"]
    before, after = state["before"], state["after"]
    speeds = [
        f"{name} {before[speed]:.3g} {unit} before and {after[speed]:.3g} after"
        for speed, (name, unit) in SPEEDS.items()
    ]
    load = before["load_average"]
    doubts = filter(None, (busy(load, result["machine"]["cores"]), drift(result)))
    said = [
        f"Load average {load:.2f} at the start; {', '.join(speeds)} (three arrays of "
        f"{state['array_mb']:.0f} MB; last-level cache {state['cache_mb']:.0f} MB).",
        *(f"Busy: {doubt}." for doubt in doubts),
    ]
    if beside and beside["gb_per_s"]:
        said.append(
            f"Core {beside['core']} streamed {beside['gb_per_s']:.3g} GB/s meanwhile."
        )
    return " ".join(said)


if __name__ == "__main__":
    limit_threads(int(sys.argv[1]))
    print(json.dumps(speeds()), flush=True)
