"""Finished work is kept: an experiment that was interrupted goes on where it was.

Experiments share work, too: what one has found about a block of images, another one
takes from the folder. The file's name covers all that decides its content, the
members' checksums included.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from minidl.files import write_text
from minidl.parallel import local_executor, run_jobs
from minidl.progress import progress
from tutorials.anomaly.cases import Team
from tutorials.paper.schema import build

Result = TypeVar("Result")


def finish(
    works: Sequence[Any],
    function: Callable[[Any, Team], Result],
    kind: type[Result],
    team: Team,
    jobs: int,
    fresh: bool = False,
) -> list[Result]:
    """Return function(work, team) of all works in their order, kept or found now.

    Works and results are dataclasses; `kind` is that of the results. `jobs` processes
    do what is missing; with `fresh`, all of it.
    """
    paths = [path_of(work, team) for work in works]
    results = {} if fresh else read_kept(paths, kind)
    if results:
        print(f"{len(results)} of {len(works)} parts found in {paths[0].parent}")
    missing = dict(zip(paths, works, strict=True))
    missing = {path: work for path, work in missing.items() if path not in results}
    with local_executor(min(jobs, max(1, len(missing)))) as executor:
        do = partial(do_one, function=function, team=team)
        done = run_jobs(do, missing.items(), executor)
        for path, result in progress(done, len(missing), "parts"):
            write_text(path, json.dumps(asdict(result)))  # type: ignore[call-overload]
            results[path] = result
    return [results[path] for path in paths]


def do_one(
    item: tuple[Path, Any], function: Callable[[Any, Team], Result], team: Team
) -> tuple[Path, Result]:
    """Return a result with its place: results arrive in the order of finishing."""
    path, work = item
    return path, function(work, team)


def read_kept(paths: Sequence[Path], kind: type[Result]) -> dict[Path, Result]:
    """Return the results on disk."""
    results = {}
    for path in paths:
        # A damaged file is one that isn't there: it is made and written again.
        with suppress(FileNotFoundError, ValueError):
            results[path] = build(kind, json.loads(path.read_text(encoding="utf-8")))
    return results


def path_of(work: Any, team: Team) -> Path:
    """Return where a work's result is kept."""
    jobs = [asdict(job) for job in team.jobs]
    parts = [type(work).__name__, asdict(work), jobs, team.checksums]
    text = json.dumps(parts, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return team.runs / team.jobs[0].dataset / "anomaly" / f"{digest}.json"
