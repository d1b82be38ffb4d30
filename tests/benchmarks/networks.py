"""Both networks of the paper at work: training, prediction, attack, vote."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from attacks import bim, input_gradient, model_gradient
from ensembles import Ensemble
from minidl import Adam, Conv2D, Linear, Sequential, cifar10_cnn, kernels, mnist_cnn
from minidl.backend import Array
from minidl.losses import SoftmaxCrossEntropy
from tests.benchmarks.cli import Options
from tests.benchmarks.timing import Key, compare, interleaved, sgemm_rate

Batch: TypeAlias = tuple[Array, Array]
NETWORKS = {"Table 1": mnist_cnn, "Table 3": cifar10_cnn}
TASKS = ("training step", "forward", "input gradient", "BIM, 8 steps", "ensemble of 4")
MEMBERS = 4
# Figure 1's settings of BIM.
ATTACK = {
    "Table 1": {"eps": 0.2, "alpha": 0.025, "steps": 8},
    "Table 3": {"eps": 0.02, "alpha": 0.0025, "steps": 8},
}
TOLERANCE = 1e-3  # of a result's largest number: float32, in different orders
KINKS = 3e-2  # of a gradient's norm: rounding decides near-ties of ReLU and maximum


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return one network's figures."""
    batch = synthetic_batch(name, options.batch)
    contenders = {how: contender(name, how, batch) for how in options.contenders}
    agreement = agree({how: c.answers() for how, c in contenders.items()})
    candidates: dict[Key, Callable[[], Any]] = {
        (task, how): function
        for how, c in contenders.items()
        for task, function in c.tasks().items()
    }
    samples = interleaved(candidates, options.rounds)
    return {
        "name": name,
        "sgemm_gflop_per_s": sgemm_rate(samples),
        "agreement": agreement,
        "tasks": compare(samples, options.batch, gflop(build(name), options.batch)),
    }


def build(name: str, how: str = "auto", seed: int = 0) -> Sequential:
    """Return a network with the weights that belong to a seed."""
    model = NETWORKS[name](np.random.default_rng(seed))
    for layer in model.layers:
        if isinstance(layer, Conv2D):
            layer.algorithm = "im2col" if how == "im2col" else "auto"
    return model


def synthetic_batch(name: str, size: int) -> Batch:
    """Return images in [0, 1] and labels, both random."""
    rng = np.random.default_rng(1)
    x = rng.random((size, *build(name).input_shape), dtype=np.float32)
    return x, rng.integers(10, size=size)


def contender(name: str, how: str, batch: Batch) -> Any:
    """Return one contender, with the same weights as all others."""
    members = [build(name, how, seed) for seed in range(MEMBERS)]
    if how == "torch":
        from tests.benchmarks.torch_peer import Torch

        return Torch(members, batch, ATTACK[name])
    return Minidl(how, members, batch, ATTACK[name])


class Minidl:
    """What minidl does with the members of an ensemble and a batch."""

    def __init__(
        self, how: str, members: list[Sequential], batch: Batch, attack: dict[str, Any]
    ) -> None:
        self.how, self.attack = how, attack
        self.trained, *_ = self.members = members
        self.x, self.y = batch
        self.rng = np.random.default_rng(0)
        self.optimizer = Adam(self.trained.params)
        self.loss = SoftmaxCrossEntropy()

    def tasks(self) -> dict[str, Callable[[], Any]]:
        """Return all tasks, in the order of TASKS."""
        model, x, y = self.members[1], self.x, self.y
        work = (
            self.train_step,
            lambda: model.forward(x),
            lambda: input_gradient(model, x, y),
            lambda: bim(model_gradient(model), x, y, **self.attack),
            lambda: Ensemble(self.members).predict(x),
        )
        return {
            task: with_kernels(self.how, function)
            for task, function in zip(TASKS, work, strict=True)
        }

    def train_step(self) -> None:
        """Forward with dropout, loss, backward without the input's gradient, Adam."""
        self.loss.forward(self.trained.forward(self.x, self.rng), self.y)
        self.trained.backward(self.loss.backward(), input_grad=False)
        self.optimizer.step()

    def answers(self) -> dict[str, Array]:
        """Return what all contenders must agree on, before any of them learns."""
        return with_kernels(self.how, self.compute_answers)()

    def compute_answers(self) -> dict[str, Array]:
        """See `answers`; parameters' gradients are those without dropout."""
        z = self.trained.forward(self.x)
        self.loss.forward(z, self.y)
        self.trained.backward(self.loss.backward(), input_grad=False)
        return {
            "logits": z,
            "parameter gradients": flat(p.grad for p in self.trained.params),
            "input gradient": input_gradient(self.trained, self.x, self.y),
            "ensemble": Ensemble(self.members).predict_proba(self.x),
        }


def with_kernels(how: str, function: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that runs with the reference's kernels or compiled ones."""

    def run() -> Any:
        with kernels.use("reference" if how == "reference" else "auto"):
            return function()

    return run


def flat(arrays: Any) -> Array:
    """Return all numbers of some arrays in a row."""
    return np.concatenate([np.ravel(array) for array in arrays])


def difference(ours: Array, theirs: Array) -> float:
    """Return the largest difference, in units of the largest number."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def agree(answers: dict[str, dict[str, Array]]) -> dict[str, dict[str, float]]:
    """Return {contender: {answer: largest difference from the first contender's}}.

    Raises ValueError if it can't be rounding.
    """
    first, *others = answers
    for how in others:
        for name, theirs in answers[first].items():
            ours = answers[how][name]
            distance = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
            if distance > (KINKS if "gradient" in name else TOLERANCE):
                raise ValueError(f"{how} differs in {name}: {distance:.1e}")
    return {
        how: {name: difference(answers[how][name], a) for name, a in expected.items()}
        for how, expected in zip(others, [answers[first]] * len(others), strict=True)
    }


def gflop(model: Sequential, batch: int) -> dict[str, float]:
    """Return each task's work in the matrix products of direct algorithms.

    A gradient by the input or the weights costs as much as the forward pass; training
    needs both but for the first layer, which needs no gradient by its input.
    """
    costs = [c * batch / 1e9 for c in multiplications(model)]
    forward = 2 * sum(costs)
    work = (3 * forward - 2 * costs[0], forward, 2 * forward, 16 * forward)
    return dict(zip(TASKS, (*work, MEMBERS * forward), strict=True))


def multiplications(model: Sequential) -> list[int]:
    """Return how many each convolution and linear layer needs for one image."""
    return [
        layer.params[0].data.size * int(np.prod(shape[:-1]))
        for layer, shape in zip(model.layers, model.shapes[1:], strict=True)
        if isinstance(layer, Conv2D | Linear)
    ]
