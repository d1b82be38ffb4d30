"""Limits on a learner's code: its time and its output."""

import ctypes
import io
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import redirect_stderr, redirect_stdout
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")
SECONDS = 10.0
SHOWN = 200  # characters of the output


class OutOfTime(BaseException):
    """The time is up."""


class Head(io.StringIO):
    """A text that keeps only its beginning, and counts the rest."""

    rest = 0

    def write(self, text: str, /) -> int:
        """Keep the part that still fits."""
        kept = text[: SHOWN - self.tell()]
        self.rest += len(text) - len(kept)
        super().write(kept)
        return len(text)

    def shortened(self) -> str:
        """Return the beginning in one line, and the number of characters left out."""
        more = f" ... ({self.rest} more characters)" if self.rest else ""
        return " | ".join(self.getvalue().split("\n")).strip(" |") + more


def limited(
    work: Callable[[], Result], seconds: float | None = None
) -> tuple[Result, str]:
    """Return the result of work, and the beginning of its output.

    Raises OutOfTime after `seconds`, by default SECONDS. Work is then stopped as soon
    as it returns from compiled code.
    """
    printed, outcome = Head(), Future[Result]()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    thread, keyboard = Thread(target=run, daemon=True), sys.stdin
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            sys.stdin = io.StringIO()  # exit() closes it
            thread.start()
            thread.join(SECONDS if seconds is None else seconds)
        finally:  # also after Ctrl-C
            stop(thread)
            sys.stdin = keyboard
    if not outcome.done():
        raise OutOfTime
    return outcome.result(), printed.shortened()


def stop(thread: Thread) -> None:
    """Raise OutOfTime inside a thread, again if the thread goes on regardless."""
    for _ in range(10):
        if not thread.is_alive():
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(OutOfTime)
        )
        thread.join(0.1)
