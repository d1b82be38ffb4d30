"""Finished work is kept: an experiment that was interrupted goes on where it was.

Experiments share work, too: what one has found about a block of images, another one
takes from the folder. The file's key covers all that decides its content, the members'
checksums included.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from minidl.parallel import local_executor
from minidl.store import key_of
from tutorials.anomaly.cases import Team
from tutorials.paper.experiment.attack import images_of
from tutorials.paper.experiment.kept import Place, keep, read_kept

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
    places = [place_of(work, team) for work in works]  # the same work twice has one
    pieces = dict(zip(places, works, strict=True))
    results = {} if fresh else read_kept(pieces, kind)
    if results:
        print(f"{len(results)} of {len(pieces)} parts found in {folder_of(team)}")
    missing = {place: work for place, work in pieces.items() if place not in results}
    with local_executor(min(jobs, max(1, len(missing)))) as executor:
        results |= keep(missing, partial(function, team=team), executor, "parts")
    return [results[place] for place in places]


def place_of(work: Any, team: Team) -> Place:
    """Return where a work's result is kept."""
    images = images_of(team.jobs[0].dataset)
    key = key_of(type(work).__name__, work, team.jobs, team.checksums, images)
    return Place(folder_of(team) / f"{key[:16]}.json", key)


def folder_of(team: Team) -> Path:
    """Return where all that is found about some members is kept."""
    return team.runs / team.jobs[0].dataset / "anomaly"
