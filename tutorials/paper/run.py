"""The verb `run`: train all members, evaluate them, write the results.

Everything finished is on disk at once, in the folder of runs: the command can be
stopped at any time, and the same command goes on.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from ensembles import MemberJob, train_ensemble
from ensembles.member_files import forget
from minidl.backend import Device
from minidl.cluster import dask_executor
from minidl.data import CLASS_NAMES, Dataset, differences, load_dataset
from minidl.files import alone
from minidl.parallel import local_executor, run_jobs
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.environment import environment, now
from tutorials.paper.experiment.plan import (
    attacked,
    check_saved,
    evaluate_units,
    finished,
    member_jobs,
    members_found,
    plan,
)
from tutorials.paper.results import (
    SCHEMA,
    Data,
    Examples,
    Execution,
    Results,
    write,
)
from tutorials.paper.results.examples import ExamplesJob, make_examples, write_examples
from tutorials.paper.results.merge import earlier, merge
from tutorials.paper.results.table2 import Evaluated, method_result, table2, trained

FRESH = "a command with --fresh"


@dataclass(frozen=True)
class Places:
    """Where a run works, and with how many processes; no number depends on it."""

    results: Path
    runs: Path
    jobs: int
    fresh: bool = False  # train and evaluate again what is finished
    dask: str | None = None  # a scheduler's address: its workers instead of processes
    device: Device = "cpu"  # or "gpu"


def run(config: Configuration, data: Dataset, places: Places) -> Results:
    """Train, evaluate and write results.json and examples.npz.

    Results of other methods that are there already are kept.
    """
    earlier(places.results, config)  # another experiment is refused before any work
    start = time.perf_counter()
    jobs = member_jobs(config)
    with workers(places) as (executor, count):
        train_members(jobs, executor, places)
        units = plan(config, len(data.x_test), places.runs)
        done = evaluate_units(units, executor, places.runs, places.fresh, places.device)
        attack = "bim" if "bim" in config.attacks else next(iter(config.attacks))
        first = jobs[config.methods[0]][0]
        parameters = config.attacks[attack]
        job = ExamplesJob(first, attack, parameters, places.runs, places.device)
        [examples] = run_jobs(make_examples, [job], executor)
        shown = Examples(first.method, first.index, attack)
        seconds = round(time.perf_counter() - start, 1)
        execution = Execution(now(), seconds, count, {})
        results = collect(config, data, places, done, shown, execution)
    # Read now: another command may have added its methods meanwhile.
    before = earlier(places.results, config)
    if before is not None:
        results = merge(before, results, places.fresh)
    if results.examples == shown:
        write_examples(examples, results, places.results)
    write(results, places.results)
    return results


@contextmanager
def workers(places: Places) -> Iterator[tuple[Executor | None, int]]:
    """Yield what carries out the jobs, and how many at a time.

    Raises BlockingIOError if this and another command would each remove the other's
    finished work.
    """
    with alone(places.runs, FRESH) if places.fresh else nullcontext():
        if places.dask is not None:
            with dask_executor(places.dask, places.runs) as found:
                yield found
        else:
            with local_executor(places.jobs) as executor:
                yield executor, places.jobs


def train_members(
    jobs: dict[str, list[MemberJob]], executor: Executor | None, places: Places
) -> None:
    """Train the members that aren't in the folder yet, of all methods at once."""
    every = [job for method in jobs.values() for job in method]
    if places.fresh:
        for job in every:
            forget(job, places.runs)
    if found := members_found(every, places.runs):
        # Who has changed a layer must know that these were trained before.
        print(
            f"{found} of {len(every)} members found in {places.runs}; "
            "--fresh trains again",
            flush=True,
        )
    train_ensemble(every, executor, places.runs, places.jobs, places.device)
    check_saved(every, places.runs)


def how_far(config: Configuration, places: Places) -> str:
    """Return what is finished, as part of a sentence."""
    jobs = [job for method in member_jobs(config).values() for job in method]
    found = members_found(jobs, places.runs)
    text = f"{found} of {len(jobs)} members"
    if found == len(jobs):
        test_images = len(load_dataset(config.dataset).x_test)
        units = plan(config, test_images, places.runs)
        text += f" and {len(finished(units, places.runs))} of {len(units)} evaluations"
    return f"{text} are kept in {places.runs}"


def collect(
    config: Configuration,
    data: Dataset,
    places: Places,
    done: Evaluated,
    examples: Examples,
    execution: Execution,
) -> Results:
    """Return the results of a finished evaluation."""
    methods, member_seconds = {}, {}
    for method, jobs in member_jobs(config).items():
        members, times = zip(*(trained(j, places.runs) for j in jobs), strict=True)
        own = [pair for pair in done if pair[0].method == method]
        n = attacked(config, len(data.x_test))
        methods[method] = method_result(list(members), config.attacks, own, n)
        member_seconds[method] = [round(t, 1) for t in times]
    return Results(
        schema=SCHEMA,
        configuration=config,
        data=describe(config.dataset, data),
        methods=methods,
        table2=table2(methods),
        examples=examples,
        environment=environment(places.device),
        execution=replace(execution, member_seconds=member_seconds),
    )


def describe(name: str, data: Dataset) -> Data:
    """Return the data set's sizes and class names, and what isn't as published."""
    return Data(
        train_images=len(data.x_train),
        test_images=len(data.x_test),
        classes=list(CLASS_NAMES[name]),
        differences=differences(name),
    )
