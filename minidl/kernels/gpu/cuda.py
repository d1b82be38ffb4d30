"""CUDA kernels for Python: compiled when first used, and their arguments checked.

The sources are `*.cu` beside this file. CuPy compiles them with NVIDIA's NVRTC for the
GPU at hand, which takes seconds once; it keeps the result on disk.
"""

import re
from functools import cache
from operator import index
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minidl.backend import device_of

# One text in this order: each file knows what stands in those before it.
FILES = (
    "threads",
    "windows",
    "activations",
    "pooling",
    "loss",
    "optimizers",
    "attacks",
)
OPTIONS = ("--std=c++17",)
LARGEST = 2**31 - 256  # what a kernel's int can count to

TYPES: dict[str, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "int": np.dtype(np.int32),
    "long long": np.dtype(np.int64),
    "unsigned char": np.dtype(np.uint8),
    "unsigned int": np.dtype(np.uint32),
    "unsigned long long": np.dtype(np.uint64),
}
# As in "const float* __restrict__ x", or "int size".
PARAMETER = re.compile(rf"\b({'|'.join(TYPES)})(\*?)(?: __restrict__)? (\w+)")


@cache
def source() -> str:
    """Return the CUDA C++ of all kernels."""
    folder = Path(__file__).parent
    texts = [(folder / f"{name}.cu").read_text(encoding="utf-8") for name in FILES]
    return "\n".join(texts)


@cache
def kernel(name: str, width: int) -> Any:
    """Return a kernel by its name, for as many channels in one access.

    The first call with each width compiles them all.
    """
    import cupy

    return cupy.RawKernel(source(), name, options=(*OPTIONS, f"-DWIDTH={width}"))


class Parameter(NamedTuple):
    """A parameter as a kernel's source declares it."""

    name: str
    dtype: np.dtype[Any]
    is_array: bool


@cache
def parameters(kernel: str) -> list[Parameter]:
    """Return what a kernel takes, as its source says."""
    declared = re.search(rf"void {kernel}\((.*?)\)", source(), re.DOTALL)
    if declared is None:
        raise ValueError(f"no kernel {kernel!r} in the source")
    found = PARAMETER.findall(declared[1])
    return [Parameter(name, TYPES[kind], bool(star)) for kind, star, name in found]


def as_arguments(name: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments in the types in which a kernel takes them.

    Raises TypeError or ValueError for those that it would misread, and for an array
    that its index can't span.
    """
    pairs = zip(parameters(name), arguments, strict=True)
    return tuple([as_argument(*pair) for pair in pairs])


def as_argument(parameter: Parameter, value: Any) -> Any:
    """Return a value in the type in which a kernel takes it; raise if it can't be.

    CuPy checks nothing here. Of Python's float it would pass 64 bits, of which a
    kernel's float reads 0, of an array nothing but its address, and of None no address
    at all: that is a null pointer here.
    """
    name, dtype, is_array = parameter
    if not is_array:
        return dtype.type(index(value) if dtype.kind in "iu" else float(value))
    if value is None:
        return np.uint64(0)
    if device_of(value) == "cpu":
        raise TypeError(f"{name} must be an array on the GPU, got {type(value)}")
    if value.dtype != dtype:
        raise TypeError(f"{name} must be {dtype} on the GPU, got {value.dtype}")
    if not value.flags.c_contiguous:
        raise ValueError(f"{name} must be contiguous, got strides {value.strides}")
    if value.size > LARGEST:
        raise ValueError(
            f"{name} must have at most {LARGEST} numbers on the GPU, got {value.size}: "
            "use smaller batches"
        )
    return value
