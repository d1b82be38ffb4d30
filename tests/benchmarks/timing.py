"""Timing side by side: candidates take turns, so that a slow second hits them all.

A candidate is a task of a contender. Times are wall-clock; the quartiles beside a
median show how quiet the machine was.
"""

import time
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from minidl.backend import Device, require_gpu, to_device
from tests.benchmarks.agreement import agree
from tests.benchmarks.cli import Options
from tests.benchmarks.problems import Contender, Task

Key: TypeAlias = tuple[str, str]  # (task, contender)
Samples: TypeAlias = dict[Key, list[float]]  # seconds
SGEMM: Key = ("sgemm", "numpy")
SQUARE = {"cpu": 1024, "gpu": 8192}  # rows and columns of sgemm's matrices
FEW = {"reference": 3}  # contenders too slow for many rounds


def compete(
    contenders: Mapping[str, Contender],
    gflop: Mapping[str, float],
    options: Options,
    tolerance: Mapping[str, float],
) -> dict[str, Any]:
    """Compare the contenders' answers, then time their tasks; return a unit's figures.

    gflop is each task's work. Raises ValueError if the answers differ.
    """
    agreement = agree({how: c.answers() for how, c in contenders.items()}, tolerance)
    candidates = {
        (task, how): function
        for how, contender in contenders.items()
        for task, function in contender.tasks.items()
    }
    samples = interleaved(candidates, options.rounds, options.device)
    sgemm = 2 * SQUARE[options.device] ** 3 / 1e9 / float(np.median(samples[SGEMM]))
    return {
        "sgemm_gflop_per_s": sgemm,
        "agreement": agreement,
        "operations": compare(samples, gflop, options.batch, sgemm),
    }


def interleaved(
    candidates: Mapping[Key, Task], rounds: int, device: Device = "cpu"
) -> Samples:
    """Return the seconds that each candidate and sgemm took in each round.

    An extra first round, in which kernels are compiled, isn't counted.
    """
    everyone = {SGEMM: yardstick(device), **candidates}
    samples: Samples = {key: [] for key in everyone}
    for i in range(-1, rounds):
        for key, function in everyone.items():
            if i < FEW.get(key[1], rounds):
                taken = seconds(function, device)
                samples[key] += [taken] if i >= 0 else []
    return samples


def yardstick(device: Device) -> Task:
    """Return a task that measures a device's speed: a large product in float32."""
    n = SQUARE[device]
    square = to_device(np.random.default_rng(0).random((n, n), np.float32), device)
    return lambda: square @ square


def seconds(function: Task, device: Device) -> float:
    """Return how long a call takes, until the GPU has done all its work."""
    start = time.perf_counter()
    function()
    if device == "gpu":
        require_gpu().cuda.Device().synchronize()
    return time.perf_counter() - start


def summary(values: list[float]) -> dict[str, float]:
    """Return median, quartiles, extremes and number of some values."""
    names = ("min", "low", "median", "high", "max")
    quantiles = np.quantile(values, (0, 0.25, 0.5, 0.75, 1)).tolist()
    return dict(zip(names, quantiles, strict=True)) | {"rounds": len(values)}


def ratios(samples: Samples, above: Key, below: Key) -> dict[str, float]:
    """Return the summary of the ratios of two times in the same round.

    A disturbance of the machine slows down both.
    """
    pairs = zip(samples[above], samples[below], strict=False)
    return summary([a / b for a, b in pairs])


def compare(
    samples: Samples, gflop: Mapping[str, float], batch: int, sgemm: float
) -> dict[str, dict[str, Any]]:
    """Return times, rates and ratios: {task: {contender: figures}}.

    Ratios are rates over rates: above 1, the contender is faster.
    """
    found: dict[str, dict[str, Any]] = {task: {} for task in gflop}
    for task, how in samples:
        if (task, how) == SGEMM:
            continue
        ms = summary([1e3 * t for t in samples[task, how]])
        rate = gflop[task] / ms["median"] * 1e3
        found[task][how] = {
            "ms": ms,
            "images_per_s": batch / ms["median"] * 1e3,
            "gflop_per_s": rate,
            "vs_sgemm": rate / sgemm,
        }
        if (task, "torch") in samples and how != "torch":
            versus = ratios(samples, (task, "torch"), (task, how))
            found[task][how]["vs_torch"] = versus
    return found
