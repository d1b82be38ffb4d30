"""The stream triad, a = b + s c: the speed of memory, and a process that keeps it busy.

    python -m tests.benchmarks.stream CORE

streams on a core until its standard input ends, as it does whenever the parent ends.
Source: McCalpin, STREAM, 1995. Its count of bytes is used here: two arrays are read and
one is written. (A processor may read a line before it writes to it; these reads aren't
counted.)
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
    """Return the size of the last-level cache, 0 where it is unknown."""
    sizes = [path.read_text().strip() for path in CACHES.glob("index*/size")]
    return 1024 * max((int(size.removesuffix("K")) for size in sizes), default=0)


def array_bytes() -> int:
    """Return the size of each of three arrays, at least twice the last-level cache."""
    return max(SMALLEST, 2 * cache_bytes())


def sizes() -> dict[str, float]:
    """Return both sizes in MB (10^6 bytes)."""
    return {"array_mb": array_bytes() / 1e6, "cache_mb": cache_bytes() / 1e6}


def arrays() -> list[Array]:
    """Return the arrays a, b and c."""
    return [np.ones(array_bytes() // 4, np.float32) for _ in range(3)]


@jit
def triad(a: Array, b: Array, c: Array, s: Any) -> None:
    """a = b + s c."""
    for i in range(a.size):
        a[i] = b[i] + s * c[i]


def gigabytes(a: Array) -> float:
    """Return the 10^9 bytes that a triad moves."""
    return 3 * a.nbytes / 1e9


@contextmanager
def beside(core: int | None) -> Iterator[dict[str, Any]]:
    """Let a process stream on a core meanwhile; yield its rate, set at the end."""
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it after Ctrl-C
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
