"""What every layer is: a function, its derivative, and the numbers it learns."""

from typing import Self, TypeAlias

import numpy as np

from minidl.backend import Array, Device, device_of, get_array_module, to_device

Shape: TypeAlias = tuple[int, ...]  # without the batch axis


class Parameter:
    """A learned array and dJ/d(array), which `backward` writes in place.

    Both lie contiguously in memory, as kernels that update them in place need it: an
    array that doesn't, such as another library's weights transposed, is copied.
    Shapes: data and grad are equal in shape, dtype and device.
    """

    def __init__(self, data: Array) -> None:
        self.replace(get_array_module(data).array(data))  # a copy: the caller's stays

    def replace(self, data: Array) -> None:
        """Take data as the new value; the gradient starts at zero again."""
        self.data = data
        self.grad = get_array_module(data).zeros_like(self.data)

    @property
    def data(self) -> Array:
        """The learned array."""
        return self._data

    @data.setter
    def data(self, data: Array) -> None:
        # The array itself if it may stay: `FlatParameters` knows its views by identity.
        contiguous = data.flags.c_contiguous
        xp = get_array_module(data)
        self._data = data if contiguous else xp.ascontiguousarray(data)


class Layer:
    """A differentiable function of x and of its parameters.

    `forward` keeps what the derivative needs; `backward` belongs to the latest
    `forward`. Neither changes an argument, and an array once returned is never
    overwritten.
    """

    params: tuple[Parameter, ...] = ()

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return out = f(x); with rng in training mode, which only dropout knows."""
        raise NotImplementedError

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Array | None:
        """Return dJ/dx, given dout = dJ/dout, and fill each parameter's grad.

        Each half is left out, and its work saved, if it isn't asked for: an attack
        needs the first only, the first layer in training the second only.
        """
        raise NotImplementedError

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return one output's shape for one input's; ValueError if it can't be."""
        return input_shape

    def astype(self, dtype: type[np.floating]) -> Self:
        """Convert all parameters in place (float64 for gradient checks)."""
        for p in self.params:
            p.replace(p.data.astype(dtype))
        return self

    def to_device(self, device: Device) -> Self:
        """Move all parameters in place to the device "cpu" or "gpu"."""
        for p in self.params:
            p.replace(to_device(p.data, device))
        return self

    @property
    def device(self) -> Device:
        """Where the parameters lie, "cpu" or "gpu"; without any, "cpu"."""
        return device_of(self.params[0].data) if self.params else "cpu"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
