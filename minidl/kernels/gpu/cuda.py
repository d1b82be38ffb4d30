"""CUDA kernels for Python: compiled when first used, and their arguments checked.

The sources are `*.cu` beside this file. CuPy compiles them with NVIDIA's NVRTC for the
GPU at hand. This takes seconds, but only once: CuPy keeps the result on disk.
"""

import re
from functools import cache
from operator import index
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minidl.backend import device_of

# Joined in this order: each file uses what those before it define.
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
    """Return a kernel by its name, with `width` channels in one access to memory.

    The first call with each width compiles all kernels.
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
    """Return a kernel's parameters, as its source declares them."""
    declared = re.search(rf"void {kernel}\((.*?)\)", source(), re.DOTALL)
    if declared is None:
        raise ValueError(f"no kernel {kernel!r} in the source")
    found = PARAMETER.findall(declared[1])
    return [Parameter(name, TYPES[kind], bool(star)) for kind, star, name in found]


def as_arguments(name: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments in the types that a kernel declares.

    Raises TypeError or ValueError for arguments that it would misread, and for an array
    that is too large for its index.
    """
    pairs = zip(parameters(name), arguments, strict=True)
    return tuple([as_argument(*pair) for pair in pairs])


def as_argument(parameter: Parameter, value: Any) -> Any:
    """Return a value in the type that a kernel declares; raise if that is impossible.

    CuPy checks nothing here. It would pass a Python float as 64 bits, half of which a
    kernel's float would read, and an array as nothing but its address. None, which has
    no address, becomes a null pointer.
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
