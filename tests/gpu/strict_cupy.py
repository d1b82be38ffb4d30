"""A stand-in for CuPy: NumPy inside, and stricter than CuPy outside.

What CuPy refuses it refuses: mixing with NumPy's arrays, turning into one unasked,
functions and arguments that CuPy doesn't have. What CuPy lets pass though it costs a
transfer or hides a mistake it refuses too: NumPy's functions of its arrays, and NumPy's
arrays as indices. Reductions give 0-d arrays; fresh memory holds NaN. Kernels run
through `emulator.py`. Work and transfers are counted, at the fewest that CuPy needs.
"""

import inspect
import json
import sys
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace

import numpy as np

from tests.gpu import emulator
from tests.gpu.cupy_names import FILE

NAMES = json.loads(FILE.read_text(encoding="utf-8"))
VALUES = ("T", "shape", "dtype", "size", "ndim", "itemsize", "nbytes", "flags")
BINARY = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
    *("and", "or", "xor", "lshift", "rshift"),
)
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
UNARY = ("neg", "pos", "abs", "invert")
# Kernels that CuPy starts for an operation, if not one.
COST = {"pad": 2, "stack": 2, "argsort": 3, "advanced indexing": 3}

counts = {"launches": 0, "to device": 0, "to host": 0}
bytes_to_device = []  # one entry for each transfer
launched = []  # names of what was started


@contextmanager
def counted():
    """Yield a dictionary that holds the counts of the block at its end."""
    before, found = dict(counts), {}
    start = len(launched), len(bytes_to_device)
    yield found
    found |= {name: counts[name] - before[name] for name in counts}
    found["names"] = launched[start[0] :]
    found["bytes"] = bytes_to_device[start[1] :]


def work(name):
    counts["launches"] += COST.get(name, 1)
    launched.append(name)


class DeviceArray:
    """An array that lies on the device, or so it seems."""

    __slots__ = ("host",)
    __array_ufunc__ = None  # NumPy's operators leave the work to ours
    __hash__ = None

    def __init__(self, host):
        self.host = host

    def __array__(self, *args, **options):
        raise TypeError("a device array doesn't turn into NumPy's unasked: asnumpy")

    def __getattr__(self, name):
        if name in VALUES:
            value = getattr(self.host, name)
            return DeviceArray(value) if isinstance(value, np.ndarray) else value
        if name not in NAMES["methods"]:
            raise AttributeError(f"cupy.ndarray has no method {name}")
        return lambda *args, **options: call(
            name, getattr(self.host, name), "methods", self, args, options
        )

    def __getitem__(self, index):
        result = on_device(self.host[unwrapped(index)], "advanced indexing", self)
        return result

    def __setitem__(self, index, value):
        self.host[unwrapped(index)] = unwrapped(value)
        work("advanced indexing" if is_advanced(index) else "setitem")

    def __len__(self):
        return len(self.host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __repr__(self):
        return f"DeviceArray{self.host!r}"

    def get(self):
        """A copy on the host."""
        counts["to host"] += 1
        return self.host.copy()

    def item(self):
        return self.get().item()

    def __float__(self):
        return float(self.get())

    def __int__(self):
        return int(self.get())

    def __bool__(self):
        return bool(self.get())


def operator(name):
    """Return an operator of arrays."""

    def method(self, *others):
        result = getattr(self.host, name)(*map(unwrapped, others))
        if result is NotImplemented:
            return result
        work(name.strip("_"))
        return self if result is self.host else as_array(result)

    return method


for stem in BINARY:
    for prefix in ("", "r", "i"):
        name = f"__{prefix}{stem}__"
        setattr(DeviceArray, name, operator(name))
for stem in (*COMPARISONS, *UNARY):
    setattr(DeviceArray, f"__{stem}__", operator(f"__{stem}__"))


def unwrapped(value):
    """Return NumPy's array of ours; refuse NumPy's own."""
    if isinstance(value, DeviceArray):
        return value.host
    if isinstance(value, np.ndarray):
        raise TypeError("an array of the device was mixed with NumPy's")
    if isinstance(value, tuple | list):
        return type(value)(map(unwrapped, value))
    return value


def as_array(result):
    """Return a result as device arrays; numbers become 0-d arrays."""
    if isinstance(result, np.ndarray | np.generic):
        return DeviceArray(np.asarray(result))
    if isinstance(result, tuple | list):
        return type(result)(map(as_array, result))
    return result


def is_advanced(index):
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, DeviceArray) for part in parts)


def on_device(result, name, *sources):
    """Return a result on the device; it took work unless it is a view of a source."""
    hosts = [s.host for s in sources if isinstance(s, DeviceArray)]
    is_view = isinstance(result, np.ndarray) and any(
        result is host or np.may_share_memory(result, host) for host in hosts
    )
    if not is_view:
        work(name)
    return as_array(result)


def call(name, function, kind, owner, args, options):
    """Call a function or method, unless CuPy would refuse the arguments."""
    signature(kind, name).bind(*args, **options)
    out = options.get("out")
    host_options = {key: unwrapped(value) for key, value in options.items()}
    result = function(*map(unwrapped, args), **host_options)
    if out is not None:
        work(name)
        return out
    return on_device(result, name, owner, *args)


@cache
def signature(kind, name):
    """Return the arguments that CuPy takes."""
    return inspect.signature(eval(f"lambda {NAMES[kind][name]}: None"))


class StrictCupy:
    """The module."""

    __name__ = "cupy"
    __version__ = NAMES["cupy"]
    ndarray = DeviceArray
    RawKernel = None  # below: it counts

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
        if name in NAMES["attributes"]:
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
        counts["to device"] += 1
        bytes_to_device.append(copy.nbytes)
        return DeviceArray(copy)

    def asnumpy(self, a):
        return a.get() if isinstance(a, DeviceArray) else np.asarray(a)

    def empty(self, shape, dtype=float):
        a = np.empty(shape, dtype)
        a.reshape(-1).view(np.uint8)[...] = 0xFF  # NaN, until it is written
        return DeviceArray(a)


class CountedKernel(emulator.RawKernel):
    """A launch is one piece of work."""

    def __call__(self, grid, block, arguments):
        super().__call__(grid, block, arguments)
        work(self.name)


StrictCupy.RawKernel = CountedKernel


def install(monkeypatch):
    """Let `import cupy` return the stand-in, for the time of a test."""
    from minidl.kernels import cuda_launch

    stand_in = StrictCupy()
    monkeypatch.setitem(sys.modules, "cupy", stand_in)
    monkeypatch.setattr(cuda_launch, "kernel", cache(cuda_launch.kernel.__wrapped__))
    return stand_in
