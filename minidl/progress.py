"""Long work says how far it is: a bar in a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TypeVar

Item = TypeVar("Item")

FIRST = 1.0  # seconds after which one wants to know that something happens
SECONDS_BETWEEN_LINES = 5.0


def progress(items: Iterable[Item], total: int, label: str) -> Iterator[Item]:
    """Yield the items, reporting on standard error how many were dealt with."""
    with reported(total, label) as done:
        for item in items:
            yield item
            done()


@contextmanager
def reported(total: int, label: str) -> Iterator[Callable[[], object]]:
    """Yield a function to be called whenever one more is done; report how many are.

    Work of a second needs no lines, and MINIDL_QUIET forbids them all: in a notebook
    that is kept they would differ from run to run. A line that can't be written, for
    want of a reader or of room, stops no work.
    """
    if os.environ.get("MINIDL_QUIET") or sys.stderr is None:
        yield lambda: None
    elif sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(total=total, desc=label, delay=FIRST, leave=None) as bar:
            yield bar.update
    else:
        lines = Lines(total, label)
        first = Timer(FIRST, lines.write)  # even if the first item takes longer
        first.daemon = True
        first.start()
        try:
            yield lines.add
        finally:
            first.cancel()


class Lines:
    """Lines that say how many are done: after a second, then every few seconds."""

    def __init__(self, total: int, label: str) -> None:
        self.total, self.label, self.done = total, label, 0
        self.start, self.written = time.monotonic(), 0.0

    def add(self) -> None:
        """Count one more; write a line if it is time, or if it is the last of many."""
        self.done += 1
        last = self.done == self.total and self.written
        due = (self.written or self.start) + SECONDS_BETWEEN_LINES
        if last or time.monotonic() >= due:
            self.write()

    def write(self) -> None:
        """Write a line."""
        self.written = time.monotonic()
        line = (
            f"{self.label}: {self.done}/{self.total}, {self.written - self.start:.0f} s"
        )
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)
