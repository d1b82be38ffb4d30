"""The base of all optimizers: parameters and their averages, on any device.

On a GPU one kernel moves all parameters, see `kernels.gpu.flat_parameters`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from minidl.backend import (
    Array,
    Device,
    device_of,
    get_array_module,
    rounds_to_zero,
    to_device,
)
from minidl.checks.rules import Given
from minidl.checks.settings import fixed, setting
from minidl.kernels.arguments import check_step
from minidl.kernels.gpu.flat_parameters import FlatParameters
from minidl.layers import Parameter

POSITIVE = "(0, inf)"

# In 100 steps an average usually shrinks to no less than 0.9^100 = 3e-5 of itself: from
# NOTHING to 3e-37, not subnormal. NOTHING's root, 1e-16, is negligible beside an `eps`
# of 1e-8. Beside a smaller eps, only smaller averages are.
NOTHING, NEGLIGIBLE, FORGET_EVERY = 1e-32, 1e-8, 100


def different_params(name: str, params: Any, given: Given) -> tuple[Parameter, ...]:
    """Return the parameters; TypeError for anything else, such as a model."""
    found = tuple(params) if isinstance(params, Iterable) else (params,)
    for p in found:
        if not isinstance(p, Parameter):
            raise TypeError(f"{name} must be parameters, like model.params, got {p!r}")
    if len(set(found)) < len(found):
        raise ValueError(
            f"{name} must be different, got one twice: it would move twice"
        )
    return found


@dataclass(eq=False, repr=False)
class Optimizer:
    """Base class: `step` applies a rule, `update`, to each parameter.

    A rule is a dataclass: its fields are the numbers in its equation, and `slots` names
    its running averages. `update(p, g, ...)` changes p and the averages in place.
    `weight_decay` adds weight_decay / 2 |p|^2 to J, so g becomes g + weight_decay p.
    Raises TypeError for anything but parameters, and ValueError for a parameter given
    twice or a learning rate that isn't positive.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    update: ClassVar[Callable[..., None]]
    params: Sequence[Parameter] = fixed(different_params)
    lr: float = setting(POSITIVE)
    _: KW_ONLY
    weight_decay: float = setting("[0, inf)", 0.0)

    def __post_init__(self) -> None:
        self.t = 0
        self.averages = [
            {slot: get_array_module(p.data).zeros_like(p.data) for slot in self.slots}
            for p in self.params
        ]
        self.flat: FlatParameters | None = None  # on a GPU, from the first step on

    @rounds_to_zero
    def step(self) -> None:
        """Move each parameter, in place, against its gradient.

        Raises TypeError or ValueError, before any parameter moves, if one no longer has
        the shape or type of its averages.
        """
        pieces = list(self.pieces())
        for p, g, averages in pieces:
            check_step(p, g, **averages)
        self.t += 1
        for p, g, averages in pieces:
            if self.weight_decay:
                g = g + self.weight_decay * p
            self.update(p, g, **averages)
        if self.t % FORGET_EVERY == 0:
            self.forget()

    def forget(self) -> None:
        """Zero the averages that are too small to move anything.

        At a dead unit, which learns nothing, an average shrinks with every step. In the
        end it would be subnormal, and CPUs compute many times more slowly with such
        small numbers: after 21 epochs of Table 3 in batches of 32, a quarter of Adam's
        m was subnormal, and a step took 37 ms instead of 2.
        """
        least = min(NOTHING, (NEGLIGIBLE * getattr(self, "eps", 1.0)) ** 2)
        for averages in self.averages:
            for average in averages.values():
                if device_of(average) == "cpu":
                    average[abs(average) < least] = 0

    def pieces(self) -> Iterator[tuple[Array, Array, dict[str, Array]]]:
        """Yield each parameter with its gradient and averages; on a GPU, all joined."""
        if not self.params or device_of(self.params[0].data) == "cpu":
            for p, averages in zip(self.params, self.averages, strict=True):
                yield p.data, p.grad, averages
            return
        if self.flat is None or not self.flat.hold(self.params, self.averages):
            self.flat = FlatParameters(self.params, self.averages)
        yield from self.flat.pieces

    def to_device(self, device: Device) -> Self:
        """Move the averages to the device "cpu" or "gpu", after the model."""
        for averages in self.averages:
            for slot, average in averages.items():
                averages[slot] = to_device(average, device)
        self.flat = None
        return self

    def __getstate__(self) -> dict[str, Any]:
        # A copy's views would share no memory with its flat arrays: build these again.
        return self.__dict__ | {"flat": None}

    @property
    def state(self) -> dict[str, Array]:
        """The step and the averages: {"t": t, "<slot>.<i>": array}.

        With `settings` and the parameters, everything that a later `step` depends on.
        """
        arrays = {
            f"{slot}.{i}": array
            for i, averages in enumerate(self.averages)
            for slot, array in averages.items()
        }
        return {"t": np.array(self.t), **arrays}

    @property
    def settings(self) -> dict[str, float]:
        """The learning rate and the other numbers in the equation.

        (A weight decay of 0 is left out, as in checkpoints of older versions.)
        """
        names = [field.name for field in fields(self) if field.name != "params"]
        found = {name: getattr(self, name) for name in names}
        return {n: v for n, v in found.items() if v or n != "weight_decay"}
