"""Timing side by side: candidates take turns, so that a slow second hits them all.

A candidate is an operation done by a contender. Times are wall-clock; the quartiles
beside a median say how quiet the machine was.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

Key: TypeAlias = tuple[str, str]  # (operation, contender)
Samples: TypeAlias = dict[Key, list[float]]  # seconds
SGEMM: Key = ("sgemm", "numpy")
SQUARE = 1024  # rows and columns of the matrices that sgemm multiplies
FEW = {"reference": 3}  # contenders too slow for many rounds


def interleaved(candidates: Mapping[Key, Callable[[], Any]], rounds: int) -> Samples:
    """Return the seconds that each candidate took in each round, and sgemm's.

    A round before the first, in which kernels are compiled, isn't counted.
    """
    everyone = {SGEMM: sgemm(), **candidates}
    samples: Samples = {key: [] for key in everyone}
    for key in everyone:
        everyone[key]()
    for i in range(rounds):
        for (operation, contender), function in everyone.items():
            if i < FEW.get(contender, rounds):
                samples[operation, contender].append(seconds(function))
    return samples


def seconds(function: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def sgemm() -> Callable[[], Any]:
    """Return the machine's own yardstick: a large product of float32 matrices."""
    square = np.random.default_rng(0).random((SQUARE, SQUARE), np.float32)
    return lambda: square @ square


def sgemm_rate(samples: Samples) -> float:
    """Return sgemm's GFLOP/s."""
    return 2 * SQUARE**3 / 1e9 / float(np.median(samples[SGEMM]))


def summary(values: list[float]) -> dict[str, float]:
    """Return median, quartiles, extremes and number of some values."""
    names = ("min", "low", "median", "high", "max")
    quantiles = np.quantile(values, (0, 0.25, 0.5, 0.75, 1)).tolist()
    return dict(zip(names, quantiles, strict=True)) | {"rounds": len(values)}


def compare(
    samples: Samples, gflop: Mapping[str, float], batch: int
) -> dict[str, dict[str, Any]]:
    """Return the figures of each operation and contender: {operation: {contender: }}.

    Ratios are rates over rates: above 1, the contender is the faster one.
    """
    return {
        operation: {
            contender: figures(samples, (operation, contender), batch, gflop[operation])
            for contender in contenders(samples, operation)
        }
        for operation in gflop
    }


def contenders(samples: Samples, operation: str) -> Iterator[str]:
    """Yield who was timed at an operation."""
    return (contender for name, contender in samples if name == operation)


def figures(samples: Samples, key: Key, batch: int, gflop: float) -> dict[str, Any]:
    """Return one candidate's times, rates and ratios; gflop is its work for a batch."""
    ms = summary([1e3 * t for t in samples[key]])
    rate = gflop / ms["median"] * 1e3
    result = {
        "ms": ms,
        "images_per_s": batch / ms["median"] * 1e3,
        "gflop_per_s": rate,
        "vs_sgemm": rate / sgemm_rate(samples),
    }
    operation, contender = key
    if (operation, "torch") in samples and contender != "torch":
        # Pairs of one round: what slowed the machine down slowed both.
        pairs = zip(samples[operation, "torch"], samples[key], strict=False)
        result["vs_torch"] = summary([theirs / ours for theirs, ours in pairs])
    return result
