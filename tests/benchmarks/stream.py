"""The stream triad, a = b + s c: how fast memory is, and a process that keeps it busy.

    python -m tests.benchmarks.stream CORE

streams on a core until its standard input ends, which it does when its parent ends,
however that comes. Source: McCalpin, STREAM, 1995, whose count of bytes this is: two
arrays read and one written (that a processor may read a line before it writes it isn't
counted).
"""

import itertools
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np

from minidl.backend import Array
from minidl.kernels.cpu.compile import jit
from tests.benchmarks.cores import pin
from tests.benchmarks.started import started

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
SMALLEST = 2**26  # bytes of an array, where caches are small or unknown


def cache_bytes() -> int:
    """Return the size of the last-level cache, 0 where the system doesn't tell."""
    sizes = [path.read_text().strip() for path in CACHES.glob("index*/size")]
    return 1024 * max((int(size.removesuffix("K")) for size in sizes), default=0)


def array_bytes() -> int:
    """Return the size of each of three arrays, twice the last-level cache at least."""
    return max(SMALLEST, 2 * cache_bytes())


def sizes() -> dict[str, float]:
    """Return both in MB (10^6 bytes)."""
    return {"array_mb": array_bytes() / 1e6, "cache_mb": cache_bytes() / 1e6}


def arrays() -> list[Array]:
    """Return a, b and c, in memory of their own."""
    return [np.ones(array_bytes() // 4, np.float32) for _ in range(3)]


@jit
def triad(a: Array, b: Array, c: Array, s: Any) -> None:
    """a = b + s c."""
    for i in range(a.size):
        a[i] = b[i] + s * c[i]


def gigabytes(a: Array) -> float:
    """Return what a triad moves, in 10^9 bytes."""
    return 3 * a.nbytes / 1e9


@contextmanager
def beside(core: int | None) -> Iterator[dict[str, Any]]:
    """Let a process stream on a core meanwhile; its rate is known afterwards."""
    about: dict[str, Any] = {}
    if core is None:
        yield about
        return
    with started("stream", core) as child:
        yield about
        child.process.stdin.close()
        about |= {"core": core, "gb_per_s": None}
        with suppress(ChildProcessError):  # it ended early
            about["gb_per_s"] = child.answer()


def main(core: int) -> None:
    """Stream until standard input ends; then write the rate."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and it this
    pin([core])
    (a, b, c), s = arrays(), np.float32(3)
    triad(a, b, c, s)
    print('"ready"', flush=True)
    ended = Event()
    Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    start = time.perf_counter()
    for passes in itertools.count(1):
        triad(a, b, c, s)
        if ended.is_set():
            rate = passes * gigabytes(a) / (time.perf_counter() - start)
            with suppress(BrokenPipeError):  # the parent was killed
                os.write(sys.stdout.fileno(), f"{rate}\n".encode())
            return


if __name__ == "__main__":
    main(int(sys.argv[1]))
