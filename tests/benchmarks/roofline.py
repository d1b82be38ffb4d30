"""How fast a GPU could be at most: by its arithmetic and its memory, on paper.

A training step takes at least as long as its multiplications at the peak rate. With
columns in memory, each convolution also writes and reads its matrix of columns three
times over: forward, for dJ/dW, and for dJ/dx.
Source of the peaks: NVIDIA H100 SXM data sheet, float32 without tensor cores.
"""

import numpy as np

from minidl import Conv2D, Sequential
from tests.benchmarks.problems import gflop

PEAK_GFLOP_PER_S = 67_000
PEAK_GB_PER_S = 3_350
PASSES = 2 * 3  # written and read; three times


def h100_ms(model: Sequential, batch: int) -> dict[str, float]:
    """Return milliseconds of a training step, with and without columns in memory."""
    arithmetic = gflop(model, batch)["training step"] / PEAK_GFLOP_PER_S
    first, *others = (batch * 4 * c / 1e9 for c in columns(model))
    # The first convolution needs no dJ/dx.
    memory = (PASSES * sum(others) + (PASSES - 2) * first) / PEAK_GB_PER_S
    return {
        "by arithmetic alone": 1e3 * arithmetic,
        "with columns in memory": 1e3 * (arithmetic + memory),
    }


def columns(model: Sequential) -> list[int]:
    """Return how many numbers each convolution's columns hold for one image."""
    return [
        int(np.prod(shape[:-1])) * layer.params[0].data[..., 0].size
        for layer, shape in zip(model.layers, model.shapes[1:], strict=True)
        if isinstance(layer, Conv2D)
    ]
