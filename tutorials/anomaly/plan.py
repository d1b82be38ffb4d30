"""What all experiments here share: whose members are attacked, on which images."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutorials.command_line import (
    Parser,
    add_places,
    load_once,
    seed_number,
    whole_number,
    writable_runs,
)
from tutorials.paper.experiment.config import PLAIN, Configuration, suffix
from tutorials.paper.experiment.members import Team, find_team, member_jobs
from tutorials.paper.results.files import settings

OF_PLAN = ("dataset", "profile", "images", "seed", "jobs", "runs")  # options


@dataclass(frozen=True)
class Plan:
    """The members to attack, the number of images and of processes."""

    config: Configuration  # of one method
    runs: Path
    images: int
    jobs: int  # no number depends on it
    fresh: bool = False  # repeat finished attacks, too


def add_options(parser: Parser, results: str) -> None:
    """Add a plan's options, without those of its members."""
    add = parser.add_argument
    add("--images", type=whole_number(1, 60_000), default=1000, help="of the test set")
    add("--seed", type=seed_number, default=0)
    add_places(parser, results)


def plan_of(args: argparse.Namespace, config: Configuration) -> Plan:
    """Return the plan; OSError or ValueError if it can't be carried out."""
    runs, available = writable_runs(args.runs), len(load_once(config.dataset).x_test)
    if args.images > available:
        raise ValueError(
            f"images must be at most {available}, all test images of "
            f"{config.dataset}, got {args.images}"
        )
    return Plan(config, runs, args.images, args.jobs, getattr(args, "fresh", False))


def shared(config: Configuration, images: int) -> dict[str, Any]:
    """Return what all files of a page have in common, whatever their method."""
    return {**settings(config), "images": images}


def team_of(plan: Plan) -> Team:
    """Return the members of the only method.

    Raises FileNotFoundError, which says how to train them, if some are missing.
    """
    [jobs] = member_jobs(plan.config).values()
    return find_team(jobs, plan.runs, training_command(plan))


def training_command(plan: Plan) -> str:
    """Return the command that trains the members."""
    config = plan.config
    method, members, seed = config.methods[0], config.members, config.seed
    # A folder of their own: another number of members is another experiment.
    results = f"{config.dataset}-{config.profile}-{method}-{members}-{seed}"
    results += suffix(config.network)
    network = "" if config.network == PLAIN else f"--network {config.network} "
    return (
        f"python -m tutorials.paper run --dataset {config.dataset} --profile "
        f"{config.profile} {network}--method {method} --members {members} --seed "
        f"{seed} --runs {plan.runs} --results {plan.runs / results}"
    )
