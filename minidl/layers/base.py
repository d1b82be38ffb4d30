"""The base of every layer: a function, its derivative, and its parameters."""

from collections.abc import Iterable, Iterator
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from minidl.backend import Array, Device, device_of, get_array_module, to_device
from minidl.checks import check_cast, check_float_type
from minidl.layer_memory import Remembers, held_in, shares
from minidl.layers.parameter import Parameter

Shape: TypeAlias = tuple[int, ...]  # without the batch axis


class Layer(Remembers):
    """A differentiable function of x and of its parameters.

    `forward` remembers what the derivative needs. `backward` recalls it, so it belongs
    to the latest `forward` in the same thread. Neither changes its arguments, and a
    returned array is never overwritten. Between the two, leave x and out as they are:
    layers remember the arrays themselves, not copies. A layer of your own that stores
    arrays in attributes instead must not be shared between threads or networks, or run
    twice in a pass. If it has parameters, its `backward` takes param_grads and
    input_grad, like `Linear.backward`. If it runs a layer within twice, it keeps the
    layer's `memory` of each run, and restores it before that run's `backward`.
    """

    gives_probabilities = False  # in place of logits, at the end of a network

    @property
    def params(self) -> tuple[Parameter, ...]:
        """All parameters in the attributes, including those in lists and layers.

        One that belongs to two layers within is listed twice. Networks and optimizers
        refuse it, because each layer writes its own gradient.
        """
        found = tuple(parameters_in(vars(self).values()))
        once = tuple(dict.fromkeys(found))
        return found if len(once) < len(found) and shares(self) else once

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return out = f(x); rng switches training mode on, which only dropout uses."""
        raise NotImplementedError

    def backward(self, dout: Array) -> Array:
        """Return dJ/dx, given dout = dJ/dout, and fill each parameter's grad."""
        raise NotImplementedError

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the output's shape for an input's shape; ValueError for a misfit."""
        return input_shape

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """Convert all parameters in place (float64 for gradient checks).

        Raises TypeError unless the type is float32 or float64, and ValueError if a
        number would become infinite; then nothing is converted.
        """
        check_float_type("dtype", dtype)
        named = {f"params[{i}]": p for i, p in enumerate(self.params)}
        cast = [check_cast(name, p.data, dtype) for name, p in named.items()]
        for p, data in zip(named.values(), cast, strict=True):
            p.replace(data)
        return self

    def to_device(self, device: Device) -> Self:
        """Move all parameters in place to the device "cpu" or "gpu"."""
        for p in self.params:
            data = to_device(p.data, device)
            p.adopt(data, get_array_module(data).zeros_like(data))
        return self

    @property
    def device(self) -> Device:
        """The parameters' device, "cpu" or "gpu"; "cpu" if there are none."""
        return next((device_of(p.data) for p in self.params), "cpu")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def parameters_in(values: Iterable[Any]) -> Iterator[Parameter]:
    """Yield all parameters among values, including those in layers, lists and dicts."""
    for held in held_in(values):
        if isinstance(held, Parameter):
            yield held
        else:
            yield from held.params
