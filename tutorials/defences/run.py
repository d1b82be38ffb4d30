"""Train what each defence needs, attack it, and write its file: `run`."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from attacks import Threat, evaluate
from attacks.evaluation.outcomes import Evaluation
from ensembles import training
from ensembles.member_files import TrainedMember, member_path
from minidl.backend import Array
from minidl.batches import batches, to_float
from minidl.data import Dataset
from minidl.finish import finish
from minidl.parallel import limit_threads
from minidl.store import key_of, plain
from tutorials.defences import parts
from tutorials.defences.record import Record, path_of, read_all, shared, write
from tutorials.defences.rows import Row
from tutorials.defences.settings import Settings
from tutorials.defences.suite import ADAPTIVE, found, suite
from tutorials.paper.experiment.environment import environment
from tutorials.paper.experiment.places import Places, workers
from tutorials.paper.pages.notes import counted
from tutorials.paper.results.files import check_same_experiment

BATCH_SIZE = 50  # images that are attacked together


def run(rows: Sequence[Row], settings: Settings, data: Dataset, places: Places) -> None:
    """Train, attack and report one defence after another.

    Rows whose networks are trained alike are trained together, so that no worker is
    idle. Raises ValueError, before any work, if the folder holds another experiment.
    """
    check_folder(settings, data, places)
    with workers(places) as (executor, _):
        for _, alike in groupby(rows, key=training_of):
            run_alike(list(alike), settings, data, places, executor)


def training_of(row: Row) -> tuple[Any, ...]:
    """Return what the rows that are trained together have in common."""
    return row.part, row.jobs[0].method, row.jobs[0].perturb


def run_alike(
    rows: Sequence[Row],
    settings: Settings,
    data: Dataset,
    places: Places,
    executor: Executor | None,
) -> None:
    """Train all members and parts of some rows; then attack and report each row."""
    print(f"\n{', '.join(row.name for row in rows)}", flush=True)
    members = train_all(rows, executor, places)
    seconds = train_parts(rows, executor, places)
    for row in rows:
        alone = [row.only(i) for i in range(len(row.jobs)) if row.alone]
        every = [attack(r, settings, data, places, executor) for r in (row, *alone)]
        own = [members[job] for job in row.jobs]
        hours = cost(row, own, seconds)
        record = summarise(row, settings, data, places, own, hours, *every)
        write(record, places.results)
        shown = [f"{name} {e.value:.3f}" for name, e in record.columns.items()]
        print(f"{row.name}: {'; '.join(shown)}")
        print(f"{path_of(places.results, row.name)} written", flush=True)


def check_folder(settings: Settings, data: Dataset, places: Places) -> None:
    """Raise ValueError if a file in the folder, of any row, is another experiment's."""
    for record in read_all(places.results):
        path = path_of(places.results, record.defence)
        check_same_experiment(path, shared(record), experiment(settings, data))


def experiment(settings: Settings, data: Dataset) -> dict[str, Any]:
    """Return what all files of a table share, by the names there."""
    paper = settings.paper
    return {
        "dataset": paper.dataset,
        "profile": paper.profile,
        "seed": paper.seed,
        "eps": settings.eps,
        "images": attacked(settings, data),
        "test_images": len(data.x_test),
        "attacks": asdict(settings.strength),
    }


def attacked(settings: Settings, data: Dataset) -> int:
    """Return how many test images are attacked: none that set a threshold."""
    N = len(data.x_test)
    return min(settings.strength.images, N - parts.held_out(N))


def train_all(
    rows: Sequence[Row], executor: Executor | None, places: Places
) -> dict[Any, TrainedMember]:
    """Return the rows' members by their jobs; those in the folder of runs are found.

    Networks that are trained together come first, as they take the longest.
    """
    every = dict.fromkeys(job for row in rows for job in row.jobs)
    jobs = sorted(every, key=lambda job: -job.together)
    there = sum(member_path(job, places.runs).exists() for job in jobs)
    print(f"{there} of {counted(len(jobs), 'member')} found in {places.runs}")
    where = executor, places.runs, places.jobs
    return dict(zip(jobs, training.train_members(jobs, *where), strict=True))


