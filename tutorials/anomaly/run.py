"""Carry out an experiment: all blocks of all cases, on all cores."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ensembles.member_files import member_path
from minidl.data import load_dataset
from minidl.parallel import local_executor, run_jobs
from minidl.progress import progress
from tutorials.anomaly.cases import BLOCK, Block, Case, Outcome, Team, carry_out, join
from tutorials.anomaly.directions import Step, Walk, follow, merge
from tutorials.anomaly.experiments import DIRECTIONS, EXPERIMENTS
from tutorials.anomaly.record import Record
from tutorials.paper.config import Configuration
from tutorials.paper.environment import environment
from tutorials.paper.units import member_jobs


@dataclass(frozen=True)
class Plan:
    """Whom to attack, on how many images, and with how many processes."""

    config: Configuration  # of one method
    runs: Path
    images: int
    jobs: int


def find_team(plan: Plan) -> Team:
    """Return the trained members; FileNotFoundError says how to train them."""
    config = plan.config
    [jobs] = member_jobs(config).values()
    missing = [job for job in jobs if not member_path(job, plan.runs).exists()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(jobs)} members aren't in {plan.runs}: "
            f"{training_command(config)} trains them"
        )
    available = len(load_dataset(config.dataset).x_test)
    if plan.images > available:
        raise ValueError(
            f"images must be at most {available}, all test images of "
            f"{config.dataset}, got {plan.images}"
        )
    return Team(tuple(jobs), plan.runs, plan.images)


def training_command(config: Configuration) -> str:
    """Return the command that trains the members."""
    return (
        f"python -m tutorials.paper run --dataset {config.dataset} --profile "
        f"{config.profile} --method {config.methods[0]} --members {config.members}"
    )


def perform(name: str, plan: Plan) -> Record:
    """Return what one experiment finds."""
    start = time.perf_counter()
    team, config = find_team(plan), plan.config
    groups: dict[str, list[Outcome]] = {}
    steps: list[Step] = []
    if name == DIRECTIONS:
        steps = walk_along(team, plan)
    else:
        cases = EXPERIMENTS[name].groups(config.attacks, config.members)
        outcomes = attack_all(
            [c for group in cases.values() for c in group], team, plan
        )
        groups = {g: [outcomes[key(c)] for c in group] for g, group in cases.items()}
    return Record(
        experiment=name,
        dataset=config.dataset,
        profile=config.profile,
        method=config.methods[0],
        seed=config.seed,
        members=config.members,
        images=plan.images,
        groups=groups,
        steps=steps,
        seconds=round(time.perf_counter() - start, 1),
        environment=environment(),
    )


def attack_all(cases: list[Case], team: Team, plan: Plan) -> dict[str, Outcome]:
    """Return each case's outcome on all images."""
    blocks = [Block(case, *ends) for case in cases for ends in ends_of_blocks(team)]
    parts: dict[str, list[Outcome]] = {}
    with local_executor(plan.jobs) as executor:
        done = run_jobs(partial(carry_out, team=team), blocks, executor)
        for outcome in progress(done, len(blocks), "attacks"):
            parts.setdefault(key(outcome.case), []).append(outcome)
    return {name: join(outcomes) for name, outcomes in parts.items()}


def walk_along(team: Team, plan: Plan) -> list[Step]:
    """Return the steps of the basic iterative method on all images."""
    parameters = plan.config.attacks["bim"]
    walks = [Walk(parameters, 32, *ends) for ends in ends_of_blocks(team)]
    with local_executor(plan.jobs) as executor:
        done = run_jobs(partial(numbered, team=team), walks, executor)
        found = sorted(progress(done, len(walks), "walks"))
    return merge([steps for _, steps in found])  # in order: sums of floats have one


def numbered(walk: Walk, team: Team) -> tuple[int, list[Step]]:
    """Return a walk's steps under the number of its first image."""
    return walk.first, follow(walk, team)


def ends_of_blocks(team: Team) -> Iterator[tuple[int, int]]:
    """Yield the ends of consecutive blocks of images."""
    for first in range(0, team.images, BLOCK):
        yield first, min(first + BLOCK, team.images)


def key(case: Case) -> str:
    """Return a name that only an equal case has (dicts can't be keys)."""
    return repr(case)
