"""The verb `run`: train all members, attack them, write the results.

Finished work is kept at once in the folder of runs: the command can be stopped at any
time, and the same command continues.
"""

import time
from collections.abc import Iterable

from ensembles.member_files import members_found
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
    train_teams,
)
from tutorials.paper.experiment.places import Places, workers
from tutorials.paper.results.examples import make_examples, write_examples
from tutorials.paper.results.files import of_method, read_files, write
from tutorials.paper.results.schema import SCHEMA, Data, Execution, Results
from tutorials.paper.results.scores import method_result, plan


def run(config: Configuration, data: Dataset, places: Places) -> None:
    """Train and attack each method's members; write its results and examples.

    Raises ValueError if the folder holds another experiment.
    """
    read_files(places.results, config)  # refuses another experiment before any work
    start, images = time.perf_counter(), len(data.x_test)
    with workers(places) as (executor, jobs):
        teams = train_teams(member_jobs(config), executor, places)
        blocks = blocks_of(config, teams, images)
        counts = carry_out(blocks, executor, places.fresh, places.device)
    seconds = round(time.perf_counter() - start, 1)
    training = {team.method: [round(s, 1) for s in team.seconds] for team in teams}
    done, n = list(zip(blocks, counts, strict=True)), attacked(config, images)
    names = list(CLASS_NAMES[config.dataset])
    results = Results(
        schema=SCHEMA,
        configuration=config,
        data=Data(len(data.x_train), images, names, differences(config.dataset)),
        methods={t.method: method_result(t, config.attacks, done, n) for t in teams},
        environment=environment(places.device),
        execution=Execution(now(), seconds, jobs, training),
    )
    read_files(places.results, config)  # another command may have been faster
    for team in teams:
        write_examples_of(team, of_method(results, team.method), places)
    write(results, places.results)


def write_examples_of(team: Team, results: Results, places: Places) -> None:
    """Attack a method's images for Figure 1, and write them."""
    attack = results.examples.attack
    parameters = results.configuration.attacks[attack]
    with limit_threads(1):
        arrays = make_examples(team, attack, parameters, places.device)
    write_examples(arrays, results, places.results)


def blocks_of(
    config: Configuration, teams: Iterable[Team], test_images: int
) -> list[Block]:
    """Return the blocks of images that each method's results need."""
    n = attacked(config, test_images)
    return [b for team in teams for b in plan(team, config.attacks, n, test_images)]


def attacked(config: Configuration, test_images: int) -> int:
    """Return how many test images are attacked; these are the first ones."""
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
