"""Arrays on the CPU, and what is said where there is no GPU."""

import sys
import types

import numpy as np
import pytest

from minidl import get_array_module, to_device, to_numpy
from minidl.backend import device_of, from_host, require_gpu, try_gpu


def test_numpy_arrays_are_numpys():
    assert get_array_module(np.zeros(2)) is np


def test_the_cpu_keeps_an_array_as_it_is():
    x = np.zeros(2)
    assert to_numpy(x) is x
    assert to_device(x, "cpu") is x


def test_numbers_become_arrays():
    for x in (np.float32(1.5), [1.5], 1.5):
        assert isinstance(to_numpy(x), np.ndarray)
        assert to_numpy(x) == 1.5


@pytest.mark.parametrize("device", ["tpu", "", "GPU", None])
def test_an_unknown_device_is_named(device):
    with pytest.raises(ValueError, match=r"device must be 'cpu' or 'gpu', got"):
        to_device(np.zeros(2), device)


class FakeArray:
    """An array on a GPU that isn't there."""


@pytest.fixture
def fake_cupy(monkeypatch):
    """As much of CuPy as the backend uses."""
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: 1,
        driverGetVersion=lambda: 13020,
        runtimeGetVersion=lambda: 13020,
        CUDARuntimeError=RuntimeError,
    )
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
    assert (device_of(FakeArray()), device_of(np.zeros(2))) == ("gpu", "cpu")


def test_arrays_travel_there_and_back(fake_cupy):
    there = to_device(np.zeros(3), "gpu")
    assert isinstance(there, FakeArray)
    assert to_device(there, "cpu").tolist() == [1, 1, 1]
    assert to_numpy(there).tolist() == [1, 1, 1]


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_a_masked_array_keeps_its_mask_here(fake_cupy, device):
    with pytest.raises(TypeError, match="x must be a plain array, got a masked one"):
        to_device(np.ma.masked_array([1.0, 2.0], [True, False]), device)


def test_a_function_of_the_device_takes_the_hosts_arrays(fake_cupy):
    taken = []

    def function(x, y, eps):
        taken.extend([x, y, eps])
        return x

    x = np.zeros(3)
    assert from_host(function, "cpu") is function
    assert from_host(function, "gpu")(x, x, 0.5).tolist() == [1, 1, 1]
    assert list(map(type, taken)) == [FakeArray, FakeArray, float]


def said():
    """The one line that `require_gpu` raises."""
    with pytest.raises(RuntimeError, match="device 'gpu' needs") as caught:
        require_gpu()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def no_device():
    raise RuntimeError("cudaErrorNoDevice")


def test_a_missing_package_is_named_with_its_installation(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert "the package CuPy: pip install 'minidl[gpu]'" in said()
    with pytest.raises(RuntimeError, match="CuPy"):
        to_device(np.zeros(2), "gpu")


def test_a_missing_driver_is_named(fake_cupy):
    fake_cupy.cuda.runtime.driverGetVersion = lambda: 0
    fake_cupy.cuda.runtime.getDeviceCount = no_device
    assert "NVIDIA's driver, which isn't installed" in said()


def test_an_old_driver_is_named_with_what_fits_it(fake_cupy):
    fake_cupy.cuda.runtime.driverGetVersion = lambda: 12040
    fake_cupy.cuda.runtime.getDeviceCount = no_device
    assert "this one is for CUDA 12, CuPy for CUDA 13" in said()
    assert "cupy-cuda12x" in said()


@pytest.mark.parametrize("count", [no_device, lambda: 0])
def test_a_missing_device_is_named(fake_cupy, count):
    fake_cupy.cuda.runtime.getDeviceCount = count
    assert "a CUDA device, and the driver finds none" in said()
    assert "CUDA_VISIBLE_DEVICES" in said()


def test_missing_libraries_are_named(fake_cupy):
    def no_library(shape, dtype):
        raise OSError("libnvrtc.so.13 not found")

    fake_cupy.ones = no_library
    with pytest.raises(RuntimeError, match=r"cuBLAS, NVRTC.*minidl\[gpu\].*libnvrtc"):
        try_gpu()


def test_a_full_memory_is_named_with_what_to_set(fake_cupy):
    def full(shape, dtype):
        raise MemoryError("allocating 16 bytes")

    fake_cupy.ones = full
    with pytest.raises(RuntimeError, match="memory is full: set a smaller batch size"):
        try_gpu()


def test_a_gpu_that_computes_passes(fake_cupy):
    fake_cupy.ones = np.ones
    try_gpu()


def test_a_gpu_that_computes_wrongly_does_not(fake_cupy):
    fake_cupy.ones = np.zeros
    with pytest.raises(RuntimeError, match="wrong numbers"):
        try_gpu()
