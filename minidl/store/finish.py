"""Resuming interrupted work: finished results are read, the others are computed.

Training, evaluation and experiments keep their results with one function, `finish`,
each in its own files.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from minidl.parallel import as_executor, run_jobs
from minidl.parallel.progress import progress
from minidl.store import DamagedError
from minidl.store.files import check_writable, remove_leftovers

Work = TypeVar("Work")
Result = TypeVar("Result")


class Place(NamedTuple):
    """Where a result is kept (None: nowhere), and the key of all that determines it."""

    path: Path | None
    key: Any  # a string, or another value that only equal work has


def finish(
    works: Mapping[Place, Work],
    make: Callable[[Work], Result],
    read: Callable[[Path, Any], Result],
    write: Callable[[Path, Result, Any], None],
    executor: Executor | int | None = None,
    unit: str = "results",
    fresh: bool = False,
) -> Iterator[tuple[Place, Result]]:
    """Yield each work's result with its place, finished results first.

    `make` computes the others, or with `fresh` all: on an executor, in a number of
    processes (it must be picklable then), or here. This process writes each result as
    soon as it arrives. `unit` names what the progress counts. If works fail, the others
    are finished before the first error is raised. Raises OSError, before any work, for
    a folder that can't be written to, and ValueError for different works in one file.
    """
    check_own_files(works)
    missing = dict(works)
    for place, result in () if fresh else finished(works, read):
        del missing[place]
        yield place, result
    for folder in folders(missing):
        check_writable("folder", folder)
    with as_executor(executor, len(missing)) as chosen:
        made = run_jobs(partial(make_one, make), missing.items(), chosen)
        partly = getattr(chosen, "partly_done", int)
        for place, result in progress(made, len(missing), unit, partly):
            if place.path is not None:
                write(place.path, result, place.key)
            yield place, result


def finished(
    places: Iterable[Place], read: Callable[[Path, Any], Result]
) -> Iterator[tuple[Place, Result]]:
    """Yield each kept, undamaged result; remove what killed writers left behind.

    A file that `read` refuses by DamagedError is missing, so its work is done again.
    """
    places = list(places)
    for folder in folders(places):
        remove_leftovers(folder)
    for place in places:
        if place.path is not None:
            try:
                result = read(place.path, place.key)
            except (FileNotFoundError, DamagedError):
                continue
            yield place, result


def check_own_files(places: Iterable[Place]) -> None:
    """Raise ValueError if different works are to be kept in one file."""
    keys: dict[Path, Any] = {}
    for path, key in places:
        if path is not None and keys.setdefault(path, key) != key:
            raise ValueError(f"{path} can't keep two results, {keys[path]} and {key}")


def folders(places: Iterable[Place]) -> set[Path]:
    """Return the folders in which results are kept."""
    return {place.path.parent for place in places if place.path is not None}


def make_one(
    make: Callable[[Work], Result], item: tuple[Place, Work]
) -> tuple[Place, Result]:
    """Return a result with its place, because results arrive in any order."""
    place, work = item
    return place, make(work)
