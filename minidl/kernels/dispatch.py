"""Which implementation runs an operation: the reference, or a compiled one."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from threading import Lock
from types import ModuleType

import numpy as np

from minidl.backend import Array, device_of
from minidl.checks import check_choice
from minidl.kernels import reference

IMPLEMENTATIONS = ("auto", "reference", "numba")

_chosen = os.environ.get("MINIDL_KERNELS", "auto")
_blocks: dict[object, str] = {None: _chosen}  # in the order in which they began
_lock = Lock()


def check_environment() -> None:
    """Raise ValueError for an unknown MINIDL_KERNELS.

    Called at first use instead of import, so that a program can report it in one line.
    """
    check_choice("MINIDL_KERNELS", _chosen, IMPLEMENTATIONS)


@contextmanager
def use(name: str) -> Iterator[None]:
    """Run a block with the implementation "reference", "numba" or "auto".

    It counts in all threads. Of several blocks, nested or in several threads, the one
    that began last counts until it ends. The environment variable MINIDL_KERNELS does
    the same for a whole process.
    """
    check_choice("name", name, IMPLEMENTATIONS)
    block = object()  # unlike its name, no other block's
    begin_or_end(block, name)
    try:
        yield
    finally:
        begin_or_end(block)


def begin_or_end(block: object, name: str | None = None) -> None:
    """Begin a block with this implementation, or end it; then choose the latest's."""
    global _chosen
    with _lock:
        if name is None:
            del _blocks[block]
        else:
            _blocks[block] = name
        _chosen = next(reversed(_blocks.values()))
        on_cpu.cache_clear()


def implementation(x: Array) -> ModuleType:
    """Return the module whose kernels take x."""
    if device_of(x) == "cpu":
        return on_cpu(_chosen)
    check_environment()
    in_cuda = _chosen != "reference" and x.dtype == np.float32
    return on_gpu() if in_cuda else reference


@cache
def on_cpu(chosen: str) -> ModuleType:
    """Return the compiled kernels or the reference; "auto" prefers compiled ones.

    Numba is imported only when it is first needed, and is searched for only once: this
    takes 40 us if it isn't installed.
    """
    check_environment()
    found = sys.modules.get("numba") or find_spec("numba")
    if chosen == "numba" or (chosen == "auto" and found):
        from minidl.kernels.cpu import operations

        return operations
    return reference


@cache
def on_gpu() -> ModuleType:
    """Return the GPU's kernels."""
    from minidl.kernels.gpu import operations

    return operations
