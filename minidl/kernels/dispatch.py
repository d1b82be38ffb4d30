"""Which implementation runs an operation: the reference, or a compiled one."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from types import ModuleType

import numpy as np

from minidl.backend import Array, device_of
from minidl.checks import check_choice
from minidl.kernels import reference

IMPLEMENTATIONS = ("auto", "reference", "numba")

_chosen = os.environ.get("MINIDL_KERNELS", "auto")
_on_cpu: ModuleType | None = None  # what was chosen there, once it has been used


def check_environment() -> None:
    """Raise ValueError for an unknown MINIDL_KERNELS: when used, not when imported.

    A program can then say so in one line.
    """
    check_choice("MINIDL_KERNELS", _chosen, IMPLEMENTATIONS)


@contextmanager
def use(name: str) -> Iterator[None]:
    """Run a block with the implementation "reference", "numba" or "auto".

    The environment variable MINIDL_KERNELS does the same for a whole process.
    """
    global _chosen, _on_cpu
    check_choice("name", name, IMPLEMENTATIONS)
    before, _chosen, _on_cpu = _chosen, name, None
    try:
        yield
    finally:
        _chosen, _on_cpu = before, None


def implementation(x: Array) -> ModuleType:
    """Return the module whose kernels take x."""
    global _on_cpu
    if type(x) is np.ndarray or device_of(x) == "cpu":
        _on_cpu = _on_cpu or chosen_on_cpu()
        return _on_cpu
    check_environment()
    on_device = _chosen != "reference" and x.dtype == np.float32
    return on_gpu() if on_device else reference


def chosen_on_cpu() -> ModuleType:
    """Return the compiled kernels or the reference, as chosen, or as Numba is here."""
    check_environment()
    found = sys.modules.get("numba") or find_spec("numba")  # takes 40 us where it isn't
    compiled = _chosen == "numba" or (_chosen == "auto" and found)
    return on_cpu() if compiled else reference


@cache
def on_cpu() -> ModuleType:
    """Return the compiled kernels: Numba is imported when they are needed first."""
    from minidl.kernels.cpu import operations

    return operations


@cache
def on_gpu() -> ModuleType:
    """Return the GPU's kernels."""
    from minidl.kernels.gpu import operations

    return operations
