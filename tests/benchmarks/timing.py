"""Timing side by side: candidates take turns, so that a slow second hits them all.

A candidate is an operation done by a contender. Times are wall-clock; the quartiles
beside a median say how quiet the machine was.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from minidl.backend import Device, require_gpu, to_device

Key: TypeAlias = tuple[str, str]  # (operation, contender)
Samples: TypeAlias = dict[Key, list[float]]  # seconds
SGEMM: Key = ("sgemm", "numpy")
SQUARE = {"cpu": 1024, "gpu": 8192}  # rows and columns of sgemm's matrices
FEW = {"reference": 3}  # contenders too slow for many rounds


def interleaved(
    candidates: Mapping[Key, Callable[[], Any]], rounds: int, device: Device = "cpu"
) -> Samples:
    """Return the seconds that each candidate took in each round, and sgemm's.

    A round before the first, in which kernels are compiled, isn't counted.
    """
    everyone = {SGEMM: sgemm(device), **candidates}
    if device == "gpu":
        everyone = {key: until_done(function) for key, function in everyone.items()}
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


def until_done(function: Callable[[], Any]) -> Callable[[], None]:
    """Return a function that ends when the GPU has done all its work, PyTorch's too."""

    def run() -> None:
        function()
        require_gpu().cuda.Device().synchronize()

    return run


def sgemm(device: Device = "cpu") -> Callable[[], Any]:
    """Return the machine's own yardstick: a large product of float32 matrices."""
    n = SQUARE[device]
    square = to_device(np.random.default_rng(0).random((n, n), np.float32), device)
    return lambda: square @ square


def sgemm_rate(samples: Samples, device: Device = "cpu") -> float:
    """Return sgemm's GFLOP/s."""
    return 2 * SQUARE[device] ** 3 / 1e9 / float(np.median(samples[SGEMM]))


def summary(values: list[float]) -> dict[str, float]:
    """Return median, quartiles, extremes and number of some values."""
    names = ("min", "low", "median", "high", "max")
    quantiles = np.quantile(values, (0, 0.25, 0.5, 0.75, 1)).tolist()
    return dict(zip(names, quantiles, strict=True)) | {"rounds": len(values)}


def compare(
    samples: Samples, gflop: Mapping[str, float], batch: int, device: Device = "cpu"
) -> dict[str, dict[str, Any]]:
    """Return the figures of each operation and contender: {operation: {contender: }}.

    Ratios are rates over rates: above 1, the contender is the faster one.
    """
    sgemm = sgemm_rate(samples, device)
    return {
        operation: {
            contender: figures(
                samples, (operation, contender), batch, gflop[operation], sgemm
            )
            for contender in contenders(samples, operation)
        }
        for operation in gflop
    }


def contenders(samples: Samples, operation: str) -> Iterator[str]:
    """Yield who was timed at an operation."""
    return (contender for name, contender in samples if name == operation)


def figures(
    samples: Samples, key: Key, batch: int, gflop: float, sgemm: float
) -> dict[str, Any]:
    """Return one candidate's times, rates and ratios; gflop is its work for a batch."""
    ms = summary([1e3 * t for t in samples[key]])
    rate = gflop / ms["median"] * 1e3
    result = {
        "ms": ms,
        "images_per_s": batch / ms["median"] * 1e3,
        "gflop_per_s": rate,
        "vs_sgemm": rate / sgemm,
    }
    operation, contender = key
    if (operation, "torch") in samples and contender != "torch":
        # Pairs of one round: what slowed the machine down slowed both.
        pairs = zip(samples[operation, "torch"], samples[key], strict=False)
        result["vs_torch"] = summary([theirs / ours for theirs, ours in pairs])
    return result
