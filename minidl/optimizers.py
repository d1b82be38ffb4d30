"""How a gradient becomes a step: SGD, Adam, RMSprop, Adadelta.

Each rule keeps running averages ("slots") with one array per parameter. Slots, settings
and the number of steps are an optimizer's whole state, so a checkpoint can restore it.
Letters: p parameter, g = dJ/dp, t number of the step, starting at 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from minidl.backend import Array, get_array_module
from minidl.checks.settings import setting
from minidl.kernels import implementation
from minidl.layers import Parameter
from minidl.optimizer_base import POSITIVE
from minidl.optimizer_base import Optimizer as Optimizer


@dataclass(eq=False, repr=False)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum v = momentum v + g; p -= lr v."""

    slots = ("v",)
    momentum: float = setting("[0, 1]", 0.0)

    def update(self, p: Array, g: Array, v: Array) -> None:
        """v = momentum v + g; p -= lr v."""
        implementation(p).sgd_step(p, g, v, self.lr, self.momentum)


@dataclass(eq=False, repr=False)
class Adam(Optimizer):
    """Momentum m over the root of v, the gradient's mean square, both bias-corrected.

    Source: Kingma & Ba, Adam, 2015, algorithm 1.
    """

    slots = ("m", "v")
    lr: float = setting(POSITIVE, 1e-3)
    beta1: float = setting("[0, 1)", 0.9)  # 1 - beta is a divisor
    beta2: float = setting("[0, 1)", 0.999)
    eps: float = setting(POSITIVE, 1e-8)

    def update(self, p: Array, g: Array, m: Array, v: Array) -> None:
        """m += (1 - beta1) (g - m), v += (1 - beta2) (g^2 - v), all in one pass.

        Then p -= lr m_hat / (sqrt(v_hat) + eps), where m_hat = m / (1 - beta1^t) and
        v_hat = v / (1 - beta2^t) are free of the bias towards 0.
        """
        rates = 1 - self.beta1, 1 - self.beta2
        step = self.lr / (1 - self.beta1**self.t)
        correction = 1 / (1 - self.beta2**self.t)
        implementation(p).adam_step(p, g, m, v, rates, step, correction, self.eps)


@dataclass(eq=False, repr=False)
class RMSprop(Optimizer):
    """Gradient over the root of s, its running mean square.

    Source: Tieleman & Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012.
    """

    slots = ("s",)
    lr: float = setting(POSITIVE, 1e-3)
    rho: float = setting("[0, 1)", 0.9)  # at 1, s stays 0
    eps: float = setting(POSITIVE, 1e-8)

    def update(self, p: Array, g: Array, s: Array) -> None:
        """p -= lr g / (sqrt(s) + eps)."""
        xp = get_array_module(g)
        s += (1 - self.rho) * (g * g - s)
        p -= self.lr * g / (xp.sqrt(s) + self.eps)


@dataclass(eq=False, repr=False)
class Adadelta(Optimizer):
    """Gradient over the root of its mean square s, times that of the steps', u.

    Source: Zeiler, ADADELTA, 2012, algorithm 1.
    """

    slots = ("s", "u")
    lr: float = setting(POSITIVE, 1.0)
    rho: float = setting("[0, 1)", 0.95)  # at 1, s stays 0
    eps: float = setting(POSITIVE, 1e-6)

    def update(self, p: Array, g: Array, s: Array, u: Array) -> None:
        """p -= lr sqrt(u + eps) / sqrt(s + eps) g."""
        xp = get_array_module(g)
        s += (1 - self.rho) * (g * g - s)
        step = xp.sqrt(u + self.eps) / xp.sqrt(s + self.eps) * g
        u += (1 - self.rho) * (step * step - u)
        p -= self.lr * step


OPTIMIZERS: dict[str, Callable[[Sequence[Parameter], float], Optimizer]] = {
    "sgd": SGD,
    "momentum": partial(SGD, momentum=0.9),
    "adam": Adam,
    "rmsprop": RMSprop,
    "adadelta": Adadelta,
}
