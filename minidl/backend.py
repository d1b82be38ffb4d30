"""Where arrays live: NumPy on the CPU, CuPy on the GPU.

Layers are written once for both: `xp = get_array_module(x)` is `numpy` or `cupy`,
whose functions have the same names. Outside `minidl.kernels` this is the only file
that imports CuPy, and only when a GPU is requested.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

# CuPy's arrays have the same interface, but CuPy need not be installed, so static types
# know only NumPy's.
Array: TypeAlias = npt.NDArray[Any]
Device: TypeAlias = str  # one of
DEVICES = ("cpu", "gpu")


# Decorates functions in which numbers may underflow to 0 without harm. Users who make
# NumPy raise errors (np.seterr) then get none from these functions.
rounds_to_zero = np.errstate(under="ignore")


def get_array_module(x: Array) -> ModuleType:
    """Return `cupy` if x is on a GPU, else `numpy`."""
    cupy = sys.modules.get("cupy")  # a CuPy array exists only if CuPy was imported
    return cupy if cupy is not None and isinstance(x, cupy.ndarray) else np


def device_of(x: Array) -> Device:
    """Return the device of x, "cpu" or "gpu"."""
    return "cpu" if get_array_module(x) is np else "gpu"


def to_numpy(x: Array) -> Array:
    """Return x as a NumPy array, copied from the GPU if it is there.

    Raises TypeError for a masked array, whose mask would be lost.
    """
    check_unmasked(x)
    xp = get_array_module(x)
    return np.asarray(x) if xp is np else xp.asnumpy(x)


def to_device(x: Array, device: Device) -> Array:
    """Return x as an array on the device "cpu" or "gpu", without a copy if it is there.

    CuPy's `asarray` stages it through pinned memory, and returns while the copy to the
    GPU is still under way.
    Raises ValueError for another device, RuntimeError if there is no GPU, and TypeError
    for a masked array, whose mask would be lost.
    """
    if device == "cpu":
        return to_numpy(x)
    check_unmasked(x)
    return require_gpu(device).asarray(x)


def check_unmasked(x: Array) -> None:
    """Raise TypeError for a masked array: its mask would be lost."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError("x must be a plain array, got a masked one")


def from_host(function: Callable[..., Any], device: Device) -> Callable[..., Any]:
    """Wrap a function of a device's arrays so that it takes and returns NumPy's.

    Functions among its arguments are wrapped the other way round.
    """
    if device == "cpu":
        return function

    def there(a: Any) -> Any:
        if callable(a):
            return lambda *arguments: there(a(*map(back, arguments)))
        return to_device(a, device) if isinstance(a, np.ndarray) else a

    def back(a: Any) -> Any:
        if isinstance(a, tuple):
            return tuple(map(back, a))
        return a if device_of(a) == "cpu" else to_numpy(a)

    return lambda *arguments: back(function(*map(there, arguments)))


def require_gpu(device: Device = "gpu") -> ModuleType:
    """Return `cupy`; RuntimeError if its package, the driver or a device is missing."""
    if device != "gpu":
        raise ValueError(f"device must be 'cpu' or 'gpu', got {device!r}")
    try:
        import cupy
    except ImportError as error:
        raise RuntimeError(
            f"device 'gpu' needs the package CuPy: pip install 'minidl[gpu]' ({error})"
        ) from error
    if missing := what_is_missing(cupy.cuda.runtime):
        raise RuntimeError(f"device 'gpu' needs {missing}")
    return cupy


def what_is_missing(runtime: Any) -> str:
    """Return what CUDA lacks here and what to do; nothing if it has a device."""
    try:
        if runtime.getDeviceCount() > 0:
            return ""
        reason = "it counts none"
    except runtime.CUDARuntimeError as error:
        reason = str(error)
    driver, wanted = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    if driver == 0:
        return (
            "NVIDIA's driver, which isn't installed: see https://www.nvidia.com/drivers"
        )
    if driver // 1000 < wanted // 1000:
        return (
            f"a newer NVIDIA driver: this one is for CUDA {driver // 1000}, CuPy for "
            f"CUDA {wanted // 1000}; or install cupy-cuda{driver // 1000}x instead"
        )
    return (
        f"a CUDA device, and the driver finds none ({reason}): nvidia-smi lists them, "
        "CUDA_VISIBLE_DEVICES hides them"
    )


def try_gpu() -> None:
    """Raise RuntimeError, which says in one line what to do, unless a GPU can compute.

    CuPy looks for CUDA's libraries and compiler only when it first needs them, as here.
    """
    cupy = require_gpu()
    try:
        ones = cupy.ones((2, 2), np.float32)
        working = float((ones @ ones + 1).sum()) == 12
    except MemoryError as error:
        raise RuntimeError(out_of_memory(error)) from error
    except Exception as error:  # each missing library raises another kind
        raise RuntimeError(
            "device 'gpu' needs CUDA's libraries (cuBLAS, NVRTC): pip install "
            f"'minidl[gpu]' ({type(error).__name__}: {error})"
        ) from error
    if not working:
        raise RuntimeError("device 'gpu' computes wrong numbers: 2 x 2 is not 4 there")


def gpu_name() -> str:
    """Return the GPU's name and CuPy's version."""
    cupy = require_gpu()
    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    return f"{properties['name'].decode()}, CuPy {cupy.__version__}"


def out_of_memory(error: MemoryError) -> str:
    """Return in one line what to do about a GPU whose memory is full."""
    return (
        f"the GPU's memory is full: set a smaller batch size, fewer --jobs, "
        f"CUDA_VISIBLE_DEVICES to a GPU with more room, or --device cpu ({error})"
    )
