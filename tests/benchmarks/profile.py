"""Where the time of a training step goes, part by part."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.cli import Options
from tests.benchmarks.contenders import Trainer
from tests.benchmarks.problems import Batch, build, synthetic_batch


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return the median milliseconds of each part, and its share of their sum."""
    trainer, batch = Trainer(build(name)), synthetic_batch(name, options.batch)
    steps = [timed_step(trainer, batch) for _ in range(options.rounds + 1)][1:]
    ms = {part: 1e3 * float(np.median([s[part] for s in steps])) for part in steps[0]}
    total = sum(ms.values())
    parts = [{"part": p, "ms": t, "share": t / total} for p, t in ms.items()]
    return {"name": name, "parts": parts, "total_ms": total}


def timed_step(trainer: Trainer, batch: Batch) -> dict[str, float]:
    """Take `Trainer.step` apart; return the seconds of each part."""
    seconds: dict[str, float] = {}

    def timed(part: str, function: Callable[..., Any], *args: Any) -> Any:
        start = time.perf_counter()
        result = function(*args)
        seconds[part] = time.perf_counter() - start
        return result

    model, (x, y) = trainer.model, batch
    for i, layer in enumerate(model.fused):
        x = timed(f"{i} {layer}, forward", layer.forward, x, trainer.rng)
    timed("loss", trainer.loss.forward, x, y)
    dout = timed("loss, backward", trainer.loss.backward)
    first = model.first_learned
    for i, layer in reversed(list(enumerate(model.fused))[first:]):
        part = f"{i} {layer}, backward"
        dout = timed(part, layer.backward, dout, True, i != first)
    timed("optimizer", trainer.optimizer.step)
    return seconds
