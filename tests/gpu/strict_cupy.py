"""A stand-in for CuPy: NumPy inside, and stricter than CuPy outside.

What CuPy refuses it refuses: mixing with NumPy's arrays, turning into one unasked,
functions and arguments that CuPy doesn't have. What CuPy lets pass though it costs a
transfer or hides a mistake it refuses too: NumPy's functions of its arrays, and NumPy's
arrays as indices; and it has no `random`, whose generators draw other bits than NumPy's
and can't permute. Reductions give 0-d arrays; fresh memory holds NaN. Kernels run
through `emulator.py`. Work and transfers are counted, at the fewest that CuPy needs.
"""

import sys
from functools import cache
from inspect import ismodule
from types import SimpleNamespace

import numpy as np

from tests.gpu import emulator
from tests.gpu.counting import bytes_to_device, counts, work
from tests.gpu.device_array import NAMES, DeviceArray, call

HELD = tuple(map(np.dtype, "?bhilqBHILQefdFD"))  # the types that CuPy has


class CountedKernel(emulator.RawKernel):
    """A launch is one piece of work."""

    def __call__(self, grid, block, arguments):
        super().__call__(grid, block, arguments)
        work(self.name)


class StrictCupy:
    """The module."""

    __name__ = "cupy"
    __version__ = NAMES["cupy"]
    ndarray = DeviceArray
    RawKernel = CountedKernel

    def __init__(self):
        self.cuda = SimpleNamespace(
            runtime=SimpleNamespace(
                getDeviceCount=lambda: 1,
                driverGetVersion=lambda: 13000,
                runtimeGetVersion=lambda: 13000,
                getDeviceProperties=lambda i: {"name": b"stand-in"},
                CUDARuntimeError=RuntimeError,
            ),
            Device=lambda: SimpleNamespace(id=0, synchronize=lambda: None),
        )

    def __getattr__(self, name):
        if name in NAMES["attributes"] and not ismodule(getattr(np, name)):
            return getattr(np, name)
        if name not in NAMES["functions"]:
            raise AttributeError(f"module 'cupy' has no attribute {name!r}")
        function = getattr(np, name)
        return lambda *args, **options: call(
            name, function, "functions", None, args, options
        )

    def asarray(self, a, dtype=None):
        if isinstance(a, DeviceArray):
            return a if dtype in (None, a.dtype) else a.astype(dtype)
        copy = np.array(a, dtype=dtype)
        if copy.dtype not in HELD:
            raise ValueError(f"Unsupported dtype {copy.dtype}")
        counts["to device"] += 1
        bytes_to_device.append(copy.nbytes)
        return DeviceArray(copy)

    def asnumpy(self, a):
        return a.get() if isinstance(a, DeviceArray) else np.asarray(a)

    def empty(self, shape, dtype=float):
        a = np.empty(shape, dtype)
        a.reshape(-1).view(np.uint8)[...] = 0xFF  # NaN, until it is written
        return DeviceArray(a)


def install(monkeypatch):
    """Let `import cupy` return the stand-in, for the time of a test."""
    from minidl.kernels.gpu import launching

    stand_in = StrictCupy()
    monkeypatch.setitem(sys.modules, "cupy", stand_in)
    monkeypatch.setattr(launching, "kernel", cache(launching.kernel.__wrapped__))
    return stand_in
