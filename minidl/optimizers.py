"""How a gradient becomes a step: SGD, Adam, RMSprop, Adadelta.

Each optimizer keeps running averages ("slots") with one array per parameter. Slots,
the number of steps and its settings are all that it is, so a checkpoint can bring it
back.
Letters: p parameter, g = dJ/dp, t number of the step.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import inf
from typing import Any, Self

import numpy as np

from minidl import kernels
from minidl.backend import (
    Array,
    Device,
    device_of,
    get_array_module,
    rounds_to_zero,
    to_device,
)
from minidl.kernels.arguments import check_step
from minidl.kernels.gpu.flat_parameters import FlatParameters
from minidl.layers import Parameter
from minidl.settings import fixed, number

OPEN = {"open_low": True, "open_high": True}  # neither limit is a value

# In so few steps no usual average shrinks from NOTHING to 1e-38, where subnormal
# numbers begin: by 0.9^100 = 3e-5. Even its root, 1e-16, is nothing beside an `eps`.
NOTHING, FORGET_EVERY = 1e-32, 100


class Optimizer:
    """Base class: `step` applies `update` to each parameter.

    Raises TypeError for what are no parameters, and ValueError for one that is given
    twice or a learning rate that isn't positive.
    """

    slots: tuple[str, ...] = ()  # names of the running averages
    options: tuple[str, ...] = ("lr",)  # names of the numbers that `update` takes
    lr: float = number(0, inf, **OPEN)
    params: tuple[Parameter, ...] = fixed()  # their averages are held here

    def __init__(self, params: Iterable[Parameter], lr: float) -> None:
        self.params = check_params(params)
        self.lr = lr
        self.t = 0
        self.averages = [
            {slot: get_array_module(p.data).zeros_like(p.data) for slot in self.slots}
            for p in self.params
        ]
        self.flat: FlatParameters | None = None  # on a GPU, from the first step on

    @rounds_to_zero
    def step(self) -> None:
        """Move each parameter, in place, against its gradient.

        Raises TypeError or ValueError, and moves none, if a parameter has another shape
        or type by now than its averages.
        """
        pieces = list(self.pieces())
        for p, g, averages in pieces:
            check_step(p, g, **averages)
        self.t += 1
        for p, g, averages in pieces:
            self.update(p, g, **averages)
        if self.t % FORGET_EVERY == 0:
            self.forget()

    def forget(self) -> None:
        """Zero the averages that are too small to move anything.

        Where nothing is learned any more, at a dead unit, an average shrinks with every
        step. It would end among the smallest, subnormal numbers, which CPUs compute
        with many times more slowly: after 21 epochs of Table 3 in batches of 32, a
        quarter of Adam's m was there, and a step took 37 ms instead of 2.
        """
        for averages in self.averages:
            for average in averages.values():
                if device_of(average) == "cpu":
                    average[abs(average) < NOTHING] = 0

    def pieces(self) -> Iterator[tuple[Array, Array, dict[str, Array]]]:
        """Yield parameter, gradient and averages one by one, or on a GPU all as one."""
        if not self.params or device_of(self.params[0].data) == "cpu":
            for p, averages in zip(self.params, self.averages, strict=True):
                yield p.data, p.grad, averages
            return
        if self.flat is None or not self.flat.hold(self.params, self.averages):
            self.flat = FlatParameters(self.params, self.averages)
        yield from self.flat.pieces

    def to_device(self, device: Device) -> Self:
        """Move the averages to the device "cpu" or "gpu", to which the model moved."""
        for averages in self.averages:
            for slot, average in averages.items():
                averages[slot] = to_device(average, device)
        self.flat = None
        return self

    def __getstate__(self) -> dict[str, Any]:
        # Copies of views share no memory with a copy of the whole: join them again.
        return self.__dict__ | {"flat": None}

    def update(self, p: Array, g: Array, **averages: Array) -> None:
        """Change a parameter and its averages in place."""
        raise NotImplementedError

    @property
    def state(self) -> dict[str, Array]:
        """The step and the averages: {"t": t, "<slot>.<i>": array}.

        With `settings` and the parameters, all that a later `step` depends on.
        """
        arrays = {
            f"{slot}.{i}": array
            for i, averages in enumerate(self.averages)
            for slot, array in averages.items()
        }
        return {"t": np.array(self.t), **arrays}

    @property
    def settings(self) -> dict[str, float]:
        """The learning rate and the other numbers in the equation."""
        return {name: getattr(self, name) for name in self.options}


def check_params(params: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Return the parameters; TypeError for anything else, such as a model."""
    found = tuple(params) if isinstance(params, Iterable) else (params,)
    for p in found:
        if not isinstance(p, Parameter):
            raise TypeError(f"params must be parameters, as of model.params, got {p!r}")
    if len(set(found)) < len(found):
        raise ValueError("params must be different, got one twice: it would move twice")
    return found


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum v = momentum v + g; p -= lr v."""

    slots = ("v",)
    options = ("lr", "momentum")
    momentum: float = number(0, 1)

    def __init__(
        self, params: Iterable[Parameter], lr: float, momentum: float = 0.0
    ) -> None:
        super().__init__(params, lr)
        self.momentum = momentum

    def update(self, p: Array, g: Array, v: Array) -> None:  # type: ignore[override]
        """v = momentum v + g; p -= lr v."""
        kernels.sgd_step(p, g, v, self.lr, self.momentum)


class Adam(Optimizer):
    """Momentum m over the root v of the gradient's mean square, both bias-corrected.

    Source: Kingma & Ba, Adam, 2015, algorithm 1.
    """

    slots = ("m", "v")
    options = ("lr", "beta1", "beta2", "eps")
    beta1: float = number(0, 1, open_high=True)  # 1 - beta is a divisor
    beta2: float = number(0, 1, open_high=True)
    eps: float = number(0, inf, **OPEN)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, lr)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps

    def update(  # type: ignore[override]
        self, p: Array, g: Array, m: Array, v: Array
    ) -> None:
        """p -= lr m_hat / (sqrt(v_hat) + eps), m_hat and v_hat without m's, v's bias.

        m += (1 - beta1) (g - m), v += (1 - beta2) (g^2 - v), in one pass over all.
        """
        rates = 1 - self.beta1, 1 - self.beta2
        step = self.lr / (1 - self.beta1**self.t)
        correction = 1 / (1 - self.beta2**self.t)
        kernels.adam_step(p, g, m, v, rates, step, correction, self.eps)


class RMSprop(Optimizer):
    """Gradient over the root s of its running mean square.

    Source: Tieleman & Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012.
    """

    slots = ("s",)
    options = ("lr", "rho", "eps")
    rho: float = number(0, 1, open_high=True)  # at 1, s stays 0
    eps: float = number(0, inf, **OPEN)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        rho: float = 0.9,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, lr)
        self.rho, self.eps = rho, eps

    def update(self, p: Array, g: Array, s: Array) -> None:  # type: ignore[override]
        """p -= lr g / (sqrt(s) + eps)."""
        xp = get_array_module(g)
        s += (1 - self.rho) * (g * g - s)
        p -= self.lr * g / (xp.sqrt(s) + self.eps)


class Adadelta(Optimizer):
    """Gradient over its root mean square s, in units of the steps' own, u.

    Source: Zeiler, ADADELTA, 2012, algorithm 1.
    """

    slots = ("s", "u")
    options = ("lr", "rho", "eps")
    rho: float = number(0, 1, open_high=True)  # at 1, s stays 0
    eps: float = number(0, inf, **OPEN)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1.0,
        rho: float = 0.95,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(params, lr)
        self.rho, self.eps = rho, eps

    def update(  # type: ignore[override]
        self, p: Array, g: Array, s: Array, u: Array
    ) -> None:
        """p -= lr sqrt(u + eps) / sqrt(s + eps) g."""
        xp = get_array_module(g)
        s += (1 - self.rho) * (g * g - s)
        step = xp.sqrt(u + self.eps) / xp.sqrt(s + self.eps) * g
        u += (1 - self.rho) * (step * step - u)
        p -= self.lr * step


OPTIMIZERS: dict[str, Callable[[Iterable[Parameter], float], Optimizer]] = {
    "sgd": SGD,
    "momentum": partial(SGD, momentum=0.9),
    "adam": Adam,
    "rmsprop": RMSprop,
    "adadelta": Adadelta,
}
