"""The time of each part of a training step, and a bound below which it hardly falls.

A part's bound is the time of its products at sgemm's rate, plus the time of the bytes
that it must move at the stream triad's rate:

    products  of the algorithm's matrices: for a tile of 4x4 outputs, a channel and a
              filter, Winograd's algorithm has 36, the direct one 144. Winograd's
              transforms and all other computations count as free.
    bytes     of each array that a part takes, returns or keeps for its derivative, of
              its parameters and their gradients, once. Arrays that the part itself
              writes and reads again count as free. (Arrays still in a cache are read
              faster, so that a part of little memory may be below its bound.)
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from minidl import Conv2D, Layer, Linear
from minidl.backend import Array
from tests.benchmarks import state
from tests.benchmarks.cli import Options
from tests.benchmarks.contenders import Trainer
from tests.benchmarks.layers import algorithm
from tests.benchmarks.problems import build, synthetic_batch

LOSS = "loss, checks"  # the rest of a step
STEP = "whole step"
Work: TypeAlias = tuple[int, int]  # bytes, multiplications


class Part:
    """A method that records the seconds of each call, and the work of the first."""

    def __init__(self, owner: Any, method: str, work: Callable[..., Work]) -> None:
        self.function, self.find = getattr(owner, method), work
        self.seconds: list[float] = []
        vars(owner)[method] = self

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the method."""
        start = time.perf_counter()
        result = self.function(*args, **options)
        self.seconds.append(time.perf_counter() - start)
        if len(self.seconds) == 1:
            self.work = self.find(*args[:1], result)
        return result


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return each part's milliseconds (the median), its work, share and bound."""
    trainer, batch = Trainer(build(name)), synthetic_batch(name, options.batch)
    parts, rest = watch(trainer), []
    for _ in range(options.rounds + 1):
        start = time.perf_counter()
        trainer.step(*batch)
        taken = time.perf_counter() - start
        rest.append(taken - sum(part.seconds[-1] for part in parts.values()))
    logits = 2 * options.batch * trainer.model.classes * 4  # logits and dJ/dlogits
    found = {part: (p.seconds, p.work) for part, p in parts.items()}
    found[LOSS] = rest, (logits, 0)
    speeds = state.measure(options.threads)
    rows = {part: row(*figures, speeds) for part, figures in found.items()}
    rows[STEP] = {key: sum(r[key] for r in rows.values()) for key in rows[LOSS]}
    whole = rows[STEP]["ms"]
    for r in rows.values():
        r |= {"share": r["ms"] / whole}
        r |= {"times_bound": r["ms"] / r["bound_ms"] if r["bound_ms"] else None}
    return {"name": name, **speeds, "parts": rows}


def watch(trainer: Trainer) -> dict[str, Part]:
    """Measure all following steps; return their parts, in order."""
    layers = list(enumerate(trainer.model.fused))
    optimizer = trainer.optimizer
    parts = {
        f"{i} {layer}, forward": Part(layer, "forward", partial(work, layer, False))
        for i, layer in layers
    }
    parts |= {
        f"{i} {layer}, backward": Part(layer, "backward", partial(work, layer, True))
        for i, layer in reversed(layers[trainer.model.first_learned :])
    }
    # Parameters and averages are read and written, gradients only read.
    numbers = sum(p.data.nbytes for p in optimizer.params)
    moved = (3 + 2 * len(optimizer.slots)) * numbers
    parts["optimizer"] = Part(optimizer, "step", lambda *_: (moved, 0))
    return parts


def work(layer: Layer, backward: bool, x: Array, out: Array | None) -> Work:
    """Return the bytes and products of a layer's latest pass, x -> out.

    A backward pass is dout -> dx, or dout -> None for a layer that needs no dx.
    """
    if out is not None and np.may_share_memory(x, out):
        return 0, 0  # a view
    arrays = [x, *kept(layer), *(p.data for p in layer.params)]
    arrays += [] if out is None else [out]
    arrays += [p.grad for p in layer.params] if backward else []
    results = 1 + (out is not None) if backward else 1  # dW and dx
    moved = {array.ctypes.data: array.nbytes for array in arrays}
    return sum(moved.values()), results * products(layer)


def kept(layer: Layer) -> list[Array]:
    """Return the arrays that a layer's derivative reads, its input first."""
    what = layer.latest[1]
    arrays = what if isinstance(what, tuple) else (what,)
    if getattr(layer, "before_block", False):  # its ReLU's derivative is taken there
        arrays = arrays[:1]
    return [array for array in arrays if isinstance(array, np.ndarray)]


def products(layer: Layer) -> int:
    """Return the multiplications of matrices in a layer's latest forward pass."""
    match getattr(layer, "conv", getattr(layer, "linear", layer)):
        case Conv2D() as conv:
            (N, *shape, _), W = kept(layer)[0].shape, conv.W.data
            OH, OW, F = conv.output_shape((*shape, W.shape[2]))
            if algorithm(W, conv.pad, "cpu") == "winograd":
                return N * 36 * -(-OH // 4) * -(-OW // 4) * W.shape[2] * F
            return N * OH * OW * W.size
        case Linear() as linear:
            return len(kept(layer)[0]) * linear.W.data.size
    return 0


def row(seconds: list[float], work: Work, speeds: dict[str, float]) -> dict[str, Any]:
    """Return a part's figures; the first step, which compiles, isn't counted."""
    gigabytes, gflop = work[0] / 1e9, 2 * work[1] / 1e9
    bound = gflop / speeds["sgemm_gflop_per_s"] + gigabytes / speeds["triad_gb_per_s"]
    return {
        "ms": 1e3 * float(np.median(seconds[1:])),
        "mb": 1e3 * gigabytes,
        "gflop": gflop,
        "bound_ms": 1e3 * bound,
    }


def moved_per_image(name: str, batch: int) -> float:
    """Return the bytes that a training step must move for each image."""
    trainer = Trainer(build(name))
    parts = watch(trainer)
    trainer.step(*synthetic_batch(name, batch))
    return sum(part.work[0] for part in parts.values()) / batch
