"""Arrays on the CPU, and the errors where there is no GPU."""

import sys

import numpy as np
import pytest

from minidl import get_array_module, to_device, to_numpy
from minidl.backend import device_of, from_host, require_gpu, try_gpu
from tests.gpu import strict_cupy
from tests.gpu.device_array import DeviceArray


def test_the_cpu_keeps_an_array_as_it_is_and_makes_one_of_numbers():
    x = np.zeros(2)
    assert get_array_module(x) is np
    assert to_numpy(x) is to_device(x, "cpu") is x
    for x in (np.float32(1.5), [1.5], 1.5):
        assert isinstance(to_numpy(x), np.ndarray)
        assert to_numpy(x) == 1.5


@pytest.mark.parametrize("device", ["tpu", "", "GPU", None])
def test_an_unknown_device_is_named(device):
    with pytest.raises(ValueError, match=r"device must be 'cpu' or 'gpu', got"):
        to_device(np.zeros(2), device)


@pytest.fixture
def fake_cupy(monkeypatch):
    """The stand-in for CuPy, whose driver and functions a test may change."""
    return strict_cupy.install(monkeypatch)


def test_arrays_on_a_gpu_are_cupys_and_travel_there_and_back(fake_cupy):
    there = to_device(np.ones(3), "gpu")
    assert isinstance(there, DeviceArray)
    assert get_array_module(there) is fake_cupy
    assert (device_of(there), device_of(np.zeros(2))) == ("gpu", "cpu")
    assert to_device(there, "cpu").tolist() == to_numpy(there).tolist() == [1, 1, 1]


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_a_masked_array_keeps_its_mask_here(fake_cupy, device):
    with pytest.raises(TypeError, match="x must be a plain array, got a masked one"):
        to_device(np.ma.masked_array([1.0, 2.0], [True, False]), device)
    with pytest.raises(TypeError, match="x must be a plain array, got a masked one"):
        to_numpy(np.ma.masked_array([1.0, 2.0], [True, False]))


def test_a_function_of_the_device_takes_the_hosts_arrays(fake_cupy):
    taken = []

    def function(x, y, eps):
        taken.extend([x, y, eps])
        return x

    x = np.ones(3)
    assert from_host(function, "cpu") is function
    assert from_host(function, "gpu")(x, x, 0.5).tolist() == [1, 1, 1]
    assert list(map(type, taken)) == [DeviceArray, DeviceArray, float]


def gpu_error():
    """The one line that `require_gpu` raises."""
    with pytest.raises(RuntimeError, match="device 'gpu' needs") as caught:
        require_gpu()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_package_is_named_with_its_installation(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert "the package CuPy: pip install 'minidl[gpu]'" in gpu_error()
    with pytest.raises(RuntimeError, match="CuPy"):
        to_device(np.zeros(2), "gpu")


def no_device():
    raise RuntimeError("cudaErrorNoDevice")


@pytest.mark.parametrize(
    ("driver", "count", "messages"),
    [
        (0, no_device, ["NVIDIA's driver, which isn't installed"]),
        (12040, no_device, ["for CUDA 12, CuPy for CUDA 13", "cupy-cuda12x"]),
        (13020, no_device, ["and the driver finds none", "CUDA_VISIBLE_DEVICES"]),
        (13020, lambda: 0, ["and the driver finds none", "CUDA_VISIBLE_DEVICES"]),
    ],
)
def test_what_cuda_lacks_is_named_with_what_to_do(fake_cupy, driver, count, messages):
    fake_cupy.cuda.runtime.driverGetVersion = lambda: driver
    fake_cupy.cuda.runtime.getDeviceCount = count
    assert all(message in gpu_error() for message in messages)


def raises(error):
    def ones(shape, dtype):
        raise error

    return ones


@pytest.mark.parametrize(
    ("ones", "message"),
    [
        (raises(OSError("libnvrtc.so")), r"cuBLAS, NVRTC.*minidl\[gpu\].*libnvrtc"),
        (raises(MemoryError("16 bytes")), "memory is full: set a smaller batch size"),
        (np.zeros, "wrong numbers"),
    ],
)
def test_a_gpu_that_cannot_compute_is_named_with_what_to_do(fake_cupy, ones, message):
    fake_cupy.ones = np.ones
    try_gpu()
    fake_cupy.ones = ones
    with pytest.raises(RuntimeError, match=message):
        try_gpu()
