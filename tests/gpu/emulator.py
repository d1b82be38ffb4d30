"""CUDA kernels run on the CPU: their own source, compiled by g++.

More than the result is checked at each launch. Arrays lie between guards, in which a
write beyond the end shows and from which a read brings NaN. The threads run forwards,
backwards and shuffled, and must leave the same bits each time: a thread that reads what
another writes is found.

Of arguments CuPy checks little: it refuses what is no array of its own and no number,
and passes of an array its address, of a number its bytes. A kernel would read float64
as float32, a view with gaps as if it had none, and a float from the lower half of
Python's. Such a launch is an AssertionError here, `MisreadError`: no test can take it
for a TypeError or ValueError, with which minidl refuses an argument by name.
"""

import ctypes
import re
import shutil
import subprocess
import tempfile
from functools import cache
from math import prod
from pathlib import Path

import numpy as np
import pytest

from tests.gpu.device_array import DeviceArray

HEADER = Path(__file__).with_name("emulated_cuda.h")
NAMES = re.compile(r'extern "C" __global__ void (\w+)\(')
INPUT, OUTPUT = 0xFF, 0xA5  # bytes of guards: NaN as float; another NaN would not show
MOST_BLOCKS, MOST_ROWS, MOST_THREADS = 2**31 - 1, 2**16 - 1, 1024  # of a GPU
PLAIN = {bool: np.bool_, int: np.int64, float: np.float64}  # as CuPy passes Python's


class MisreadError(AssertionError):
    """A kernel would read other numbers than were meant, and CuPy wouldn't say so."""


def needs_compiler():
    """Skip a test where no g++ is installed."""
    if shutil.which("g++") is None:
        pytest.skip("g++ isn't installed: no CUDA kernel can run on this CPU")


@cache
def compiled(source, options):
    """Return a library of all kernels in a source."""
    exports = [f"EXPORT({name})" for name in NAMES.findall(source)]
    text = "\n".join([HEADER.read_text(), '#line 1 "kernels.cu"', source, *exports])
    # Without contraction to fused multiply-adds, as in NumPy.
    defined = [option for option in options if option.startswith("-D")]
    options = [*("-O1", "-std=c++17", "-shared", "-fPIC", "-w"), *defined]
    options += ["-ffp-contract=off", "-fno-strict-aliasing"]
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "kernels.so"
        subprocess.run(
            ["g++", *options, "-x", "c++", "-", "-o", library],
            input=text,
            text=True,
            check=True,
        )
        return ctypes.CDLL(str(library))


