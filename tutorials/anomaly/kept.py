"""Finished work is kept: an experiment that was interrupted goes on where it was.

Experiments share work, too: what one has found about a block of images, another one
takes from the folder. The file's name covers all that decides its content, the
members' checksums included.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from minidl.parallel import local_executor
from tutorials.anomaly.cases import Team
from tutorials.paper.kept import keep, read_kept

Result = TypeVar("Result")


def finish(
    works: Sequence[Any],
    function: Callable[..., Result],
    kind: type[Result],
    team: Team,
    jobs: int,
    fresh: bool = False,
) -> list[Result]:
    """Return function(work, team=team) of all works in their order, kept or found now.

    Works and results are dataclasses; `kind` is that of the results. `jobs` processes
    do what is missing; with `fresh`, all of it.
    """
    places = [path_of(work, team) for work in works]  # the same work twice has one
    paths = dict(zip(places, works, strict=True))
    results = {} if fresh else read_kept(paths, kind)
    if results:
        print(f"{len(results)} of {len(paths)} parts found in {folder_of(team)}")
    missing = {path: work for path, work in paths.items() if path not in results}
    with local_executor(min(jobs, max(1, len(missing)))) as executor:
        results |= keep(missing, partial(function, team=team), executor, "parts")
    return [results[path] for path in places]


def path_of(work: Any, team: Team) -> Path:
    """Return where a work's result is kept."""
    jobs = [asdict(job) for job in team.jobs]
    parts = [type(work).__name__, asdict(work), jobs, team.checksums]
    text = json.dumps(parts, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return folder_of(team) / f"{digest}.json"


def folder_of(team: Team) -> Path:
    """Return where all that is found about some members is kept."""
    return team.runs / team.jobs[0].dataset / "anomaly"
