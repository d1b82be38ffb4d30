"""The cores that a process runs on. Imports nothing that starts threads."""

import os
from collections.abc import Sequence
from pathlib import Path


def cores() -> tuple[int, ...]:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def pin(chosen: Sequence[int]) -> list[int]:
    """Pin this process to some cores; return them, or none where this is impossible."""
    if not hasattr(os, "sched_setaffinity"):
        return []
    for thread in Path("/proc/self/task").iterdir():  # BLAS may have started some
        os.sched_setaffinity(int(thread.name), chosen)
    return list(chosen)
