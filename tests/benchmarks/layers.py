"""Each convolution of the paper on its own: forward, and both parts of backward."""

from typing import Any, NamedTuple

import numpy as np

from minidl import kernels
from minidl.backend import Array, to_device
from tests.benchmarks.agreement import on_host
from tests.benchmarks.cli import Options
from tests.benchmarks.contenders import with_kernels
from tests.benchmarks.problems import Contender, Task
from tests.benchmarks.timing import compete

# Tasks, and their work in convolutions.
WORK = {"forward": 1, "input gradient": 1, "weight gradient": 1, "both gradients": 2}


class Convolution(NamedTuple):
    """A 3x3 convolution of square images, from a table of the paper."""

    table: int
    side: int
    channels: int
    filters: int
    pad: int

    @property
    def name(self) -> str:
        """A name such as 26x26x32 -> 32."""
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
    device, batch = options.device, options.batch
    x, W, b, dout = (to_device(a, device) for a in arrays(layer, batch))
    contenders = {
        how: contender(how, x, W, b, dout, layer.pad) for how in options.contenders
    }
    gflop = {task: size * layer.gflop(batch) for task, size in WORK.items()}
    return {
        "name": layer.name,
        **layer._asdict(),
        "kernel": algorithm(W, layer.pad, device),
        **compete(contenders, gflop, options, {}),
    }


def algorithm(W: Array, pad: int, device: str) -> str:
    """Return the default implementation for W: `cuda`, or a module of `kernels.cpu`."""
    if device == "gpu":
        return "cuda"
    from minidl.kernels.cpu import operations

    return operations.convolution(W, 1, pad, "auto").__name__.rpartition(".")[2]


def arrays(layer: Convolution, batch: int) -> tuple[Array, Array, Array, Array]:
    """Return x, W, b and dout on the scales of a real network."""
    rng = np.random.default_rng(0)
    _, side, C, F, pad = layer
    out = side + 2 * pad - 2

    def normal(*shape: int) -> Array:
        return rng.standard_normal(shape, dtype=np.float32)

    W = normal(3, 3, C, F) / np.float32(3 * C**0.5)
    return normal(batch, side, side, C), W, normal(F), normal(batch, out, out, F)


def contender(how: str, *problem: Any) -> Contender:
    """Return a contender's tasks, and their results."""
    if how == "torch":
        from tests.benchmarks.torch_peer import torch_convolution

        tasks = torch_convolution(*problem)
    else:
        work = convolution("im2col" if how == "im2col" else "auto", *problem)
        tasks = {name: with_kernels(how, function) for name, function in work.items()}

    def answers() -> dict[str, Array]:
        dx, dW = map(on_host, tasks["both gradients"]())
        (out,), (only_dx,), (only_dW,) = (
            map(on_host, tasks[task]()) for task in list(WORK)[:3]
        )
        return {
            "output": out,
            "input gradient": np.concatenate([dx, only_dx]),
            "weight gradient": np.concatenate([dW, only_dW]),
        }

    return Contender(tasks, answers)


def convolution(
    algorithm: str, x: Array, W: Array, b: Array, dout: Array, pad: int
) -> dict[str, Task]:
    """Return minidl's four tasks; forward as networks run it, with ReLU."""

    def grads(dW: bool, dx: bool) -> list[Array]:
        pair = kernels.conv2d_grads(x, dout, W, 1, pad, algorithm, dW, dx)
        return [array for array in pair if array is not None]

    return {
        "forward": lambda: [kernels.conv2d(x, W, b, 1, pad, algorithm, relu=True)],
        "input gradient": lambda: grads(False, True),
        "weight gradient": lambda: grads(True, False),
        "both gradients": lambda: grads(True, True),
    }
