"""A stand-in for CuPy that catches code written for NumPy only, without a GPU.

Its arrays know the operators and methods that every array module has. Like a GPU's,
they don't mix with NumPy's arrays; and unlike CuPy's, which are more forgiving, they
go into no function of NumPy: it must be taken from `get_array_module(x)`.
"""

import numpy as np

OPERATORS = {
    *("add", "subtract", "multiply", "divide", "matmul", "power", "negative"),
    *("right_shift", "bitwise_xor"),
    *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
    *("maximum.reduce", "minimum.reduce", "add.reduce"),  # what methods call
}


class DeviceArray(np.ndarray):
    """An array on the device."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        if name not in OPERATORS:
            raise TypeError(f"numpy.{name} was called with an array of the device")
        for a in (*inputs, *out):
            if isinstance(a, np.ndarray) and not isinstance(a, DeviceArray):
                raise TypeError("an array of the device was mixed with NumPy's")
        if out:
            options["out"] = tuple(to_host(a) for a in out)
        result = getattr(ufunc, method)(*map(to_host, inputs), **options)
        return out[0] if out else to_device(result)

    def __array_function__(self, function, types, args, kwargs):
        raise TypeError(f"numpy.{function.__name__} was called with an array of it")


def to_host(a):
    return a.view(np.ndarray) if isinstance(a, DeviceArray) else a


def to_device(a):
    return np.asarray(a).view(DeviceArray)


class FakeCupy:
    """NumPy's functions, from the device to the device."""

    __name__ = "cupy"
    ndarray = DeviceArray

    def __getattr__(self, name):
        attribute = getattr(np, name)
        if isinstance(attribute, type) or not callable(attribute):
            return attribute

        def function(*args, **options):
            return to_device(attribute(*map(to_host, args), **options))

        return function

    def asnumpy(self, a):
        return to_host(a).copy()
