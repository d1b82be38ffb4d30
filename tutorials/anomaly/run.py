"""Carry out an experiment: all blocks of all cases, on all cores."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minidl.data import load_dataset
from tutorials.anomaly.cases import BLOCK, Block, Case, Outcome, Team, carry_out, join
from tutorials.anomaly.directions import Step, Steps, Walk, follow, merge
from tutorials.anomaly.experiments import DIRECTIONS, EXPERIMENTS
from tutorials.anomaly.kept import finish
from tutorials.anomaly.record import Record, read
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.environment import environment
from tutorials.paper.experiment.plan import checksums, member_jobs
from tutorials.paper.results.merge import check_same_experiment


@dataclass(frozen=True)
class Plan:
    """Whom to attack, on how many images, and with how many processes."""

    config: Configuration  # of one method
    runs: Path
    images: int
    jobs: int  # no number depends on it
    fresh: bool = False  # attack again what is finished


def find_team(plan: Plan) -> Team:
    """Return the trained members; FileNotFoundError says how to train them."""
    config = plan.config
    [jobs] = member_jobs(config).values()
    found = checksums(jobs, plan.runs, "members", training_command(plan))
    available = len(load_dataset(config.dataset).x_test)
    if plan.images > available:
        raise ValueError(
            f"images must be at most {available}, all test images of "
            f"{config.dataset}, got {plan.images}"
        )
    return Team(tuple(jobs), found, plan.runs, plan.images)


def training_command(plan: Plan) -> str:
    """Return the command that trains the members."""
    config = plan.config
    method, members, seed = config.methods[0], config.members, config.seed
    # A folder of their own: another number of members is another experiment.
    results = f"{config.dataset}-{config.profile}-{method}-{members}-{seed}"
    return (
        f"python -m tutorials.paper run --dataset {config.dataset} --profile "
        f"{config.profile} --method {method} --members {members} --seed {seed} "
        f"--runs {plan.runs} --results {plan.runs / results}"
    )


def perform(name: str, plan: Plan) -> Record:
    """Return what one experiment finds."""
    team, config = find_team(plan), plan.config
    groups: dict[str, list[Outcome]] = {}
    steps: list[Step] = []
    if name == DIRECTIONS:
        steps = walk_along(team, plan)
    else:
        cases = EXPERIMENTS[name].groups(config.attacks, config.members)
        every = [case for group in cases.values() for case in group]
        outcomes = iter(attack_all(every, team, plan))
        groups = {g: [next(outcomes) for _ in group] for g, group in cases.items()}
    return Record(
        experiment=name,
        **team_of(plan),
        groups=groups,
        steps=steps,
        environment=environment(),
    )


def team_of(plan: Plan) -> dict[str, Any]:
    """Return what all experiments on one page share, by the names in their files."""
    return {
        "dataset": plan.config.dataset,
        "profile": plan.config.profile,
        "method": plan.config.methods[0],
        "seed": plan.config.seed,
        "members": plan.config.members,
        "images": plan.images,
    }


def check_folder(folder: Path, plan: Plan) -> None:
    """Raise ValueError if a folder holds experiments on others: they share a page."""
    for path in sorted(folder.glob("*.json")):
        check_same_experiment(path, vars(read(path)), team_of(plan))


def attack_all(cases: list[Case], team: Team, plan: Plan) -> list[Outcome]:
    """Return each case's outcome on all images."""
    ends = list(ends_of_blocks(team))
    blocks = [Block(case, *block) for case in cases for block in ends]
    parts = finish(blocks, carry_out, Outcome, team, plan.jobs, plan.fresh)
    n = len(ends)
    return [join(parts[i : i + n]) for i in range(0, len(parts), n)]


def walk_along(team: Team, plan: Plan) -> list[Step]:
    """Return the steps of the basic iterative method on all images."""
    parameters = plan.config.attacks["bim"]
    walks = [Walk(parameters, 32, *block) for block in ends_of_blocks(team)]
    return merge(finish(walks, follow, Steps, team, plan.jobs, plan.fresh))


def ends_of_blocks(team: Team) -> Iterator[tuple[int, int]]:
    """Yield the ends of consecutive blocks of images."""
    for first in range(0, team.images, BLOCK):
        yield first, min(first + BLOCK, team.images)
