"""minidl as it is measured: with the reference's kernels, im2col, or as it comes."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from attacks import bim, input_gradient, model_gradient
from ensembles import Ensemble
from minidl import Adam, Sequential, cross_entropy, kernels
from minidl.backend import Array, Device, to_device
from tests.benchmarks.agreement import on_host
from tests.benchmarks.problems import TASKS, Batch


def with_kernels(how: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that runs with the reference's kernels or compiled ones."""

    def run(*args: Any) -> Any:
        with kernels.use("reference" if how == "reference" else "auto"):
            return function(*args)

    return run


class Trainer:
    """A network in training."""

    def __init__(self, model: Sequential) -> None:
        self.model = model
        self.rng = np.random.default_rng(0)
        self.optimizer = Adam(model.params)

    def step(self, x: Array, y: Array) -> None:
        """Forward with dropout, loss, backward without the input's gradient, Adam."""
        _, dz = cross_entropy(self.model.forward(x, self.rng), y)
        self.model.backward(dz / len(x), input_grad=False)
        self.optimizer.step()


class Minidl:
    """What minidl does with the members of an ensemble and a batch."""

    def __init__(
        self,
        how: str,
        members: list[Sequential],
        batch: Batch,
        attack: dict[str, Any],
        device: Device = "cpu",
    ) -> None:
        self.how, self.attack = how, attack
        self.members = [member.to_device(device) for member in members]
        self.x, self.y = (to_device(array, device) for array in batch)

    def tasks(self) -> dict[str, Callable[[], Any]]:
        """Return all tasks, in the order of TASKS."""
        model, x, y = self.members[0], self.x, self.y
        trainer = Trainer(deepcopy(model))
        work = (
            lambda: trainer.step(x, y),
            lambda: model.forward(x),
            lambda: input_gradient(model, x, y),
            lambda: bim(model_gradient(model), x, y, **self.attack),
            lambda: Ensemble(self.members).predict(x),
        )
        return {
            task: with_kernels(self.how, function)
            for task, function in zip(TASKS, work, strict=True)
        }

    def answers(self) -> dict[str, Array]:
        """Return what all contenders must agree on."""
        return with_kernels(self.how, self.compute_answers)()

    def compute_answers(self) -> dict[str, Array]:
        """See `answers`; the parameters' gradients are those without dropout."""
        model = self.members[0]
        z = model.forward(self.x)
        _, dz = cross_entropy(z, self.y)
        model.backward(dz / len(z), input_grad=False)
        gradients = [on_host(p.grad).ravel() for p in model.params]
        return {
            "logits": on_host(z),
            "parameter gradients": np.concatenate(gradients),
            "input gradient": on_host(input_gradient(model, self.x, self.y)),
            "ensemble": on_host(Ensemble(self.members).predict_proba(self.x)),
        }
