"""Where arrays live: NumPy on the CPU, CuPy on the GPU.

Layers are written once, for either: `xp = get_array_module(x)` is `numpy` or `cupy`,
whose functions have the same names. Outside `minidl.kernels` this is the only file
that imports CuPy, and it does so only when a GPU is asked for.
"""

import sys
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

# A CuPy array has the same interface, but CuPy need not be installed: static types
# know NumPy's only.
Array: TypeAlias = npt.NDArray[Any]
Device: TypeAlias = str  # "cpu" or "gpu"


def get_array_module(x: Array) -> ModuleType:
    """Return `cupy` if x lies on a GPU, else `numpy`."""
    cupy = sys.modules.get("cupy")  # a CuPy array exists only if CuPy was imported
    return cupy if cupy is not None and isinstance(x, cupy.ndarray) else np


def to_numpy(x: Array) -> Array:
    """Return x as a NumPy array, copied from the GPU if it lies there."""
    return x if isinstance(x, np.ndarray) else get_array_module(x).asnumpy(x)


def to_device(x: Array, device: Device) -> Array:
    """Return x as an array of the device "cpu" or "gpu"; no copy if it is there.

    Raises ValueError for another name and RuntimeError where there is no GPU.
    """
    if device == "cpu":
        return to_numpy(x)
    return require_gpu(device).asarray(x)


def require_gpu(device: Device = "gpu") -> ModuleType:
    """Return `cupy`, or raise an error that says why there is no GPU to use."""
    if device != "gpu":
        raise ValueError(f"device must be 'cpu' or 'gpu', got {device!r}")
    try:
        import cupy

        cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # CuPy missing, driver missing or no device: no GPU
        raise RuntimeError(
            f"device 'gpu' needs CuPy (pip install 'minidl[gpu]') and a CUDA device; "
            f"got {type(error).__name__}: {error}"
        ) from error
    return cupy
