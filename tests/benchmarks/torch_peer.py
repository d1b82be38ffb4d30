"""The same networks in PyTorch, as fast as eager mode runs them.

Channels last, ReLU in place, fused Adam, weights that need no gradient frozen. Images
are flattened in the order in which they lie in memory, which spares PyTorch a copy
(a tenth of Table 1's training step) and the weights a reordering.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from minidl import Conv2D, Dropout, Flatten, Linear, MaxPool2D, ReLU, Sequential
from minidl.backend import Array
from tests.benchmarks.problems import TASKS, Batch

Tensor = torch.Tensor


class TorchTrainer:
    """A network in training."""

    def __init__(self, model: Sequential) -> None:
        self.model = convert(model)
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=True)

    def step(self, x: Array, y: Array) -> None:
        """Forward with dropout, loss, backward, Adam."""
        self.optimizer.zero_grad(set_to_none=True)
        z = self.model(images(x))
        nn.functional.cross_entropy(z, torch.from_numpy(y)).backward()
        self.optimizer.step()


class Torch:
    """What PyTorch does with the members of an ensemble and a batch."""

    def __init__(
        self, members: list[Sequential], batch: Batch, attack: dict[str, Any]
    ) -> None:
        self.attack, self.batch = attack, batch
        self.x, self.y = images(batch[0]), torch.from_numpy(batch[1])
        self.members = [convert(m).eval().requires_grad_(False) for m in members]
        self.trainer = TorchTrainer(members[0])

    def tasks(self) -> dict[str, Callable[[], Any]]:
        """Return all tasks, in the order of TASKS."""
        model, x, y = self.members[0], self.x, self.y
        work = (
            lambda: self.trainer.step(*self.batch),
            lambda: logits(model, x),
            lambda: input_gradient(model, x, y),
            lambda: bim(model, x, y, **self.attack),
            lambda: vote(self.members, x).argmax(dim=1),
        )
        return dict(zip(TASKS, work, strict=True))

    def answers(self) -> dict[str, Array]:
        """Return minidl's answers in minidl's layout."""
        x, y, model = self.x, self.y, self.trainer.model.eval()
        nn.functional.cross_entropy(model(x), y).backward()
        gradients = [in_our_layout(p.grad).ravel() for p in model.parameters()]
        model.train()
        return {
            "logits": logits(self.members[0], x).numpy(),
            "parameter gradients": np.concatenate(gradients),
            "input gradient": in_nhwc(input_gradient(self.members[0], x, y)),
            "ensemble": vote(self.members, x).numpy(),
        }


class FlattenNHWC(nn.Module):
    """Images to rows: a view, since channels lie last."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, H*W*C)."""
        return x.permute(0, 2, 3, 1).flatten(1)


def convert(model: Sequential) -> nn.Sequential:
    """Return the same network, with the same weights, in PyTorch."""
    layers = [module(layer) for layer in model.layers]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def module(layer: Any) -> nn.Module:
    """Return one layer in PyTorch."""
    match layer:
        case Conv2D():
            C, F = layer.W.data.shape[2:]
            conv = nn.Conv2d(C, F, layer.kernel_size, layer.stride, layer.pad)
            return fill(conv, layer.W.data.transpose(3, 2, 0, 1), layer.b.data)
        case Linear():
            return fill(nn.Linear(*layer.W.data.shape), layer.W.data.T, layer.b.data)
        case MaxPool2D():
            return nn.MaxPool2d(layer.size, layer.stride)
        case Dropout():
            return nn.Dropout(layer.rate)
        case ReLU():
            return nn.ReLU(inplace=True)
        case Flatten():
            return FlattenNHWC()
    raise TypeError(f"PyTorch's {layer} isn't known here")


def fill(target: Any, W: Array, b: Array) -> nn.Module:
    """Copy weights, in PyTorch's order of axes, and biases."""
    with torch.no_grad():
        target.weight.copy_(torch.from_numpy(np.ascontiguousarray(W)))
        target.bias.copy_(torch.from_numpy(b))
    return target


def images(x: Array) -> Tensor:
    """View images (N, H, W, C) as PyTorch's (N, C, H, W), channels last."""
    return torch.from_numpy(x).permute(0, 3, 1, 2)


def in_nhwc(x: Tensor) -> Array:
    """View (N, C, H, W) as (N, H, W, C)."""
    return x.permute(0, 2, 3, 1).numpy()


def in_our_layout(p: Tensor) -> Array:
    """View weights, or their gradient, with minidl's order of axes."""
    axes = {1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}[p.ndim]
    return p.permute(axes).numpy()


def logits(model: nn.Module, x: Tensor) -> Tensor:
    """Return z without keeping what a derivative needs."""
    with torch.no_grad():
        return model(x)


def vote(members: list[Any], x: Tensor) -> Tensor:
    """Return the mean of the members' probabilities."""
    return sum(logits(m, x).softmax(dim=1) for m in members) / len(members)


def input_gradient(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of the sum of J over images; weights are frozen."""
    x = x.detach().requires_grad_()
    loss = nn.functional.cross_entropy(model(x), y, reduction="sum")
    return torch.autograd.grad(loss, x)[0]


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
