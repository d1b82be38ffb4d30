"""How each kernel can run on the CPU, and a small network."""

import importlib
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
import pytest

from minidl import (
    Conv2D,
    Dropout,
    Flatten,
    Linear,
    MaxPool2D,
    ReLU,
    Sequential,
    kernels,
)

COMPILED = (
    "elementwise",
    "few_channels",
    "pooling",
    "windows",
    "winograd",
    "winograd_blocks",
    "winograd_transforms",
)


@pytest.fixture
def model(rng):
    """A network with one layer of each usual kind, for images (6, 6, 1), in float64."""
    layers = [
        *(Conv2D(1, 2, rng=rng), ReLU(), MaxPool2D(2)),
        *(Dropout(0.5), Flatten(), Linear(8, 3, rng=rng)),
    ]
    return Sequential(layers, (6, 6, 1)).astype(np.float64)


@pytest.fixture
def x(rng):
    """Images for the network."""
    return rng.standard_normal((4, 6, 6, 1))


@contextmanager
def uncompiled():
    """Run the Numba kernels as plain Python, as a learner does in a debugger."""
    pytest.importorskip("numba", reason="no Numba")
    with ExitStack() as stack:
        for name in COMPILED:
            module = importlib.import_module(f"minidl.kernels.cpu.{name}")
            for kernel, function in list(vars(module).items()):
                if hasattr(function, "py_func"):
                    patch = mock.patch.object(module, kernel, function.py_func)
                    stack.enter_context(patch)
        # Integers of NumPy warn where those of compiled code wrap around silently.
        stack.enter_context(np.errstate(over="ignore"))
        stack.enter_context(kernels.use("numba"))
        yield


@contextmanager
def compiled():
    pytest.importorskip("numba", reason="no Numba")
    with kernels.use("numba"):
        yield


@contextmanager
def compiled_im2col():
    """Like compiled, but each convolution goes through im2col's matrix."""
    with ExitStack() as stack:
        stack.enter_context(compiled())
        from minidl.kernels.cpu import operations, windows

        always = mock.patch.object(operations, "convolution", return_value=windows)
        stack.enter_context(always)
        yield


WAYS = {
    "reference": lambda: kernels.use("reference"),
    "compiled": compiled,
    "im2col": compiled_im2col,
    "uncompiled": uncompiled,
}


@pytest.fixture(params=WAYS)
def each_way(request):
    """The test runs once with each implementation of the kernels."""
    with WAYS[request.param]():
        yield request.param


@pytest.fixture(params=["reference", "compiled", "im2col"])
def each_implementation(request):
    """Like each_way, without the slow one."""
    with WAYS[request.param]():
        yield request.param
