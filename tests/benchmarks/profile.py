"""Where the time of a training step goes, part by part."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.cli import Options
from tests.benchmarks.contenders import Trainer
from tests.benchmarks.problems import build, synthetic_batch

REST = "loss, checks"


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return the median milliseconds of each part, and its share of their sum."""
    trainer, batch = Trainer(build(name)), synthetic_batch(name, options.batch)
    seconds: dict[str, list[float]] = {}
    layers = list(enumerate(trainer.model.fused))
    for i, layer in layers:
        watch(layer, "forward", f"{i} {layer}, forward", seconds)
    seconds[REST] = []
    for i, layer in reversed(layers[trainer.model.first_learned :]):
        watch(layer, "backward", f"{i} {layer}, backward", seconds)
    watch(trainer.optimizer, "step", "optimizer", seconds)
    for _ in range(options.rounds + 1):
        start = time.perf_counter()
        trainer.step(*batch)
        taken = time.perf_counter() - start
        parts = sum(times[-1] for part, times in seconds.items() if part != REST)
        seconds[REST].append(taken - parts)
    # The first step, in which kernels are compiled, isn't counted.
    ms = {part: 1e3 * float(np.median(times[1:])) for part, times in seconds.items()}
    total = sum(ms.values())
    parts_of = [{"part": p, "ms": t, "share": t / total} for p, t in ms.items()]
    return {"name": name, "parts": parts_of, "total_ms": total}


def watch(owner: Any, method: str, part: str, seconds: dict[str, list[float]]) -> None:
    """Let an object note how long each call of one of its methods takes."""
    function: Callable[..., Any] = getattr(owner, method)
    seconds[part] = []

    def timed(*args: Any, **options: Any) -> Any:
        start = time.perf_counter()
        result = function(*args, **options)
        seconds[part].append(time.perf_counter() - start)
        return result

    vars(owner)[method] = timed
