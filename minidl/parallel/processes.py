"""Worker processes, which end when they are no longer needed."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

from minidl import kernels
from minidl.checks import check_count
from minidl.parallel.progress import part

Result = TypeVar("Result")

FAILED = 1  # the exit code of a process that raised an error, imports included
ALONE = "one worker needs no processes"


@contextmanager
def local_executor(workers: int) -> Iterator[Executor | None]:
    """Yield an executor of `workers` processes; None for one, whose jobs run here.

    An exception in the block, Ctrl-C included, ends the processes at once, and so does
    the end of this process, however it comes. Raises ImportError, with the reason, if
    they can't start: each begins by importing the script that runs here.
    """
    check_count("workers", workers)
    if workers == 1:
        yield None
        return
    check_importable()
    kernels.warm_up()  # else all processes would compile the same kernels
    pool = Processes(workers)
    try:
        pool.start(workers)
        yield pool
    except BaseException:
        pool.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def check_importable() -> None:
    """Raise ImportError if workers couldn't import the script that runs here.

    A worker that gets here while it imports a script without a guard exits instead; its
    parent says why.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        sys.exit(FAILED)
    if getattr(sys.modules["__main__"], "__file__", None) == "<stdin>":
        raise ImportError(
            "worker processes import the script that starts them, and can't from "
            f"standard input: run it from a file; {ALONE}"
        )


class Processes(ProcessPoolExecutor):
    """Processes that end together, and name a function that they can't import."""

    def __init__(self, workers: int) -> None:
        # spawn, not fork: a fork copies locks that other threads of this process hold.
        spawn = multiprocessing.get_context("spawn")
        self.shares = spawn.Value("d", 0.0)  # of all jobs in work, added up
        super().__init__(workers, spawn, initializer=begin, initargs=(self.shares,))
        self.started: Sequence[BaseProcess] = ()
        self.sent: tuple[Any, bytes] = None, b""  # the latest function, pickled

    def submit(
        self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any
    ) -> Future[Result]:
        """Send a function, pickled once for all its jobs, and its arguments."""
        if self.sent[0] is not fn:
            self.sent = fn, bytes(ForkingPickler.dumps(fn))
        return super().submit(call_pickled, self.sent[1], *args, **kwargs)

    def start(self, workers: int) -> None:
        """Start all processes; ImportError if they can't import the script."""
        # Each task starts a process, which inherits that it ignores Ctrl-C. A terminal
        # sends it to all processes, but only this one should react, and ends the rest.
        with signalled(signal.SIGINT, signal.SIG_IGN), deferred(signal.SIGTERM):
            tasks = []
            while len(self._processes) < workers:  # an idle process may take one
                tasks.append(self.submit(int))
            self.started = [*self._processes.values()]
            self.end_together()
        try:
            for task in tasks:
                task.result()
        except BrokenProcessPool:
            self.terminate()
            self.watch.join()
            if all(process.exitcode != FAILED for process in self.started):
                raise  # they were killed
            raise ImportError(
                "worker processes couldn't start: they import the script that starts "
                'them, whose work must stand below `if __name__ == "__main__":`; '
                f"{ALONE}"
            ) from None

    def end_together(self) -> None:
        """End all processes as soon as one ends prematurely.

        A process killed while it sends a result leaves half of it. The pool would wait
        for the rest as long as another process, this one included, could write it.
        """
        self._result_queue._writer.close()  # type: ignore[attr-defined]

        def watch() -> None:
            ended = wait([process.sentinel for process in self.started])
            first = next(p for p in self.started if p.sentinel in ended)
            while first.exitcode is None:  # the pool's thread is about to note it
                time.sleep(0.01)
            if first.exitcode != 0:  # 0: the pool told it to end
                for process in self.started:
                    process.terminate()
                    process.join()

        self.watch = threading.Thread(target=watch, daemon=True)
        self.watch.start()

    def partly_done(self) -> float:
        """Return how much is done of the jobs in work, each of which counts as 1."""
        shares: float = (
            self.shares.get_obj().value
        )  # a killed process may have locked it
        return shares

    def terminate(self) -> None:
        """End all processes at once, whatever they are doing.

        A shutdown must follow at once. Otherwise the pool first notices that it is
        broken, and Python 3.11 fails when it tells this to cancelled futures.
        """
        for process in self.started:
            process.terminate()


def call_pickled(pickled: bytes, *args: Any, **kwargs: Any) -> Any:
    """Call a pickled function; ImportError if it isn't found here."""
    try:
        function = ForkingPickler.loads(pickled)
    except AttributeError as error:
        raise ImportError(
            "worker processes find functions only at the top of files, not of an "
            f'interactive session or below `if __name__ == "__main__":`: {error}'
        ) from None
    try:
        return function(*args, **kwargs)
    finally:
        part.tell(0)  # the parent counts it as finished


def begin(shares: Any) -> None:
    """Initialise a worker: it ends with its parent, which reports its progress."""
    os.environ["MINIDL_QUIET"] = "1"
    part.total = shares
    end_with_parent()


def end_with_parent() -> None:
    """End this worker with its parent; else it would wait for a next job for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        end_after(parent.join)


def end_after(wait: Callable[[], object]) -> None:
    """End this process when a function returns, even while it computes."""

    def watch() -> None:
        wait()
        os._exit(FAILED)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def signalled(number: int, action: Any) -> Iterator[None]:
    """Handle a signal in another way within a block.

    Only the main thread may change the handler; in other threads nothing happens.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, action)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextmanager
def deferred(number: int) -> Iterator[None]:
    """Defer a signal to a block's end, so that no process is left half started."""
    came: list[int] = []
    with signalled(number, lambda *signal: came.append(number)):
        yield
    if came:
        signal.raise_signal(number)
