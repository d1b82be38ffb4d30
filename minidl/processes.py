"""Worker processes, which end when they are no longer needed."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

from minidl import kernels
from minidl.checks import check_count

Result = TypeVar("Result")

FAILED = 1  # the exit code of a process that raised an error, imports included
ALONE = "one worker needs no processes"


@contextmanager
def local_executor(workers: int) -> Iterator[Executor | None]:
    """Yield an executor of so many processes, or None for one: jobs then run here.

    Leaving it by an exception, Ctrl-C included, ends the processes at once, and so does
    the end of this one, however it comes. ImportError says what keeps them from
    starting: each begins by importing the script that runs here.
    """
    check_count("workers", workers)
    if workers == 1:
        yield None
        return
    check_importable()
    kernels.warm_up()  # else all processes would compile the same at the same time
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
    """Raise ImportError where workers couldn't import the script that runs here.

    A worker that comes here while it imports a script without a guard ends instead:
    its parent says why.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        sys.exit(FAILED)
    if getattr(sys.modules["__main__"], "__file__", None) == "<stdin>":
        raise ImportError(
            "worker processes import the script that starts them, and can't from "
            f"standard input: run it from a file; {ALONE}"
        )


class Processes(ProcessPoolExecutor):
    """Processes that end together, and that name a function they can't import."""

    def __init__(self, workers: int) -> None:
        # spawn, not fork: a fork copies locks that other threads of this process hold.
        spawn = multiprocessing.get_context("spawn")
        super().__init__(workers, spawn, initializer=begin)
        self.started: Sequence[BaseProcess] = ()
        self.sent: tuple[Any, bytes] = None, b""  # the latest function, pickled

    def submit(
        self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any
    ) -> Future[Result]:
        """Send a function as bytes, the same for all its jobs, and its arguments."""
        if self.sent[0] is not fn:
            self.sent = fn, bytes(ForkingPickler.dumps(fn))
        return super().submit(call_pickled, self.sent[1], *args, **kwargs)

    def start(self, workers: int) -> None:
        """Start all processes; ImportError if they can't import the script."""
        # Each task starts a process, which inherits that it ignores Ctrl-C: a terminal
        # sends it to all, but only the first is to react, and ends them.
        with signalled(signal.SIGINT, signal.SIG_IGN), deferred(signal.SIGTERM):
            tasks = [self.submit(int) for _ in range(workers)]
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
        """End all processes once one ends before its time.

        Killed while it sends a result, it leaves half of one. The pool would wait for
        the rest as long as anybody can write: the others, and this process itself.
        """
        writer = self._result_queue._writer  # type: ignore[attr-defined]

        def watch() -> None:
            ended = wait([process.sentinel for process in self.started])
            first = next(p for p in self.started if p.sentinel in ended)
            first.join()
            if first.exitcode != 0:  # else the pool has told it to end
                for process in self.started:
                    process.terminate()
                    process.join()
                with suppress(OSError):  # the pool may have closed it
                    writer.close()

        self.watch = threading.Thread(target=watch, daemon=True)
        self.watch.start()

    def terminate(self) -> None:
        """End all processes at once, whatever they are doing.

        A shutdown must follow at once. Else the pool finds itself broken first, and
        Python 3.11 fails to say so to futures that have been cancelled.
        """
        for process in self.started:
            process.terminate()


def call_pickled(pickled: bytes, *args: Any, **kwargs: Any) -> Any:
    """Call a function that was sent; ImportError if it isn't found here."""
    try:
        function = ForkingPickler.loads(pickled)
    except AttributeError as error:
        raise ImportError(
            "worker processes find functions only at the top of files, not of an "
            f'interactive session or below `if __name__ == "__main__":`: {error}'
        ) from None
    return function(*args, **kwargs)


def begin() -> None:
    """Begin as a worker: it ends with its parent, which alone reports progress."""
    os.environ["MINIDL_QUIET"] = "1"
    end_with_parent()


def end_with_parent() -> None:
    """End this worker when its parent ends: it would wait for its next job for ever."""
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
    """Let a signal have another effect within a block.

    Only the main thread may change that: elsewhere nothing happens.
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
    """Let a signal wait for a block's end: no process is left half started."""
    came: list[int] = []
    with signalled(number, lambda *signal: came.append(number)):
        yield
    if came:
        signal.raise_signal(number)
