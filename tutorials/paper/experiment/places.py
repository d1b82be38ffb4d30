"""Where an experiment is carried out, and by what: its numbers don't depend on it."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from minidl.backend import Device
from minidl.parallel import local_executor
from minidl.parallel.cluster import dask_executor
from minidl.store.files import alone

FRESH = "a command with --fresh"


@dataclass(frozen=True)
class Places:
    """Folders, processes and device."""

    results: Path
    runs: Path
    jobs: int
    fresh: bool = False  # repeat finished training and attacks
    dask: str | None = None  # a scheduler's address: its workers instead of processes
    device: Device = "cpu"  # or "gpu"


@contextmanager
def workers(places: Places) -> Iterator[tuple[Executor | None, int]]:
    """Yield the executor of the jobs, and how many it runs at a time.

    Raises BlockingIOError if another command with --fresh works in the same folder:
    each would remove the other's finished work.
    """
    with alone(places.runs, FRESH) if places.fresh else nullcontext():
        if places.dask is not None:
            with dask_executor(places.dask, places.runs) as found:
                yield found
        else:
            with local_executor(places.jobs) as executor:
                yield executor, places.jobs
