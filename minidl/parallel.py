"""Independent jobs on all cores: one process a job, one thread a process.

That is the fastest way to train the members of an ensemble, and the way to equal bits:
BLAS sums in another order with another number of threads, so a result that doesn't
depend on the number of workers needs a fixed number of threads in each.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from minidl import kernels
from minidl.checks import check_count

Job = TypeVar("Job")
Result = TypeVar("Result")


def limit_threads(threads: int = 1) -> Any:
    """Limit BLAS to a number of threads, from now on or as a context manager.

    The limit is the process's, whichever of its threads sets it; of several at a time
    the smallest counts. A limit from now on replaces the same thread's earlier one.
    """
    from minidl.kernels.threads import Limit  # here, so that import minidl stays fast

    check_count("threads", threads)
    return Limit(threads)


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def local_executor(workers: int) -> Iterator[Executor | None]:
    """Yield an executor of so many processes, or None for one: jobs then run here.

    Leaving it by an exception, Ctrl-C included, ends the processes at once.
    """
    check_count("workers", workers)
    if workers == 1:
        yield None
        return
    kernels.warm_up()  # else all processes would compile the same at the same time
    # spawn, not fork: a fork copies locks that other threads of this process hold.
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=limit_threads
    )
    with ctrl_c_ignored():
        for _ in range(workers):  # each starts a process, which inherits this
            pool.submit(int)
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def ctrl_c_ignored() -> Iterator[None]:
    """Ignore Ctrl-C here, and for good in processes that are started meanwhile.

    A terminal sends it to all processes: only the first is to react, and ends them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may change signals
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    executor: Executor | None = None,
) -> Iterator[Result]:
    """Yield function(job) for all jobs, in the order in which they finish.

    Any `concurrent.futures.Executor` will do; None runs them here. Each job has one
    thread of BLAS wherever it runs: on more, its bits would depend on their number.
    If jobs fail, the others are finished and yielded before the first error is raised.
    """
    errors: list[Exception] = []
    for outcome in outcomes(partial(on_one_thread, function), jobs, executor):
        try:
            result = outcome()
        except Exception as error:
            errors.append(error)
        else:
            yield result
    if errors:
        raise errors[0]


def on_one_thread(function: Callable[[Job], Result], job: Job) -> Result:
    """Return function(job), computed with one thread of BLAS."""
    with limit_threads(1):
        return function(job)


def outcomes(
    function: Callable[[Job], Result], jobs: Iterable[Job], executor: Executor | None
) -> Iterator[Callable[[], Result]]:
    """Yield for each job a function that returns its result or raises its error."""
    if executor is None:
        for job in jobs:
            yield partial(function, job)
        return
    futures = [executor.submit(function, job) for job in jobs]
    try:
        for future in as_completed(futures):
            yield future.result
    finally:
        for future in futures:
            future.cancel()
