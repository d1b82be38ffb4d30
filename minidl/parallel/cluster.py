"""Jobs on the workers of a Dask cluster, on as many machines as it has.

Dask's executor replaces this machine's processes; the functions are the same, and the
bits, too. For equal bits, each worker needs the same versions, one thread, and the
folder in which trained members are kept. Workers are checked before any work is sent,
and again before each job, because more may join later. If a worker dies, Dask gives its
job to another.
"""

import platform
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from minidl import kernels
from minidl.store.files import lock, remove_leftovers, temporary_name

SECONDS = 10  # to wait for the scheduler, and for a first worker
PACKAGES = ("minidl", "numpy", "numba", "scipy")
Result = TypeVar("Result")


@contextmanager
def dask_executor(address: str, folder: Path) -> Iterator[tuple[Executor, int]]:
    """Yield an executor of a cluster's workers, and how many there are now.

    `address` is the scheduler's, tcp://host:port. Raises ModuleNotFoundError without
    Dask, OSError if no scheduler or worker answers, ValueError for a bad address and
    for a worker with other versions, several threads or without `folder`, and
    BrokenExecutor if the scheduler dies or a job kills its workers.
    """
    check_address(address)
    try:
        from distributed import Client, KilledWorker
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "Dask is missing: pip install 'minidl[distributed]'"
        ) from None
    connect: Any = Client  # it has no types
    with (
        connect(address, timeout=SECONDS, set_as_default=False) as client,
        marker_in(folder) as marker,
    ):
        wanted = Wanted(versions(), str(marker))
        wait_for_worker(client, address)
        on_workers(client, wanted.check)
        # One per machine: its other workers load from the cache on disk.
        hosts = one_a_host(client.nthreads())
        on_workers(client, kernels.warm_up, workers=hosts)
        wait_for_worker(client, address)
        jobs = CheckedExecutor(client.get_executor(pure=False), wanted)
        try:
            yield jobs, len(client.nthreads())
        except CancelledError:
            raise BrokenExecutor(f"the scheduler at {address} is lost") from None
        except KilledWorker as error:
            raise BrokenExecutor(f"the cluster at {address}: {error}") from None


def check_address(address: str) -> None:
    """Raise ValueError unless an address could be a scheduler's."""
    try:
        parts = urlsplit(address)
        if parts.scheme == "inproc" or (parts.scheme and parts.hostname and parts.port):
            return
    except ValueError:  # a port that isn't a number
        pass
    raise ValueError(f"address must be like tcp://host:port, got {address!r}")


@contextmanager
def marker_in(folder: Path) -> Iterator[Path]:
    """Yield a temporary file, visible only to workers that share the folder."""
    remove_leftovers(folder)  # of killed processes: nobody holds their locks any more
    path = temporary_name(folder / "visible")
    try:
        with open(path, "xb") as file:
            with suppress(OSError):  # some file systems have no locks
                lock(file)
            yield path
    finally:
        path.unlink(missing_ok=True)


def wait_for_worker(client: Any, address: str) -> None:
    """Raise OSError unless a worker is there or comes in time."""
    try:
        client.wait_for_workers(1, timeout=SECONDS)
    except TimeoutError:
        raise OSError(f"the scheduler at {address} has no workers") from None


def on_workers(
    client: Any, function: Callable[..., None], *args: Any, **which: Any
) -> None:
    """Call a function on workers, and go on without those that die in it."""
    found = client.run(function, *args, on_error="return", **which)
    lost = set()
    for worker, answer in found.items():
        if isinstance(answer, OSError):
            died = f"worker {worker} died before its first job ({answer})"
            warnings.warn(f"{died}: the others go on without it", stacklevel=2)
            lost.add(worker)
        elif answer is not None:
            raise answer
    # The scheduler may notice a moment later; until then, it would still count them.
    end = time.monotonic() + SECONDS
    while lost & client.nthreads().keys() and time.monotonic() < end:
        time.sleep(0.05)


@dataclass(frozen=True)
class Wanted:
    """What each worker needs for equal bits."""

    versions: Mapping[str, str]
    marker: str  # a file in the folder, visible to all

    def check(self, dask_worker: Any) -> None:
        """Raise ValueError unless the worker on which this runs gives equal bits.

        Dask fills in a parameter named `dask_worker`.
        """
        worker, threads = dask_worker.address, dask_worker.state.nthreads
        for package, has in versions().items():
            asked = self.versions[package]
            if has != asked:
                raise ValueError(
                    f"worker {worker} has {package} {has}, asked for {asked}: equal "
                    "numbers need equal versions"
                )
        if threads != 1:
            raise ValueError(
                f"worker {worker} has {threads} threads, whose jobs would share the "
                "networks that it keeps: start workers with --nthreads 1"
            )
        marker = Path(self.marker)
        if not marker.exists():
            raise ValueError(
                f"worker {worker} doesn't see the folder {marker.parent}: --runs must "
                "be on a file system that all machines share"
            )

    def call(
        self, function: Callable[..., Result], *args: Any, **kwargs: Any
    ) -> Result:
        """Check the worker, then return function(...); runs there, as a job."""
        from distributed import get_worker

        find: Any = get_worker  # it has no types
        self.check(find())
        return function(*args, **kwargs)


class CheckedExecutor(Executor):
    """An executor whose workers are checked again before each job."""

    def __init__(self, executor: Executor, wanted: Wanted) -> None:
        self.executor, self.wanted = executor, wanted

    def submit(
        self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any
    ) -> Future[Result]:
        """Send a job to a worker, which is checked before it begins."""
        return self.executor.submit(self.wanted.call, fn, *args, **kwargs)


def versions() -> dict[str, str]:
    """Return this process's versions of everything that rounds."""
    found = {package: version(package) for package in PACKAGES}
    return found | {"python": platform.python_version()}


def one_a_host(workers: Mapping[str, Any]) -> list[str]:
    """Return one worker's address, tcp://host:port, for each host."""
    return list({worker.rpartition(":")[0]: worker for worker in workers}.values())
