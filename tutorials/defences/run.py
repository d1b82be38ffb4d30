"""Train what each defence needs, measure it, and write its file: `run`."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Any

from ensembles import training
from ensembles.member_files import TrainedMember, check_saved, members_found
from minidl.data import Dataset
from minidl.store.finish import finish
from tutorials.defences import parts
from tutorials.defences.measure import Bench, measure
from tutorials.defences.record import path_of, read_all, shared, write
from tutorials.defences.rows import Row
from tutorials.defences.settings import Settings
from tutorials.paper.experiment.places import Places, workers
from tutorials.paper.pages.notes import counted
from tutorials.paper.results.files import check_same_experiment


def run(rows: Sequence[Row], settings: Settings, data: Dataset, places: Places) -> None:
    """Train, attack and report one defence after another.

    Rows whose networks are trained alike are trained together, so that no worker is
    idle. If such rows fail, the other rows are measured before the first error is
    raised. Raises ValueError, before any work, if the folder holds another experiment.
    """
    errors: list[Exception] = []
    check_folder(Bench(settings, data, places))
    with workers(places) as (executor, _):
        bench = Bench(settings, data, places, executor)
        for alike in (list(own) for _, own in groupby(rows, key=training_of)):
            try:
                run_alike(alike, bench)
            except (ValueError, FloatingPointError) as error:
                names = ", ".join(row.name for row in alike)
                print(f"{names} failed: {error}", flush=True)
                errors.append(error)
    if errors:
        raise errors[0]


def training_of(row: Row) -> tuple[Any, ...]:
    """Return what the rows that are trained together have in common."""
    return row.part, row.jobs[0].method, row.jobs[0].perturb


def run_alike(rows: Sequence[Row], bench: Bench) -> None:
    """Train all members and parts of some rows; then attack and report each row."""
    print(f"\n{', '.join(row.name for row in rows)}", flush=True)
    members, seconds = train_all(rows, bench), train_parts(rows, bench)
    for row in rows:
        own = [members[job] for job in row.jobs]
        record = measure(row, bench, own, cost(row, own, seconds))
        check_folder(bench)  # another command may have been faster
        write(record, bench.places.results)
        shown = [f"{name} {e.value:.3f}" for name, e in record.columns.items()]
        print(f"{row.name}: {'; '.join(shown)}")
        print(f"{path_of(bench.places.results, row.name)} written", flush=True)


def check_folder(bench: Bench) -> None:
    """Raise ValueError if a file in the folder, of any row, is another experiment's."""
    for record in read_all(bench.places.results):
        path = path_of(bench.places.results, record.defence)
        check_same_experiment(path, shared(record), bench.experiment)


def train_all(rows: Sequence[Row], bench: Bench) -> dict[Any, TrainedMember]:
    """Return the rows' members by their jobs; those in the folder of runs are found.

    Networks that are trained together come first, as they take the longest. Raises
    OSError if a member couldn't be saved.
    """
    every = dict.fromkeys(job for row in rows for job in row.jobs)
    jobs = sorted(every, key=lambda job: -job.together)
    runs = bench.places.runs
    there = members_found(jobs, runs)
    print(f"{there} of {counted(len(jobs), 'member')} found in {runs}", flush=True)
    trained = training.train_members(jobs, bench.executor, runs, bench.places.jobs)
    check_saved(jobs, runs)
    return dict(zip(jobs, trained, strict=True))


def train_parts(rows: Sequence[Row], bench: Bench) -> dict[parts.Part, float]:
    """Train what stands beside members; return each part's seconds."""
    every, runs = dict.fromkeys(p for row in rows for p in row.parts), bench.places.runs
    works = {parts.place_of(part, runs): part for part in every}
    make, unit = partial(parts.train, folder=runs), "parts trained"
    done = finish(works, make, parts.read, parts.write, bench.executor, unit)
    return {works[place]: trained.seconds for place, trained in done}


def cost(
    row: Row, members: Sequence[TrainedMember], parts: dict[parts.Part, float]
) -> float:
    """Return a row's core-hours of training; students need their teachers only."""
    own = sum(parts[part] for part in row.parts)
    if row.part != "student":
        own += sum(member.seconds for member in members)
    return own / 3600
