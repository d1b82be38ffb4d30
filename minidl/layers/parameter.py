"""Parameters: the arrays that a layer learns, each with its gradient."""

from minidl.backend import Array, Device, device_of, get_array_module
from minidl.checks import check_device, check_floats, check_shape


class Parameter:
    """A learned array and dJ/d(array), which `backward` writes in place.

    The parameter owns both arrays and copies whatever is assigned, so that they are
    contiguous in memory: kernels update them in place.
    Shapes: data and grad are equal in shape, dtype and device. Raises TypeError unless
    they are float32 or float64, and ValueError for a gradient of another shape.
    """

    def __init__(self, data: Array) -> None:
        self.replace(data)

    def replace(self, data: Array) -> None:
        """Copy data as the new value, and reset the gradient to zero."""
        check_floats("data", data)
        xp = get_array_module(data)
        self.adopt(xp.array(data, order="C"), xp.zeros(data.shape, data.dtype))

    def adopt(self, data: Array, grad: Array) -> None:
        """Use these arrays themselves; nothing else may own them."""
        self._data, self._grad = data, grad

    @property
    def data(self) -> Array:
        """The learned array."""
        return self._data

    @data.setter
    def data(self, data: Array) -> None:
        grad = self._grad
        self.replace(data)
        if place(grad) == place(data) and grad.dtype == data.dtype:
            self._grad = grad  # assigning data keeps the gradient

    @property
    def grad(self) -> Array:
        """dJ/d(data)."""
        return self._grad

    @grad.setter
    def grad(self, grad: Array) -> None:
        # Written into the same array, of which an optimizer on a GPU holds a view.
        if grad is not self._grad:
            check_floats("grad", grad)
            check_device("grad", grad, self._grad)
            check_shape("grad", grad, self._grad.shape)
            self._grad[...] = grad


def place(a: Array) -> tuple[tuple[int, ...], Device]:
    """Return an array's shape and its device."""
    return a.shape, device_of(a)
