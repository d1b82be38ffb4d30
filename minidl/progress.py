"""Long work says how far it is: a bar in a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")

SECONDS_BETWEEN_LINES = 5.0


def progress(items: Iterable[Item], total: int, label: str) -> Iterator[Item]:
    """Yield the items, reporting on standard error how many were dealt with.

    Work of a few seconds needs no lines, and MINIDL_QUIET forbids them all: in a
    notebook that is kept they would differ from run to run. A line that can't be
    written, for want of a reader or of room, stops no work.
    """
    if os.environ.get("MINIDL_QUIET") or sys.stderr is None:
        yield from items
        return
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, desc=label, total=total)
        return
    start = reported = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        last = start if done == total else reported
        if now - last >= SECONDS_BETWEEN_LINES:
            reported = now
            line = f"{label}: {done}/{total}, {now - start:.0f} s"
            with suppress(OSError):
                print(line, file=sys.stderr, flush=True)