def train_parts(
    rows: Sequence[Row], executor: Executor | None, places: Places
) -> dict[parts.Part, float]:
    """Train what stands beside members; return each part's seconds."""
    every = dict.fromkeys(part for row in rows for part in row.parts)
    works = {parts.place_of(part, places.runs): part for part in every}
    make = partial(parts.train, folder=places.runs)
    done = finish(works, make, parts.read, parts.write, executor, "parts trained")
    return {works[place]: trained.seconds for place, trained in done}


def attack(
    row: Row,
    settings: Settings,
    data: Dataset,
    places: Places,
    executor: Executor | None,
) -> Evaluation:
    """Return what all attacks leave of a defence; finished batches are found."""
    strength, threat = settings.strength, Threat("Linf", settings.eps)
    name = key_of(row.kind, row.jobs, row.parts, strength)[:16]
    folder = places.runs / settings.paper.dataset / "defences" / name
    N = attacked(settings, data)
    x, y = data.x_test[:N], data.y_test[:N]
    print(f"{row.name}: attacking {row.title}, {counted(row.members, 'network')}")
    make = partial(suite, row, places.runs, strength)
    how: Any = {"batch_size": BATCH_SIZE, "folder": folder, "executor": executor}
    return evaluate(make, x, y, threat, **how)


def cost(
    row: Row, members: Sequence[TrainedMember], parts: dict[parts.Part, float]
) -> float:
    """Return a row's core-hours of training; students need their teachers only."""
    own = sum(parts[part] for part in row.parts)
    if row.part != "student":
        own += sum(member.seconds for member in members)
    return own / 3600


def summarise(
    row: Row,
    settings: Settings,
    data: Dataset,
    places: Places,
    members: Sequence[TrainedMember],
    core_hours: float,
    whole: Evaluation,
    *alone: Evaluation,
) -> Record:
    """Return a defence's record."""
    outcomes = whole.outcomes
    usual = [o.fooled for n, o in outcomes.items() if n != ADAPTIVE]
    own, each = withstood(whole), [withstood(one) for one in alone]
    return Record(
        row.name,
        row.title,
        members=row.members,
        **experiment(settings, data),
        clean=correct(row, settings, data, places.runs),
        correct={n: int((~o.fooled).sum()) for n, o in outcomes.items()},
        usual=int((~np.logical_or.reduce(usual)).sum()),
        worst=int(own.sum()),
        alone=[int(one.sum()) for one in each],
        agreement=agreement(own, each),
        training=plain(row.jobs[0]),
        losses=[member.losses[-1] for member in members],
        core_hours=round(core_hours, 6),
        environment=environment(),
        gradients={n: o.gradients for n, o in outcomes.items()},
    )


def withstood(evaluation: Evaluation) -> Array:
    """Tell which images withstand all attacks. Shape (N,)."""
    return ~evaluation.fooled_by_any()


def agreement(own: Array, each: Sequence[Array]) -> list[list[int]]:
    """Return how many members withstand, on images where the ensemble falls or not.

    Shapes: own and each member's (N,) bool; the result (2, members + 1) counts images.
    """
    if not each:
        return []
    members, bins = np.sum(each, axis=0), len(each) + 1
    return [np.bincount(members[rows], minlength=bins).tolist() for rows in (~own, own)]


def correct(row: Row, settings: Settings, data: Dataset, folder: Path) -> int:
    """Return how many of all test images are classified correctly without attack."""
    classifier, right = found(row, folder, settings.strength).classifier, 0
    with limit_threads(1):
        for rows in batches(np.arange(len(data.x_test)), 250):
            p = classifier.predict_proba(to_float(data.x_test[rows]))
            right += int((p.argmax(axis=1) == data.y_test[rows]).sum())
    return right
