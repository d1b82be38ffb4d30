"""The three ways in which each kernel can run on the CPU."""

from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
import pytest

from minidl import kernels


@contextmanager
def uncompiled():
    """Run the Numba kernels as plain Python, as a learner does in a debugger."""
    numba_cpu = pytest.importorskip("minidl.kernels.numba_cpu", reason="no Numba")
    with ExitStack() as stack:
        for name, function in list(vars(numba_cpu).items()):
            if hasattr(function, "py_func"):
                patch = mock.patch.object(numba_cpu, name, function.py_func)
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


WAYS = {
    "reference": lambda: kernels.use("reference"),
    "compiled": compiled,
    "uncompiled": uncompiled,
}


@pytest.fixture(params=WAYS)
def each_way(request):
    """The test runs once with each implementation of the kernels."""
    with WAYS[request.param]():
        yield request.param


@pytest.fixture(params=["reference", "compiled"])
def each_implementation(request):
    """Like each_way, without the slow one."""
    with WAYS[request.param]():
        yield request.param
