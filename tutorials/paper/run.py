"""The verb `run`: train all members, attack them, write the results.

Finished work is kept at once in the folder of runs. The command can be stopped at any
time, and the same command continues.
"""

import time
from collections.abc import Iterable
from dataclasses import replace

from minidl.backend import Device
from minidl.data import CLASS_NAMES, Dataset, differences, load_dataset
from minidl.parallel import limit_threads
from tutorials.paper.experiment.attack import carry_out, finished
from tutorials.paper.experiment.cases import Block
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.environment import environment, now
from tutorials.paper.experiment.members import (
    Team,
    find_team,
    member_jobs,
    members_found,
    train_teams,
)
from tutorials.paper.experiment.places import Places, workers
from tutorials.paper.results.examples import make_examples, write_examples
from tutorials.paper.results.files import read_files, write
from tutorials.paper.results.schema import SCHEMA, Data, Execution, Results
from tutorials.paper.results.scores import Counted, Member, method_result, plan


def run(config: Configuration, data: Dataset, places: Places) -> None:
    """Train, attack and write each method's results and examples.

    Raises ValueError if the folder holds another experiment.
    """
    read_files(places.results, config)  # else refused before any work
    start = time.perf_counter()
    with workers(places) as (executor, count):
        teams = train_teams(member_jobs(config), executor, places)
        work = blocks_of(config, teams, len(data.x_test))
        counts = carry_out(work, executor, places.fresh, places.device)
    done = list(zip(work, counts, strict=True))
    for team in teams:
        own = [(block, found) for block, found in done if block.team is team]
        member_seconds = {team.method: [round(s, 1) for s in team.seconds]}
        seconds = round(time.perf_counter() - start, 1)
        execution = Execution(now(), seconds, count, member_seconds)
        results = collect(config, data, team, own, execution, places.device)
        attack = results.examples.attack
        with limit_threads(1):
            arrays = make_examples(team, attack, config.attacks[attack], places.device)
        write_examples(arrays, results, places.results)
        write(results, places.results)


def blocks_of(
    config: Configuration, teams: Iterable[Team], test_images: int
) -> list[Block]:
    """Return all that is to be attacked."""
    n = attacked(config, test_images)
    return [b for team in teams for b in plan(team, config.attacks, n, test_images)]


def attacked(config: Configuration, test_images: int) -> int:
    """Return how many test images are attacked: the first so many."""
    return min(config.attacked_images or test_images, test_images)


def how_far(config: Configuration, places: Places) -> str:
    """Return what is finished, as part of a sentence."""
    methods = member_jobs(config).values()
    every = [job for jobs in methods for job in jobs]
    found = members_found(every, places.runs)
    text = f"{found} of {len(every)} members"
    if found == len(every):
        teams = [find_team(jobs, places.runs) for jobs in methods]
        work = blocks_of(config, teams, len(load_dataset(config.dataset).x_test))
        text += f" and {finished(work)} of {len(work)} evaluations"
    return f"{text} are kept in {places.runs}"


def collect(
    config: Configuration,
    data: Dataset,
    team: Team,
    done: Counted,
    execution: Execution,
    device: Device,
) -> Results:
    """Return the results of one method, whose blocks are all done."""
    members = [
        Member(job.index, job.seed, job.architecture, losses, attempt)
        for job, losses, attempt in zip(
            team.jobs, team.losses, team.attempts, strict=True
        )
    ]
    n = attacked(config, len(data.x_test))
    return Results(
        schema=SCHEMA,
        configuration=replace(config, methods=[team.method]),
        data=Data(
            train_images=len(data.x_train),
            test_images=len(data.x_test),
            classes=list(CLASS_NAMES[config.dataset]),
            differences=differences(config.dataset),
        ),
        methods={team.method: method_result(members, config.attacks, done, n)},
        environment=environment(device),
        execution=execution,
    )
