"""The stand-in's arrays: NumPy's inside, with the behaviour of CuPy's.

They refuse to mix with NumPy's arrays and to turn into one unasked; their methods are
those that CuPy has, with its arguments; reductions and single elements are 0-d arrays.
"""

import inspect
import json
from functools import cache
from types import SimpleNamespace

import numpy as np

from tests.gpu.counting import counts, work
from tests.gpu.cupy_names import FILE

NAMES = json.loads(FILE.read_text(encoding="utf-8"))
VALUES = (
    *("T", "shape", "strides", "dtype", "size", "ndim"),
    *("itemsize", "nbytes", "flags"),
)
BINARY = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
    *("and", "or", "xor", "lshift", "rshift"),
)
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
WAITING = ("nonzero", "flatnonzero", "argwhere", "unique")  # their size is unknown
UNARY = ("neg", "pos", "abs", "invert")


class DeviceArray:
    """An array that lies on the device, or so it seems."""

    __slots__ = ("host",)
    __array_ufunc__ = None  # NumPy's operators leave the work to ours
    __hash__ = None

    def __init__(self, host):
        self.host = host

    def __array__(self, *args, **options):
        raise TypeError("a device array doesn't turn into NumPy's unasked: asnumpy")

    def __array_function__(self, function, *others):
        raise TypeError(f"NumPy's {function.__name__} of a device array: take CuPy's")

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
        if has(index, is_mask):
            counts["to host"] += 1  # CuPy asks how many are chosen
        return on_device(self.host[wrapped(index, self)], "advanced indexing", self)

    def __setitem__(self, index, value):
        self.host[wrapped(index, self)] = unwrapped(value)
        work("advanced indexing" if has(index, is_advanced) else "setitem")

    def __len__(self):
        return len(self.host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __repr__(self):
        return f"DeviceArray{self.host!r}"

    @property
    def data(self):
        return SimpleNamespace(ptr=self.host.ctypes.data)

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


def wrapped(index, array):
    """Return an index for NumPy; with CuPy, places beyond an axis start again at 0."""
    parts = index if isinstance(index, tuple) else (index,)
    axes = [axes_taken(part) for part in parts]
    found, axis = [], 0
    for i, part in enumerate(parts):
        if part is Ellipsis:
            axis = array.ndim - sum(axes[i:])
        is_place = is_advanced(part) and not is_mask(part)
        found.append(places(part, array.shape[axis]) if is_place else unwrapped(part))
        axis += axes[i]
    # With ... a single number is a view, too, as it is in CuPy.
    whole = any(part is Ellipsis for part in found)
    return tuple(found) if whole else (*found, ...)


def axes_taken(part):
    """Return how many axes of an array a part of an index is for."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if is_mask(part) else 1


def places(part, size):
    """Return an array of places on an axis of a size."""
    return part.host.astype(np.int64) % max(1, size)


def has(index, property_):
    """Tell whether an index, or a part of it, has a property."""
    return any(map(property_, index if isinstance(index, tuple) else (index,)))


def is_advanced(part):
    return isinstance(part, DeviceArray)


def is_mask(part):
    return is_advanced(part) and part.dtype == bool


def on_device(result, name, *sources):
    """Return a result on the device; it took work unless it is a view of a source."""
    arrays = [s for s in sources if isinstance(s, DeviceArray)]
    for array in arrays:
        if result is array.host:
            return array
    hosts = [array.host for array in arrays]
    is_view = isinstance(result, np.ndarray) and any(
        np.may_share_memory(result, host) for host in hosts
    )
    if not (is_view or isinstance(result, bool)):  # the host knows what memory is whose
        work(name)
    return as_array(result)


def call(name, function, kind, owner, args, options):
    """Call a function or method, unless CuPy would refuse the arguments."""
    signature(kind, name).bind(*args, **options)
    if name in WAITING:
        counts["to host"] += 1
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
