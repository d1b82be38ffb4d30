"""Ctrl-C and SIGTERM end a program, whatever it is doing."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from minidl.parallel.processes import signalled

AGAIN = 0.1  # seconds


class Terminated(KeyboardInterrupt):
    """Raised at SIGTERM, so that the process ends as it does after Ctrl-C."""


def terminate(*signal: object) -> NoReturn:
    """Handle SIGTERM."""
    raise Terminated


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM raise Terminated, as Ctrl-C raises KeyboardInterrupt.

    Python drops an exception that is raised in an object's `__del__`, as often happens
    while Numba compiles. The signal is then sent again.
    """
    before = sys.unraisablehook

    def again(dropped: Any) -> None:
        if not isinstance(dropped.exc_value, KeyboardInterrupt):
            return before(dropped)
        terminated = isinstance(dropped.exc_value, Terminated)
        number = signal.SIGTERM if terminated else signal.SIGINT
        return threading.Timer(AGAIN, os.kill, (os.getpid(), number)).start()

    sys.unraisablehook = again
    try:
        with signalled(signal.SIGTERM, terminate):
            yield
    finally:
        sys.unraisablehook = before
