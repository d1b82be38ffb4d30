"""The machine that was measured, and the threads that were used."""

import os
import platform
from typing import Any

from threadpoolctl import threadpool_info

import minidl
from minidl.backend import Device, gpu_name
from minidl.kernels.cpu.vectors import VECTOR_BITS
from minidl.parallel import limit_threads
from tutorials.paper.experiment.environment import cpu_name, cpuinfo, now, version

PACKAGES = ("numpy", "numba", "torch")
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}  # Linux's flags
VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "MALLOC_ARENA_MAX",
    "MINIDL_KERNELS",
    "CUPY_TF32",
)


def limit(threads: int, peers: tuple[str, ...]) -> None:
    """Limit the threads of BLAS, and so of minidl, and of each peer."""
    limit_threads(threads)
    if "torch" in peers:
        import torch

        torch.set_num_threads(threads)


def describe(device: Device = "cpu") -> dict[str, Any]:
    """Return processor, versions, BLAS and the settings in the environment."""
    return {
        "date": now(),
        "cpu": cpu_name(),
        "vectors": vectors(),
        **({"gpu": gpu_name()} if device == "gpu" else {}),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "minidl": minidl.__version__,
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "libraries": [library(info) for info in threadpool_info()],
        "environment": {name: os.environ.get(name) for name in VARIABLES},
    }


def library(info: dict[str, Any]) -> dict[str, Any]:
    """Return the facts that matter about a library with threads, without its path."""
    kept = ("user_api", "internal_api", "version", "architecture", "num_threads")
    return {name: info.get(name) for name in kept}


def vectors() -> str:
    """Return the widest vector instructions, "" for an unknown processor.

    Environment variables may limit all libraries to AVX2, to imitate a processor
    without AVX-512; Numba's vectors show whether they do.
    """
    flags = (cpuinfo("flags") or cpuinfo("Features")).split()
    widest = next((name for flag, name in VECTORS.items() if flag in flags), "")
    limited = widest == "AVX-512" and VECTOR_BITS < 512
    return f"{widest}, limited to AVX2" if limited else widest
