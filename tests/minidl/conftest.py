"""How each kernel can run on the CPU, a small network, and code in a new process."""

import importlib
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
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

ROOT = Path(__file__).parents[2]
COMPILED = (
    "elementwise",
    "few_channels",
    "pooling",
    "windows",
    "winograd",
    "winograd_blocks",
    "winograd_transforms",
)


def run_python(code, *arguments, folder=ROOT, **environment):
    """Run code with this repository's packages, and the user's environment cleaned."""
    settings = ("MINIDL_KERNELS", "MALLOC_", "NUMBA")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(settings)}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean | {"PYTHONPATH": str(ROOT)} | environment,
    )


@pytest.fixture
def model(rng):
    """A network with one layer of each usual kind, for images (6, 6, 1), in float64."""
    layers = [
        *(Conv2D(1, 2, rng=rng), ReLU(), MaxPool2D(2)),
        *(Dropout(0.5), Flatten(), Linear(8, 3, rng=rng)),
    ]
    return Sequential(layers, (6, 6, 1)).astype(np.float64)


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
