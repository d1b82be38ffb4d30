"""Progress of long work: a bar in a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TypeVar

Item = TypeVar("Item")

FIRST = 1.0  # seconds until the first report
SECONDS_BETWEEN_LINES = 5.0


def progress(items: Iterable[Item], total: int, label: str) -> Iterator[Item]:
    """Yield the items, reporting on standard error how many are done."""
    with reported(total, label) as done:
        for item in items:
            yield item
            done()


@contextmanager
def reported(total: int, label: str) -> Iterator[Callable[[], object]]:
    """Yield a function to call after each item; report how many are done.

    Work shorter than a second reports nothing. MINIDL_QUIET turns off all reports: in a
    saved notebook they would differ from run to run. A line that can't be written,
    because its reader is gone or the disk is full, doesn't stop the work.
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
    """Lines that say how many items are done, the first after a second."""

    def __init__(self, total: int, label: str) -> None:
        self.total, self.label, self.done = total, label, 0
        self.start, self.written = time.monotonic(), 0.0

    def add(self) -> None:
        """Count one more item; write a line if one is due, or after the last item."""
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
