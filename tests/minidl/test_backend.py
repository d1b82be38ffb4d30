"""Arrays on the CPU, and what is said where there is no GPU."""

import sys
import types

import numpy as np
import pytest

from minidl import get_array_module, to_device, to_numpy
from minidl.backend import require_gpu


def test_numpy_arrays_are_numpys():
    assert get_array_module(np.zeros(2)) is np


def test_the_cpu_keeps_an_array_as_it_is():
    x = np.zeros(2)
    assert to_numpy(x) is x
    assert to_device(x, "cpu") is x


@pytest.mark.parametrize("device", ["tpu", "", "GPU", None])
def test_an_unknown_device_is_named(device):
    with pytest.raises(ValueError, match=r"device must be 'cpu' or 'gpu', got"):
        to_device(np.zeros(2), device)


def test_without_cupy_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(RuntimeError, match=r"needs CuPy .*minidl\[gpu\].* got Mod"):
        to_device(np.zeros(2), "gpu")


class FakeArray:
    """An array on a GPU that isn't there."""


@pytest.fixture
def fake_cupy(monkeypatch):
    """As much of CuPy as the backend uses."""
    runtime = types.SimpleNamespace(getDeviceCount=lambda: 1)
    cupy = types.SimpleNamespace(
        ndarray=FakeArray,
        asarray=lambda x: FakeArray(),
        asnumpy=lambda x: np.ones(3),
        cuda=types.SimpleNamespace(runtime=runtime),
        __name__="cupy",
    )
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    return cupy


def test_arrays_on_a_gpu_are_cupys(fake_cupy):
    assert get_array_module(FakeArray()) is fake_cupy
    assert get_array_module(np.zeros(2)) is np


def test_arrays_travel_there_and_back(fake_cupy):
    there = to_device(np.zeros(3), "gpu")
    assert isinstance(there, FakeArray)
    assert to_device(there, "cpu").tolist() == [1, 1, 1]
    assert to_numpy(there).tolist() == [1, 1, 1]


def test_cupy_without_a_device_says_so(fake_cupy):
    def no_driver():
        raise OSError("no CUDA driver")

    fake_cupy.cuda.runtime.getDeviceCount = no_driver
    with pytest.raises(RuntimeError, match="CUDA device; got OSError: no CUDA driver"):
        require_gpu()
