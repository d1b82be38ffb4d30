"""Which implementation runs an operation: the reference, or a compiled one."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from importlib.util import find_spec
from inspect import signature
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from minidl.backend import Array, device_of
from minidl.checks import check_choice
from minidl.kernels import reference

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

IMPLEMENTATIONS = ("auto", "reference", "numba")

_chosen = os.environ.get("MINIDL_KERNELS", "auto")


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
    global _chosen
    check_choice("name", name, IMPLEMENTATIONS)
    before, _chosen = _chosen, name
    try:
        yield
    finally:
        _chosen = before


def implementation(x: Array) -> ModuleType:
    """Return the module whose kernels take x."""
    check_environment()
    if _chosen == "reference":
        return reference
    if device_of(x) == "gpu":
        return on_gpu() if x.dtype == np.float32 else reference
    if _chosen == "numba" or sys.modules.get("numba") or find_spec("numba"):
        return on_cpu()
    return reference


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


def dispatched(
    arguments: Callable[Parameters, tuple[Any, ...]],
    specification: Callable[..., Result],
) -> Callable[Parameters, Result]:
    """Return an operation that runs where its first array lies.

    `arguments` checks what is given, and returns it as implementations read it.
    """
    name = specification.__name__

    @wraps(specification)
    def operation(*given: Parameters.args, **named: Parameters.kwargs) -> Result:
        values = arguments(*given, **named)
        result: Result = getattr(implementation(values[0]), name)(*values)
        return result

    operation.__signature__ = signature(arguments)  # type: ignore[attr-defined]
    return operation