class RawKernel:
    """What cupy.RawKernel is, for grids and blocks of up to two dimensions."""

    def __init__(self, code, name, options=()):
        needs_compiler()
        if name not in NAMES.findall(code):
            raise KeyError(f"no kernel {name} in the source")
        library = compiled(code, tuple(options))
        self.name, self.run = name, library[f"run_{name}"]
        self.aligned = 4 * ("-DWIDTH=4" in options)  # one access to four numbers
        body = code.partition(f"void {name}(")[2].partition('extern "C"')[0]
        self.waits = "__syncthreads" in body
        text = ctypes.create_string_buffer(200)
        library[f"describe_{name}"](text)
        self.types = re.findall("...", text.value.decode())

    def __call__(self, grid, block, arguments):
        sizes = [*grid, 1][:2] + [*block, 1][:2]
        blocks, threads = prod(grid), prod(block)
        assert 1 <= blocks <= MOST_BLOCKS, f"a GPU refuses {blocks} blocks"
        assert sizes[1] <= MOST_ROWS, f"a GPU refuses {sizes[1]} rows of blocks"
        assert 1 <= threads <= MOST_THREADS, f"a GPU refuses blocks of {threads}"
        if len(arguments) != len(self.types):
            raise MisreadError(f"{self.name} takes {self.types}, got {len(arguments)}")
        pairs = list(zip(arguments, self.types, strict=True))
        checked = [self.check(i, *pair) for i, pair in enumerate(pairs)]
        self.check_memory(checked)
        results = [
            self.once(checked, sizes, self.turns(order(blocks * threads), threads))
            for order in ORDERS
        ]
        for outputs in results[1:]:
            if outputs != results[0]:
                raise AssertionError(f"{self.name} depends on the order of its threads")
        for array, bytes_ in zip(self.written(checked), results[0], strict=True):
            array[...] = np.frombuffer(bytes_, array.dtype).reshape(array.shape)

    def check(self, i, value, wanted):
        """Return an argument as NumPy has it; raise unless it is of the type wanted."""
        if wanted[0] in "cp" and isinstance(value, np.uint64) and value == 0:
            return None  # the null pointer
        value = as_cupy_passes_it(value)
        is_array = isinstance(value, np.ndarray)
        found = f"{value.dtype.kind}{value.dtype.itemsize}"
        if found != wanted[1:] or is_array != (wanted[0] in "cp"):
            kind = "an array" if is_array else "a number"
            raise MisreadError(
                f"{self.name} takes {wanted} as argument {i}, got {kind} of {found}"
            )
        if is_array and not value.flags.c_contiguous:
            raise MisreadError(f"{self.name}: argument {i} isn't contiguous")
        if self.aligned and is_array and value.ctypes.data % (4 * value.itemsize):
            raise MisreadError(f"{self.name}: argument {i} isn't aligned")
        return value

    def check_memory(self, arguments):
        """Raise if an array that is written shares memory with another argument."""
        arrays = [a for a in arguments if isinstance(a, np.ndarray)]
        for result in self.written(arguments):
            if sum(np.may_share_memory(result, a) for a in arrays if a.size) > 1:
                raise MisreadError(
                    f"{self.name} writes to what it reads by another name"
                )

    def written(self, arguments):
        """The arrays that the kernel may write to."""
        pairs = zip(arguments, self.types, strict=True)
        return [a for a, type_ in pairs if type_[0] == "p" and a is not None]

    def turns(self, order, threads):
        """Return an order in which those of a block that wait for each other follow."""
        if not self.waits:
            return order
        _, first = np.unique(order // threads, return_index=True)
        return order[np.argsort(first[order // threads], kind="stable")]

    def once(self, arguments, sizes, order):
        """Run all threads in an order, on copies; return what was written, as bytes."""
        pairs = list(zip(arguments, self.types, strict=True))
        buffers = [Guarded(value, type_[0]) for value, type_ in pairs]
        pointers = (ctypes.c_void_p * len(buffers))(*(b.address for b in buffers))
        sizes = (ctypes.c_int * 4)(*sizes)
        address = order.ctypes.data_as(ctypes.c_void_p)
        if self.run(pointers, sizes, address, self.waits):
            raise AssertionError(f"{self.name}: not all threads reach __syncthreads")
        for i, buffer in enumerate(buffers):
            if not buffer.intact():
                raise IndexError(f"{self.name} writes beyond the end of argument {i}")
        return [b.content() for b in buffers if b.kind == "p"]


def as_cupy_passes_it(value):
    """Return what a kernel gets of an argument; raise what CuPy raises.

    An array of NumPy's with one number is passed as that number.
    """
    if isinstance(value, DeviceArray):
        return value.host
    if isinstance(value, np.ndarray):
        if value.size != 1:
            raise TypeError(f"numpy.ndarray of shape {value.shape} as a parameter")
        return value.reshape(())[()]
    if value is None:
        return np.uint64(0)  # nothing to read, not a null pointer
    if type(value) in PLAIN:
        return PLAIN[type(value)](value)
    if not isinstance(value, np.generic):
        raise TypeError(f"Unsupported type {type(value)}")
    return value


def forwards(count):
    return np.arange(count, dtype=np.int32)


def backwards(count):
    return forwards(count)[::-1].copy()


def shuffled(count):
    return np.random.default_rng(count).permutation(forwards(count))


ORDERS = (forwards, backwards, shuffled)


class Guarded:
    """A copy of an argument between guards, and its address."""

    def __init__(self, value, kind):
        self.kind, self.size = kind, 0 if value is None else value.nbytes
        if value is None:
            self.kind, self.memory = "s", ctypes.c_void_p()
            self.address = ctypes.addressof(self.memory)
            return
        if kind == "s":
            self.memory = np.array(value)
            self.address = self.memory.ctypes.data
            return
        self.guard = -(-value.nbytes // 64) * 64 + 4096
        self.byte = INPUT if kind == "c" else OUTPUT
        self.memory = np.full(self.size + 2 * self.guard, self.byte, np.uint8)
        self.inner[:] = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
        self.pointer = ctypes.c_void_p(self.memory.ctypes.data + self.guard)
        self.address = ctypes.addressof(self.pointer)

    @property
    def inner(self):
        return self.memory[self.guard : self.guard + self.size]

    def content(self):
        return self.inner.tobytes()

    def intact(self):
        """Tell whether nothing was written outside, and nothing to an input."""
        if self.kind == "s":
            return True
        before, after = self.memory[: self.guard], self.memory[-self.guard :]
        return (before == self.byte).all() and (after == self.byte).all()
