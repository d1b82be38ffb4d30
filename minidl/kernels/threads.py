"""One batch on several cores: each thread takes an equal part of the images.

As many threads are used as BLAS may use (`minidl.parallel.limit_threads`, or the
variable OPENBLAS_NUM_THREADS). While they work, BLAS itself is limited to one: threads
that start threads fight for the cores.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Result = TypeVar("Result")


def over_images(function: Callable[[slice], Result], N: int) -> list[Result]:
    """Return function(part) for consecutive parts of N images, one part a thread.

    The results stand in the order of the parts, so that adding them up gives the same
    bits whichever thread ends first.
    """
    threads = min(blas_threads(), N)
    if threads == 1:
        return [function(slice(0, N))]
    parts = [slice(N * i // threads, N * (i + 1) // threads) for i in range(threads)]
    with blas().limit(limits=1):
        others = [workers(threads - 1).submit(function, part) for part in parts[1:]]
        first = function(parts[0])  # here: this thread is awake already
        return [first, *(other.result() for other in others)]


def blas_threads() -> int:
    """Return how many threads BLAS may use."""
    return max((library.num_threads for library in blas().lib_controllers), default=1)


@cache
def blas() -> ThreadpoolController:
    """Return the handle of the BLAS libraries in this process."""
    return ThreadpoolController().select(user_api="blas")


@cache
def workers(threads: int) -> ThreadPoolExecutor:
    """Return a pool of threads, made once."""
    return ThreadPoolExecutor(threads, thread_name_prefix="minidl")


if hasattr(os, "register_at_fork"):  # a forked process has no threads: make them anew
    os.register_at_fork(after_in_child=workers.cache_clear)
