"""Finished work is kept: what was interrupted goes on where it was.

Each piece's result is one JSON file with the key of all that decides its content.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from minidl.files import remove_leftovers
from minidl.parallel import run_jobs
from minidl.progress import progress
from minidl.schema import read_as
from minidl.store import write_json

Work = TypeVar("Work")
Result = TypeVar("Result")


class Place(NamedTuple):
    """Where a piece's result is kept, and the key of what makes it."""

    path: Path
    key: str


def read_kept(places: Iterable[Place], kind: type[Result]) -> dict[Place, Result]:
    """Return the results on disk, which are dataclasses of one kind."""
    results, places = {}, list(places)
    for folder in {place.path.parent for place in places}:
        remove_leftovers(folder)
    for place in places:
        # A damaged file is one that isn't there: it is made and written again.
        with suppress(FileNotFoundError, ValueError):
            results[place] = read_as(kind, *place)
    return results


def keep(
    works: Mapping[Place, Work],
    function: Callable[[Work], Result],
    executor: Executor | None,
    unit: str,
) -> dict[Place, Result]:
    """Return function(work) of all works, each written to its place when it is done.

    Results are dataclasses; `unit` is what the progress counts.
    """
    results = {}
    done = run_jobs(partial(carry_out, function), works.items(), executor)
    for place, result in progress(done, len(works), unit):
        write_json(place.path, result, place.key)
        results[place] = result
    return results


def carry_out(
    function: Callable[[Work], Result], item: tuple[Place, Work]
) -> tuple[Place, Result]:
    """Return a result with its place: results arrive in the order of finishing."""
    place, work = item
    return place, function(work)
