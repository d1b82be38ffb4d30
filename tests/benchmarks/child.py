"""A process of its own that trains: `python -m tests.benchmarks.child '{...}'`.

Settings are one JSON argument, answers one JSON line each on standard output. The first
tells how long imports and the first step took; then each line on standard input, a
number of seconds or "10 steps", asks for that much training, and is answered by the
number of images per second and the peak of resident memory.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.training import to_float
from tests.benchmarks.machine import limit, pin

START = time.perf_counter()
STEPS = 10  # of a training whose memory is measured; each sees another batch


def main(settings: dict[str, Any]) -> None:
    """Take the first step, then train whenever asked to."""
    pin(settings["cores"])
    peers = (settings["how"],) if settings["how"] == "torch" else ()
    limit(settings["threads"], peers)
    step, batch = trainer(settings), settings["batch"]
    ready = time.perf_counter()
    step()
    answer(first_step_s=time.perf_counter() - ready, start_s=ready - START)
    for line in sys.stdin:
        rate = train_for(float(line), step) * batch
        answer(images_per_s=rate, peak_mb=peak_memory())


def trainer(settings: dict[str, Any]) -> Callable[[], None]:
    """Return a function that takes a contender's next training step."""
    from tests.benchmarks.networks import contender, synthetic_batch

    name, size = settings["network"], settings["batch"]
    x, y = synthetic_batch(name, size * STEPS)
    stored = (x * 255).astype(np.uint8)  # as data sets are kept
    model = contender(name, settings["how"], (x[:size], y[:size]), members=1)
    del x
    return model.steps_through(stored, y)


def train_for(seconds: float, step: Callable[[], None]) -> float:
    """Train for so long, at least STEPS steps if 0; return steps per second."""
    start = time.perf_counter()
    steps = 0
    while time.perf_counter() - start < seconds or steps == 0:
        step()
        steps += 1
    return steps / (time.perf_counter() - start)
