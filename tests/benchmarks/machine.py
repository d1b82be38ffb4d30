"""The machine that was measured, and how much of it was used."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

import minidl
from minidl.backend import Device, gpu_name
from minidl.parallel import limit_threads

PACKAGES = ("numpy", "numba", "torch")
VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "NUMBA_CPU_NAME",
    "MALLOC_ARENA_MAX",
    "MINIDL_KERNELS",
    "CUPY_TF32",
)


def limit(threads: int, peers: tuple[str, ...]) -> None:
    """Give BLAS, and with it minidl, and each peer so many threads."""
    limit_threads(threads)
    if "torch" in peers:
        import torch

        torch.set_num_threads(threads)


def describe(device: Device = "cpu") -> dict[str, Any]:
    """Return processor, versions, BLAS and the environment's settings."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu_name(),
        **({"gpu": gpu_name()} if device == "gpu" else {}),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "minidl": minidl.__version__,
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "libraries": [library(info) for info in threadpool_info()],
        "load_average": os.getloadavg()[0],  # of others too: 0 on an idle machine
        "environment": {name: os.environ.get(name) for name in VARIABLES},
    }


def library(info: dict[str, Any]) -> dict[str, Any]:
    """Return what matters of a library with threads: its kernels, not its path."""
    kept = ("user_api", "internal_api", "version", "architecture", "num_threads")
    return {name: info.get(name) for name in kept}


def version(package: str) -> str | None:
    """Return a package's version, None if it isn't installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def cpu_name() -> str:
    """Return the processor's name, which Python knows only outside Linux."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
