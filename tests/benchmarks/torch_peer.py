"""The same networks and layers in PyTorch, as fast as eager mode runs them.

It uses fused Adam, frozen weights where an attack needs no gradients of them, and
convolutions without autograd's small overhead; see also `torch_convert`. Other settings
were tried and are slower or equal: channels first, `inference_mode` instead of
`no_grad`, Adam's other implementations.
"""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import conv2d, cross_entropy

from minidl import Sequential
from minidl.backend import Array, Device, to_device
from tests.benchmarks.agreement import on_host
from tests.benchmarks.problems import TASKS, Batch, Contender, Task
from tests.benchmarks.torch_convert import (
    Tensor,
    convert,
    images,
    in_nhwc,
    in_our_layout,
    single_precision,
    tensor,
)


class TorchTrainer:
    """A network in training."""

    def __init__(self, model: Sequential, device: Device = "cpu") -> None:
        self.model = convert(model, device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=True)

    def step(self, x: Array, y: Array) -> None:
        """Forward with dropout, loss, backward, Adam."""
        self.optimizer.zero_grad(set_to_none=True)
        cross_entropy(self.model(images(x)), tensor(y)).backward()
        self.optimizer.step()


def torch_network(
    members: list[Sequential],
    batch: Batch,
    attack: dict[str, Any],
    device: Device = "cpu",
) -> Contender:
    """Return PyTorch's tasks for the members of an ensemble and a batch."""
    single_precision()
    arrays = [to_device(array, device) for array in batch]
    x, y = images(arrays[0]), tensor(arrays[1])
    frozen = [convert(m, device).eval().requires_grad_(False) for m in members]
    trainer, first = TorchTrainer(members[0], device), frozen[0]
    work = (
        lambda: trainer.step(*arrays),
        lambda: logits(first, x),
        lambda: input_gradient(first, x, y),
        lambda: bim(first, x, y, **attack),
        lambda: vote(frozen, x).argmax(dim=1),
    )

    def answers() -> dict[str, Array]:
        model = trainer.model.eval()
        cross_entropy(model(x), y).backward()
        gradients = [on_host(in_our_layout(p.grad)).ravel() for p in model.parameters()]
        model.train()
        return {
            "logits": on_host(logits(first, x)),
            "parameter gradients": np.concatenate(gradients),
            "input gradient": on_host(in_nhwc(input_gradient(first, x, y))),
            "ensemble": on_host(vote(frozen, x)),
        }

    return Contender(dict(zip(TASKS, work, strict=True)), answers)


def logits(model: nn.Module, x: Tensor) -> Tensor:
    """Return z without keeping arrays for a derivative."""
    with torch.no_grad():
        return model(x)


def vote(members: list[Any], x: Tensor) -> Tensor:
    """Return the mean of the members' probabilities."""
    return sum(logits(m, x).softmax(dim=1) for m in members) / len(members)


def input_gradient(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of the sum of J over images; weights are frozen."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(cross_entropy(model(x), y, reduction="sum"), x)[0]


def bim(
    model: nn.Module, x: Tensor, y: Tensor, eps: float, alpha: float, steps: int
) -> Tensor:
    """Return BIM's images, clipped to [0, 1]."""
    low, high = (x - eps).clamp_(min=0), (x + eps).clamp_(max=1)
    x_adv = x
    for _ in range(steps):
        step = input_gradient(model, x_adv, y).sign_().mul_(alpha)
        x_adv = step.add_(x_adv).clamp_(low, high)
    return x_adv


def torch_convolution(
    x: Array, W: Array, b: Array, dout: Array, pad: int
) -> dict[str, Task]:
    """Return the four tasks of a single convolution; forward with bias and ReLU."""
    single_precision()
    tx, td, tb = images(x), images(dout), tensor(b)
    tW = tensor(W).permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)

    def grads(dx: bool, dW: bool) -> list[Tensor]:
        settings = ([1, 1], [pad, pad], [1, 1], False, [0, 0], 1, [dx, dW, False])
        pair = torch.ops.aten.convolution_backward(td, tx, tW, None, *settings)[:2]
        results = zip((in_nhwc, in_our_layout), pair, (dx, dW), strict=True)
        return [read(array) for read, array, asked in results if asked]

    return {
        "forward": lambda: [in_nhwc(torch.relu_(conv2d(tx, tW, tb, padding=pad)))],
        "input gradient": lambda: grads(True, False),
        "weight gradient": lambda: grads(False, True),
        "both gradients": lambda: grads(True, True),
    }
