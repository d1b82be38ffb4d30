"""The same networks in PyTorch, as fast as eager mode runs them.

Fused Adam, and frozen weights where an attack needs no gradients by them; see also
`torch_convert`. Other settings were tried and are slower or equal: channels first,
`inference_mode` instead of `no_grad`, Adam's other implementations.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from minidl import Sequential
from minidl.backend import Array, Device, to_device
from tests.benchmarks.agreement import on_host
from tests.benchmarks.problems import TASKS, Batch
from tests.benchmarks.torch_convert import (
    convert,
    images,
    in_nhwc,
    in_our_layout,
    single_precision,
    tensor,
)

Tensor = torch.Tensor


class TorchTrainer:
    """A network in training."""

    def __init__(self, model: Sequential, device: Device = "cpu") -> None:
        self.model = convert(model, device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=True)

    def step(self, x: Array, y: Array) -> None:
        """Forward with dropout, loss, backward, Adam."""
        self.optimizer.zero_grad(set_to_none=True)
        z = self.model(images(x))
        nn.functional.cross_entropy(z, tensor(y)).backward()
        self.optimizer.step()


class Torch:
    """What PyTorch does with the members of an ensemble and a batch."""

    def __init__(
        self,
        members: list[Sequential],
        batch: Batch,
        attack: dict[str, Any],
        device: Device = "cpu",
    ) -> None:
        single_precision()
        self.attack = attack
        self.batch = tuple(to_device(array, device) for array in batch)
        self.x, self.y = images(self.batch[0]), tensor(self.batch[1])
        frozen = [convert(m, device).eval() for m in members]
        self.members = [model.requires_grad_(False) for model in frozen]
        self.trainer = TorchTrainer(members[0], device)

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
        gradients = [on_host(in_our_layout(p.grad)).ravel() for p in model.parameters()]
        model.train()
        return {
            "logits": on_host(logits(self.members[0], x)),
            "parameter gradients": np.concatenate(gradients),
            "input gradient": on_host(in_nhwc(input_gradient(self.members[0], x, y))),
            "ensemble": on_host(vote(self.members, x)),
        }


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
