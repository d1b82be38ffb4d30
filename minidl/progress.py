"""Long work says how far it is: a bar in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def progress(items: Iterable[Item], total: int, label: str) -> Iterator[Item]:
    """Yield the items, reporting each on standard error once it was dealt with."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, desc=label, total=total)
        return
    start = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        seconds = time.monotonic() - start
        print(f"{label}: {done}/{total}, {seconds:.0f} s", file=sys.stderr, flush=True)
