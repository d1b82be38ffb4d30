"""The machine, the versions and the time of a run."""

import os
import platform
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import minidl
from minidl.backend import Device, gpu_name


def check_text(*texts: str) -> None:
    """Raise ValueError for a text of a results file that would be markup on a page.

    The file may be a stranger's.
    """
    for text in texts:
        if {*"<>&|`\n"} & {*text}:
            raise ValueError(f"text must not contain markup, got {text!r}")


@dataclass(frozen=True)
class Environment:
    """What the numbers may depend on in their last digits."""

    minidl: str
    python: str
    numpy: str
    numba: str
    system: str
    cpu: str

    def __post_init__(self) -> None:
        check_text(*vars(self).values())


def now() -> str:
    """Return the date and time, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def environment(device: Device = "cpu") -> Environment:
    """Return versions and machine."""
    gpu = f", {gpu_name()}" if device == "gpu" else ""
    return Environment(
        minidl=minidl.__version__,
        python=platform.python_version(),
        numpy=version("numpy"),
        numba=version("numba"),
        system=f"{platform.system()} {platform.machine()}",
        cpu=f"{cpu_name()}, {os.cpu_count()} cores{gpu}",
    )


def version(package: str) -> str:
    """Return a package's version, if it is installed; Numba needn't be."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def cpu_name() -> str:
    """Return the processor's name; on Linux Python doesn't know it."""
    return cpuinfo("model name") or platform.processor() or platform.machine()


def cpuinfo(field: str) -> str:
    """Return a field of /proc/cpuinfo for the first processor; "" if it is missing."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(field):
                return line.partition(":")[2].strip()
    return ""
