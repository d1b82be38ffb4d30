"""A training process of its own: `python -m tests.benchmarks.child '{...}'`.

Its settings are one argument in JSON, and each answer is one line of JSON. The first
answer gives the time of the imports and of the first step, and the resident memory.
Each line on standard input, a number of seconds and a number of steps, then asks for at
least that much training; the answer is the rate and the peak of resident memory.
"""

import itertools
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.cores import pin

START = time.perf_counter()  # before the imports that take long
STEPS = 10  # batches in the data


def main(settings: dict[str, Any]) -> None:
    """Take the first step, then train on request."""
    pin(settings["cores"])
    from tests.benchmarks.machine import limit  # starts threads: pinned first

    limit(settings["threads"], (settings["how"],))
    step = training(settings)
    ready = time.perf_counter()
    step(settings["first"])
    first = time.perf_counter() - ready
    answer(start_s=ready - START, first_step_s=first, idle_mb=memory("VmRSS"))
    for line in sys.stdin:
        seconds, steps = map(int, line.split())
        rate = settings["batch"] * train(step, seconds, steps)
        answer(images_per_s=rate, peak_mb=memory("VmHWM"))


def training(settings: dict[str, Any]) -> Callable[..., None]:
    """Return a function that takes a contender's next step, with `images` images."""
    import numpy as np

    from minidl.batches import to_float
    from tests.benchmarks.problems import build

    model = build(settings["network"], settings["how"])
    rng, N = np.random.default_rng(0), settings["batch"]
    x = rng.integers(256, size=(STEPS, N, *model.input_shape), dtype=np.uint8)
    y = rng.integers(model.classes, size=(STEPS, N))
    take_step = trainer(settings["how"], model)
    turns = itertools.cycle(zip(x, y, strict=True))

    def step(images: int = N) -> None:
        pixels, labels = next(turns)
        take_step(to_float(pixels[:images]), labels[:images])

    return step


def trainer(how: str, model: Any) -> Callable[..., None]:
    """Return a contender's training step, without importing the others."""
    if how == "torch":
        from tests.benchmarks.torch_peer import TorchTrainer

        return TorchTrainer(model).step
    from tests.benchmarks.contenders import Trainer, with_kernels

    return with_kernels(how, Trainer(model).step)


def train(step: Callable[[], None], seconds: int, steps: int) -> float:
    """Train for at least so many seconds and steps; return steps per second."""
    start = time.perf_counter()
    for done in itertools.count(1):
        step()
        passed = time.perf_counter() - start
        if done >= steps and passed >= seconds:
            return done / passed
    raise AssertionError


def memory(kind: str) -> float:
    """Return the resident memory (VmRSS) or its peak (VmHWM), in 10^6 bytes.

    Linux's `ru_maxrss` would start at the parent's peak, which a new process inherits.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        (size,) = (line.split()[1] for line in lines if line.startswith(f"{kind}:"))
        return int(size) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS: bytes


def answer(**figures: float) -> None:
    """Write one line."""
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
