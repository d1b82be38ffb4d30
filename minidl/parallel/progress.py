"""Progress of long work: a bar in a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any, TypeVar

Item = TypeVar("Item")

BETWEEN_LOOKS = 1.0  # seconds, also until the first report
SECONDS_BETWEEN_LINES = 5.0


class Part:
    """The share of a worker's job that is done, within the sum over all workers."""

    total: Any = None  # shared with the parent process; None elsewhere
    share = 0.0

    def tell(self, share: float) -> None:
        """Tell the parent, which reports it together with finished jobs."""
        if self.total is not None:
            with self.total.get_lock():
                self.total.value += share - self.share
            self.share = share


part = Part()  # this process's


def progress(
    items: Iterable[Item],
    total: int,
    label: str,
    partly: Callable[[], float] = int,
) -> Iterator[Item]:
    """Yield the items, reporting on standard error how many are done."""
    with reported(total, label, partly) as done:
        for item in items:
            yield item
            done()


@contextmanager
def reported(
    total: int, label: str, partly: Callable[[], float] = int
) -> Iterator[Callable[[], object]]:
    """Yield a function to call after each item; report how many are done.

    `partly` returns how much is done of unfinished items, 0 by default. Work shorter
    than a second reports nothing. MINIDL_QUIET turns off all reports: in a saved
    notebook they would differ from run to run. A line that can't be written, because
    its reader is gone or the disk is full, doesn't stop the work.
    """
    if os.environ.get("MINIDL_QUIET") or sys.stderr is None:
        yield lambda: None
        return
    kind = Bar if sys.stderr.isatty() else Lines
    report, ended = kind(total, label, partly), Event()

    def watch() -> None:
        while not ended.wait(BETWEEN_LOOKS):
            report.look()

    (watching := Thread(target=watch, daemon=True)).start()
    try:
        yield report.add
    finally:
        ended.set()
        watching.join()
        report.end()


class Count:
    """How many items are done, in tenths, of those that are in work, too."""

    def __init__(self, total: int, label: str, partly: Callable[[], float]) -> None:
        self.total, self.label, self.partly = total, label, partly
        self.finished = 0
        self.most: float = 0

    @property
    def done(self) -> float:
        """The number of items that are done. It never falls."""
        now = min(self.finished + round(self.partly(), 1), self.total)
        self.most = max(self.most, now)
        return int(self.most) if self.most == int(self.most) else self.most  # not 3.0


class Bar(Count):
    """A bar in a terminal."""

    def __init__(self, *about: Any) -> None:
        from tqdm import tqdm

        super().__init__(*about)
        options = {"delay": BETWEEN_LOOKS, "leave": None}
        self.bar = tqdm(total=self.total, desc=self.label, **options)

    def add(self) -> None:
        """Count one more item; the bar is drawn anew if it is time."""
        self.finished += 1
        self.bar.n = self.done
        self.bar.update(0)

    def look(self) -> None:
        """Draw the bar, at least to show the time."""
        self.bar.n = self.done
        self.bar.refresh()

    def end(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()


class Lines(Count):
    """Lines that say how many items are done, the first after a second."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.start, self.written, self.shown = time.monotonic(), 0.0, 0.0

    def add(self) -> None:
        """Count one more item; write a line if one is due, or after the last item."""
        self.finished += 1
        if (self.finished == self.total and self.written) or self.due():
            self.write()

    def due(self) -> bool:
        """Return whether the latest line is old enough."""
        before = self.written or self.start
        return time.monotonic() >= before + SECONDS_BETWEEN_LINES

    def look(self) -> None:
        """Write the first line, or one that says that more of an item is done."""
        if not self.written or (self.done != self.shown and self.due()):
            self.write()

    def write(self) -> None:
        """Write a line."""
        self.written, self.shown = time.monotonic(), self.done
        seconds = f"{self.written - self.start:.0f} s"
        with suppress(OSError):
            line = f"{self.label}: {self.shown}/{self.total}, {seconds}"
            print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the lines as they are."""
