"""Independent jobs on all cores: one process per job, one thread per process.

This is the fastest way to train the members of an ensemble, and it gives equal bits for
any number of workers: with another number of threads, BLAS would sum in another order,
so each worker has a fixed number.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, as_completed
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

from minidl.checks import check_count
from minidl.parallel.processes import local_executor

__all__ = [
    "as_executor",
    "available_cores",
    "limit_threads",
    "local_executor",
    "run_jobs",
]

Job = TypeVar("Job")
Result = TypeVar("Result")


def limit_threads(threads: int = 1) -> Any:
    """Limit BLAS to a number of threads, from now on or as a context manager.

    The limit holds for the whole process, whichever thread sets it, and the smallest of
    several counts. A limit from now on replaces the same thread's earlier one.
    """
    from minidl.kernels.cpu.threads import Limit  # here: import minidl stays fast

    check_count("threads", threads)
    return Limit(threads)


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    executor: Executor | None = None,
) -> Iterator[Result]:
    """Yield function(job) for all jobs, in the order in which they finish.

    Any `concurrent.futures.Executor` will do; None runs them here. Each job has one
    thread of BLAS wherever it runs; with more, its bits would depend on their number.
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


def as_executor(
    executor: Executor | int | None, jobs: int
) -> AbstractContextManager[Executor | None]:
    """Return a context manager of an executor for a number of jobs.

    A number stands for as many processes on this machine, but at most one per job.
    """
    if isinstance(executor, int):
        return local_executor(min(executor, max(1, jobs)))
    return nullcontext(executor)


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
