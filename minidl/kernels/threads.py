"""One batch on several cores: each thread takes an equal part of the images.

As many threads are used as BLAS may use (`minidl.parallel.limit_threads`, or the
variable OPENBLAS_NUM_THREADS). BLAS itself is limited to one, while they work and in
products between: OpenBLAS's own threads keep their cores busy for milliseconds while
they wait for more to do, and these threads would stand in line behind them.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from minidl.backend import Array

Result = TypeVar("Result")

# Below this, waking a thread takes longer than the work that it is to do.
FEW_NUMBERS = 2**16
FEW_PRODUCTS = 2**21


def over_images(
    function: Callable[[slice], Result], N: int, at_least: int = 1
) -> list[Result]:
    """Return function(part) for consecutive parts of N images, one part a thread.

    N may count other things; a part with fewer than `at_least` isn't worth a thread.
    The results stand in the order of the parts, so that adding them up gives the same
    bits whichever thread ends first.
    """
    libraries = blas().lib_controllers  # none where threadpoolctl knows none
    if max((library.num_threads for library in libraries), default=1) == 1:
        return [function(slice(0, N))]
    threads = max(1, min(blas_threads(), N // at_least))
    parts = [slice(N * i // threads, N * (i + 1) // threads) for i in range(threads)]
    with one_blas_thread():
        others = [workers(threads - 1).submit(function, part) for part in parts[1:]]
        first = function(parts[0])  # here: this thread is awake already
        return [first, *(other.result() for other in others)]


def sum_over_images(function: Callable[[slice], Array], N: int) -> Array:
    """Return the sum of `over_images`: each thread's own gradient of what all share."""
    total, *others = over_images(function, N)
    for other in others:
        total += other
    return total


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to the calling thread. (`limit` of threadpoolctl takes 0.1 ms.)"""
    libraries = blas().lib_controllers
    before = [library.num_threads for library in libraries]
    for library in libraries:
        library.set_num_threads(1)
    try:
        yield
    finally:
        for library, threads in zip(libraries, before, strict=True):
            library.set_num_threads(threads)


def blas_threads() -> int:
    """Return how many threads BLAS may use: the least, if there are several."""
    return min((library.num_threads for library in blas().lib_controllers), default=1)


@cache
def blas() -> ThreadpoolController:
    """Return the handle of the BLAS libraries in this process, NumPy's and SciPy's."""
    import scipy.linalg.cython_blas  # noqa: F401, or a limit set now wouldn't reach it

    return ThreadpoolController().select(user_api="blas")


@cache
def workers(threads: int) -> ThreadPoolExecutor:
    """Return a pool of threads, made once."""
    return ThreadPoolExecutor(threads, thread_name_prefix="minidl")


if hasattr(os, "register_at_fork"):  # a forked process has no threads: make them anew
    os.register_at_fork(after_in_child=workers.cache_clear)
