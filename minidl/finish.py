"""Work that was interrupted goes on: what is finished is found, the rest is made.

Trainings, evaluations and experiments keep their work by one function, in whatever
files they read and write.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from minidl.files import check_writable, remove_leftovers
from minidl.parallel import as_executor, run_jobs
from minidl.progress import progress
from minidl.store import DamagedError

Work = TypeVar("Work")
Result = TypeVar("Result")


class Place(NamedTuple):
    """Where a result is kept, None for nowhere, and the key of all that decides it."""

    path: Path | None
    key: Any  # a text, or another value that equal work alone has


def finish(
    works: Mapping[Place, Work],
    make: Callable[[Work], Result],
    read: Callable[[Path, Any], Result],
    write: Callable[[Path, Result, Any], None],
    executor: Executor | int | None = None,
    unit: str = "results",
    fresh: bool = False,
) -> Iterator[tuple[Place, Result]]:
    """Yield each work's result with its place: first those that are finished.

    The others, or with `fresh` all, are made by any executor, by so many processes
    (`make` is picklable then), or here; this process writes each result as soon as it
    arrives. `unit` is what the progress counts. If works fail, the others are finished
    before the first error is raised. Raises OSError, before any work, for a folder that
    can't be written.
    """
    missing = dict(works)
    for place, result in () if fresh else finished(works, read):
        del missing[place]
        yield place, result
    for folder in folders(missing):
        check_writable("folder", folder)
    with as_executor(executor, len(missing)) as chosen:
        made = run_jobs(partial(make_one, make), missing.items(), chosen)
        for place, result in progress(made, len(missing), unit):
            if place.path is not None:
                write(place.path, result, place.key)
            yield place, result


def finished(
    places: Iterable[Place], read: Callable[[Path, Any], Result]
) -> Iterator[tuple[Place, Result]]:
    """Yield what is kept and whole, one by one, and remove what killed writers left.

    A file that `read` refuses by DamagedError is missing: its work is done again.
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


def folders(places: Iterable[Place]) -> set[Path]:
    """Return the folders in which results are kept."""
    return {place.path.parent for place in places if place.path is not None}


def make_one(
    make: Callable[[Work], Result], item: tuple[Place, Work]
) -> tuple[Place, Result]:
    """Return a result with its place: results arrive in the order of finishing."""
    place, work = item
    return place, make(work)
