"""What is computed: the paper's networks, random images, and the work they take."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minidl import Conv2D, Linear, Sequential, cifar10_cnn, mnist_cnn
from minidl.backend import Array

Task: TypeAlias = Callable[[], Any]
Batch: TypeAlias = tuple[Array, Array]  # images (N, H, W, C), labels (N,)
NETWORKS = {"Table 1": mnist_cnn, "Table 3": cifar10_cnn}
TASKS = ("training step", "forward", "input gradient", "BIM, 8 steps", "ensemble of 4")
MEMBERS = 4
# Figure 1's settings of BIM.
ATTACK: dict[str, dict[str, Any]] = {
    "Table 1": {"eps": 0.2, "alpha": 0.025, "steps": 8},
    "Table 3": {"eps": 0.02, "alpha": 0.0025, "steps": 8},
}


class Contender(NamedTuple):
    """An implementation: its tasks, and the answers that all contenders must share."""

    tasks: dict[str, Task]
    answers: Callable[[], dict[str, Array]]


def build(name: str, how: str = "auto", seed: int = 0) -> Sequential:
    """Return a network with the initial weights of a seed."""
    model = NETWORKS[name](np.random.default_rng(seed))
    for layer in model.layers:
        if isinstance(layer, Conv2D) and how == "im2col":
            vars(layer)["algorithm"] = how  # set once, when the layer is made
    return model


def synthetic_batch(name: str, size: int) -> Batch:
    """Return images in [0, 1] and labels, both random."""
    rng = np.random.default_rng(1)
    x = rng.random((size, *build(name).input_shape), dtype=np.float32)
    return x, rng.integers(10, size=size)


def gflop(model: Sequential, batch: int) -> dict[str, float]:
    """Return each task's work, in 10^9 operations of direct algorithms.

    A gradient with respect to the input or to the weights costs as much as the forward
    pass. Training needs both, except the input gradient of the first layer.
    """
    costs = [c * batch / 1e9 for c in multiplications(model)]
    forward = 2 * sum(costs)
    work = (3 * forward - 2 * costs[0], forward, 2 * forward, 16 * forward)
    return dict(zip(TASKS, (*work, MEMBERS * forward), strict=True))


def multiplications(model: Sequential) -> list[int]:
    """Return the number of each convolution and linear layer, for one image."""
    return [
        layer.params[0].data.size * int(np.prod(shape[:-1]))
        for layer, shape in zip(model.layers, model.shapes[1:], strict=True)
        if isinstance(layer, Conv2D | Linear)
    ]
