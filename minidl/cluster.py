"""Jobs on the workers of a Dask cluster, on as many machines as it has.

Dask's executor takes the place of this machine's processes: the same functions, the
same bits. Before any work is sent, each worker is asked for what equal bits need: the
same versions, one job at a time, and the folder in which trained members are kept.
A worker that dies is no loss: Dask gives its job to another.
"""

import platform
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from minidl import kernels

SECONDS = 10  # to wait for the scheduler, and for a first worker
PACKAGES = ("minidl", "numpy", "numba", "scipy")


@contextmanager
def dask_executor(address: str, folder: Path) -> Iterator[tuple[Executor, int]]:
    """Yield an executor of a cluster's workers, and how many they are.

    `address` is the scheduler's, tcp://host:port. Raises ModuleNotFoundError without
    Dask, OSError if no scheduler or worker answers, and ValueError for what is no
    address, and for a worker with other versions, with several threads or without
    `folder`.
    """
    if "://" not in address:
        raise ValueError(f"address must be like tcp://host:port, got {address!r}")
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "Dask is missing: pip install 'minidl[distributed]'"
        ) from None
    connect: Any = Client  # it has no types
    with connect(address, timeout=SECONDS, set_as_default=False) as client:
        try:
            client.wait_for_workers(1, timeout=SECONDS)
        except TimeoutError:
            raise OSError(f"the scheduler at {address} has no workers") from None
        with NamedTemporaryFile(dir=folder, prefix=".visible-") as marker:
            check_workers(client.run(describe_worker, marker.name), folder)
        check_threads(client.nthreads())
        # One a machine: its other workers load from the cache on disk.
        client.run(kernels.warm_up, workers=one_a_host(client.nthreads()))
        yield client.get_executor(pure=False), len(client.nthreads())


def describe_worker(marker: str) -> dict[str, Any]:
    """Return a worker's versions, and whether it sees a file; runs there."""
    versions = {package: version(package) for package in PACKAGES}
    versions["python"] = platform.python_version()
    return {"versions": versions, "sees": Path(marker).exists()}


def check_workers(found: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """Raise ValueError unless all workers are like this process and see the folder."""
    here = describe_worker("")["versions"]
    for worker, answer in found.items():
        for package, wanted in here.items():
            has = answer["versions"][package]
            if has != wanted:
                raise ValueError(
                    f"worker {worker} has {package} {has}, here it is {wanted}: equal "
                    "numbers need equal versions"
                )
        if not answer["sees"]:
            raise ValueError(
                f"worker {worker} doesn't see the folder {folder.resolve()}: --runs "
                "must be on a file system that all machines share"
            )


def check_threads(threads: Mapping[str, int]) -> None:
    """Raise ValueError unless each worker does one job at a time."""
    for worker, number in threads.items():
        if number != 1:
            raise ValueError(
                f"worker {worker} has {number} threads, whose jobs would share one "
                "limit of BLAS threads: start workers with --nthreads 1"
            )


def one_a_host(workers: Mapping[str, Any]) -> list[str]:
    """Return one worker's address, tcp://host:port, of each host."""
    return list({worker.rpartition(":")[0]: worker for worker in workers}.values())
