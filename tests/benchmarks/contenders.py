"""minidl as a contender: with the reference's kernels, im2col, or by default."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from attacks import bim, input_gradient, model_gradient
from ensembles import Ensemble
from minidl import Adam, Sequential, cross_entropy, kernels
from minidl.backend import Array, Device, to_device
from tests.benchmarks.agreement import on_host
from tests.benchmarks.problems import TASKS, Batch, Contender


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


def minidl_network(
    how: str,
    members: list[Sequential],
    batch: Batch,
    attack: dict[str, Any],
    device: Device = "cpu",
) -> Contender:
    """Return minidl's tasks for the members of an ensemble and a batch."""
    x, y = (to_device(array, device) for array in batch)
    model, *_ = members = [member.to_device(device) for member in members]
    trainer, team = Trainer(deepcopy(model)), Ensemble(members)
    work = (
        lambda: trainer.step(x, y),
        lambda: model.forward(x),
        lambda: input_gradient(model, x, y),
        lambda: bim(model_gradient(model), x, y, **attack),
        lambda: team.predict(x),
    )

    def answers() -> dict[str, Array]:
        z = model.forward(x)
        _, dz = cross_entropy(z, y)
        model.backward(dz / len(z), input_grad=False)  # without dropout
        gradients = [on_host(p.grad).ravel() for p in model.params]
        return {
            "logits": on_host(z),
            "parameter gradients": np.concatenate(gradients),
            "input gradient": on_host(input_gradient(model, x, y)),
            "ensemble": on_host(team.predict_proba(x)),
        }

    tasks = [with_kernels(how, function) for function in work]
    return Contender(dict(zip(TASKS, tasks, strict=True)), with_kernels(how, answers))
