"""Finished work is kept: what was interrupted goes on where it was.

Each piece's result is one JSON file, whose name covers all that decides its content.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TypeVar

from minidl.files import write_text
from minidl.parallel import run_jobs
from minidl.progress import progress
from tutorials.paper.schema import build

Work = TypeVar("Work")
Result = TypeVar("Result")


def read_kept(paths: Iterable[Path], kind: type[Result]) -> dict[Path, Result]:
    """Return the results on disk, which are dataclasses of one kind."""
    results = {}
    for path in paths:
        # A damaged file is one that isn't there: it is made and written again.
        with suppress(FileNotFoundError, ValueError):
            results[path] = build(kind, json.loads(path.read_text(encoding="utf-8")))
    return results


def keep(
    works: Mapping[Path, Work],
    function: Callable[[Work], Result],
    executor: Executor | None,
    unit: str,
) -> dict[Path, Result]:
    """Return function(work) of all works, each written to its path when it is finished.

    Results are dataclasses; `unit` is what the progress counts.
    """
    results = {}
    done = run_jobs(partial(carry_out, function), works.items(), executor)
    for path, result in progress(done, len(works), unit):
        write_text(path, json.dumps(asdict(result)))  # type: ignore[call-overload]
        results[path] = result
    return results


def carry_out(
    function: Callable[[Work], Result], item: tuple[Path, Work]
) -> tuple[Path, Result]:
    """Return a result with its place: results arrive in the order of finishing."""
    path, work = item
    return path, function(work)
