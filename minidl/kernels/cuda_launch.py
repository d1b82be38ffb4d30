"""CUDA kernels from Python: compiled when first used, and started with checked types.

The sources are `cuda/*.cu`. CuPy compiles them with NVIDIA's NVRTC for the GPU at hand,
which takes seconds once; it keeps the result on disk.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

# One text in this order: each file knows what stands in those before it.
FILES = (
    "threads",
    "windows",
    "pooling",
    "activations",
    "loss",
    "optimizers",
    "attacks",
)
OPTIONS = ("--std=c++17",)
THREADS = 256  # of a block: any multiple of 32 will do
LARGEST = 2**31 - THREADS  # what a kernel's int can count to


@cache
def source() -> str:
    """Return the CUDA C++ of all kernels."""
    folder = Path(__file__).with_name("cuda")
    texts = [(folder / f"{name}.cu").read_text(encoding="utf-8") for name in FILES]
    return "\n".join(texts)


@cache
def kernel(name: str) -> Any:
    """Return a kernel by its name; the first call compiles them all."""
    import cupy

    return cupy.RawKernel(source(), name, options=OPTIONS)


def launch(name: str, threads: int, *arguments: Any) -> None:
    """Start a kernel with so many threads, without waiting for its end.

    Raises ValueError for an array that a kernel's index can't span.
    """
    sizes = [a.size for a in arguments if hasattr(a, "flags")]
    if max(threads, *sizes) > LARGEST:
        raise ValueError(
            f"{name} takes arrays of at most {LARGEST} numbers, got {max(sizes)}: "
            "use smaller batches"
        )
    if threads == 0:
        return  # no images, no work: a GPU would refuse it
    blocks = -(-threads // THREADS)  # the last one may have threads to spare
    kernel(name)((blocks,), (THREADS,), tuple(map(as_argument, arguments)))


def as_argument(value: Any) -> Any:
    """Return a number in the 32 bits that kernels take; CuPy checks no types.

    It would pass Python's numbers in 64 bits, of which a kernel's float reads 0, and of
    an array nothing but its address.
    """
    if isinstance(value, int | np.int64):
        return np.int32(value)
    if isinstance(value, float):
        return np.float32(value)
    if hasattr(value, "flags"):
        assert value.flags.c_contiguous, "kernels read rows one after another"
    return value
