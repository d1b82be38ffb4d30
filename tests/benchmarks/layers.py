"""Each convolution of the paper by itself: forward, and the halves of backward."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minidl import kernels
from minidl.backend import Array, to_device
from tests.benchmarks.agreement import agree, on_host
from tests.benchmarks.cli import Options
from tests.benchmarks.contenders import with_kernels
from tests.benchmarks.timing import Key, compare, interleaved, sgemm_rate

OPERATIONS = ("forward", "input gradient", "weight gradient", "both gradients")
WORK = dict(zip(OPERATIONS, (1, 1, 1, 2), strict=True))  # in convolutions


class Convolution(NamedTuple):
    """A 3x3 convolution of square images, as a table of the paper has it."""

    table: int
    side: int
    channels: int
    filters: int
    pad: int

    @property
    def name(self) -> str:
        """Such as 26x26x32 -> 32."""
        return f"{self.side}x{self.side}x{self.channels} -> {self.filters}"

    def gflop(self, batch: int) -> float:
        """10^9 multiplications and additions of the direct convolution."""
        out = self.side + 2 * self.pad - 2
        return 2 * 9 * self.channels * self.filters * out**2 * batch / 1e9


LAYERS = (
    Convolution(1, 28, 1, 32, 0),
    Convolution(1, 26, 32, 32, 0),
    Convolution(3, 32, 3, 32, 1),
    Convolution(3, 32, 32, 32, 1),
    Convolution(3, 16, 32, 64, 1),
    Convolution(3, 16, 64, 64, 1),
    Convolution(3, 8, 64, 128, 1),
    Convolution(3, 8, 128, 128, 1),
)


def measure(layer: Convolution, options: Options) -> dict[str, Any]:
    """Return one layer's figures."""
    device = options.device
    x, W, b, dout = (to_device(a, device) for a in arrays(layer, options.batch))
    work = {how: make(how, x, W, b, dout, layer.pad) for how in options.contenders}
    candidates: dict[Key, Callable[[], Any]] = {
        (operation, how): function
        for how, operations in work.items()
        for operation, function in operations.items()
    }
    samples = interleaved(candidates, options.rounds, device)
    gflop = {name: WORK[name] * layer.gflop(options.batch) for name in OPERATIONS}
    return {
        "name": layer.name,
        **layer._asdict(),
        "kernel": algorithm(W, layer.pad, device),
        "sgemm_gflop_per_s": sgemm_rate(samples, device),
        "agreement": agree({how: answers(w) for how, w in work.items()}, {}),
        "operations": compare(samples, gflop, options.batch, device),
    }


def algorithm(W: Array, pad: int, device: str) -> str:
    """Return what convolves with W by default: `cuda`, or a module of `kernels.cpu`."""
    if device == "gpu":
        return "cuda"
    from minidl.kernels.cpu import operations

    return operations.convolution(W, 1, pad, "auto").__name__.rpartition(".")[2]


def arrays(layer: Convolution, batch: int) -> tuple[Array, Array, Array, Array]:
    """Return x, W, b and dout at the scales that a network has."""
    rng = np.random.default_rng(0)
    _, side, C, F, pad = layer
    out = side + 2 * pad - 2

    def normal(*shape: int) -> Array:
        return rng.standard_normal(shape, dtype=np.float32)

    W = normal(3, 3, C, F) / np.float32(3 * C**0.5)
    return normal(batch, side, side, C), W, normal(F), normal(batch, out, out, F)


def make(how: str, *problem: Any) -> dict[str, Callable[[], Any]]:
    """Return a contender's four operations."""
    if how == "torch":
        from tests.benchmarks import torch_layer

        return torch_layer.convolution(*problem)
    work = minidl_convolution("im2col" if how == "im2col" else "auto", *problem)
    return {name: with_kernels(how, function) for name, function in work.items()}


def minidl_convolution(
    algorithm: str, x: Array, W: Array, b: Array, dout: Array, pad: int
) -> dict[str, Callable[[], Any]]:
    """Return minidl's four operations; forward as networks run it, with ReLU."""

    def grads(dW: bool, dx: bool) -> list[Array]:
        pair = kernels.conv2d_grads(x, dout, W, 1, pad, algorithm, dW, dx)
        return [array for array in pair if array is not None]

    return {
        "forward": lambda: [kernels.conv2d(x, W, b, 1, pad, algorithm, relu=True)],
        "input gradient": lambda: grads(False, True),
        "weight gradient": lambda: grads(True, False),
        "both gradients": lambda: grads(True, True),
    }


def answers(operations: dict[str, Callable[[], list[Array]]]) -> dict[str, Array]:
    """Return the results that all contenders must agree on."""
    dx, dW = map(on_host, operations["both gradients"]())
    (out,) = map(on_host, operations["forward"]())
    (only_dx,) = map(on_host, operations["input gradient"]())
    (only_dW,) = map(on_host, operations["weight gradient"]())
    return {
        "output": out,
        "input gradient": np.concatenate([dx, only_dx]),
        "weight gradient": np.concatenate([dW, only_dW]),
    }
