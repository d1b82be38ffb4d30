"""One batch on several cores: each thread takes an equal part of the images.

There are as many threads as BLAS may use (`minidl.parallel.limit_threads`, or the
variable OPENBLAS_NUM_THREADS). While they work, and in products in between, BLAS itself
is limited to one: OpenBLAS's own threads keep their cores busy for milliseconds while
they wait for more work, and ours would have to wait for them.

A limit applies to the whole process. `limit_lock` lets one Python thread at a time set
it, and `limits` holds those in force, so that none is mistaken for the user's choice.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from threadpoolctl import LibController, ThreadpoolController

from minidl.backend import Array

Result = TypeVar("Result")

# Below these sizes, waking a thread takes longer than its work.
FEW_NUMBERS = 2**16
FEW_PRODUCTS = 2**21

limit_lock = threading.RLock()
limits: "list[Limit]" = []  # those in force, of all Python threads
unlimited: list[int] = []  # each library's threads without them


class Limit:
    """A limit on BLAS and OpenMP, from now on or within a `with` block.

    Of several, nested or in several Python threads, the smallest counts. The last to
    end gives BLAS its threads back. OpenMP has a separate limit for each thread.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.thread = threading.get_ident()
        self.is_block = False
        blas()  # loads SciPy's too, which this limit wouldn't reach later
        openmp = ThreadpoolController().select(user_api="openmp")
        self.openmp = openmp.limit(limits=threads)
        self.begin()

    def __enter__(self) -> "Limit":
        self.is_block = True
        self.begin()
        return self

    def __exit__(self, *error: object) -> None:
        with limit_lock:
            limits.remove(self)
            apply_limits()
        self.openmp.restore_original_limits()

    def begin(self) -> None:
        """Put the limit into force, in place of this thread's earlier lasting one."""
        with limit_lock:
            limits[:] = [
                other
                for other in limits
                if other.is_block or other.thread != self.thread or other is self
            ]
            if not limits:
                unlimited[:] = [library.num_threads for library in libraries()]
            if self not in limits:
                limits.append(self)
            apply_limits()


def apply_limits() -> None:
    """Let BLAS have as many threads as the smallest limit allows."""
    for library, own in zip(libraries(), unlimited, strict=True):
        set_threads(library, min((limit.threads for limit in limits), default=own))


def set_threads(library: LibController, threads: int) -> None:
    """Set a library's threads, and let other Python threads do so afterwards.

    Since threadpoolctl 3.8, only the first Python thread to set them could otherwise.
    """
    clear = getattr(library, "clear_controlling_thread", lambda force: None)
    clear(force=True)
    library.set_num_threads(threads)
    clear(force=True)


def over_images(
    function: Callable[[slice], Result], N: int, at_least: int = 1
) -> list[Result]:
    """Return function(part) for consecutive parts of N images, one part per thread.

    N may count other things; a part with fewer than `at_least` isn't worth a thread.
    The results are in the order of the parts, so their sum has the same bits whichever
    thread ends first.
    """
    with limit_lock:
        alone = max((library.num_threads for library in libraries()), default=1) == 1
    if alone:
        return [function(slice(0, N))]
    with one_blas_thread() as allowed:
        threads = max(1, min(allowed, N // at_least))
        ends = [N * i // threads for i in range(threads + 1)]
        here, *there = map(slice, ends[:-1], ends[1:])
        others = [workers(threads - 1).submit(function, part) for part in there]
        first = function(here)  # this thread is awake already
        return [first, *(other.result() for other in others)]


def sum_over_images(function: Callable[[slice], Array], N: int) -> Array:
    """Return the sum of `over_images`, as for the gradient of shared parameters."""
    total, *others = over_images(function, N)
    for other in others:
        total += other
    return total


@contextmanager
def one_blas_thread() -> Iterator[int]:
    """Limit BLAS to the calling thread; yield how many threads it may use otherwise.

    (`Limit` would take 0.1 ms.)
    """
    with limit_lock:
        before = [library.num_threads for library in libraries()]
        for library in libraries():
            set_threads(library, 1)
        try:
            yield min(before, default=1)
        finally:
            for library, threads in zip(libraries(), before, strict=True):
                set_threads(library, threads)


def libraries() -> list[LibController]:
    """Return the BLAS libraries of this process that threadpoolctl knows."""
    return blas().lib_controllers


@cache
def blas() -> ThreadpoolController:
    """Return the handle of the BLAS libraries in this process, NumPy's and SciPy's."""
    import scipy.linalg.cython_blas  # noqa: F401, or a limit set now wouldn't reach it

    return ThreadpoolController().select(user_api="blas")


@cache
def workers(threads: int) -> ThreadPoolExecutor:
    """Return a pool of threads, made once."""
    return ThreadPoolExecutor(threads, thread_name_prefix="minidl")


def begin_anew() -> None:
    """Start over in a forked process, in which no thread is left to release a lock."""
    global limit_lock
    limit_lock = threading.RLock()
    workers.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=begin_anew)
