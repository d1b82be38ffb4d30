"""Train one member of each choice and seed, and attack it by FGSM with all factors.

results/robustness/mnist-full.json
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attacks.evaluation.intervals import Estimate
from ensembles import MemberJob
from ensembles.member_files import check_saved
from ensembles.training import train_members
from minidl.backend import Array
from minidl.store import check, refused
from minidl.store.schema import read_as
from tutorials.anomaly.labels.scale import (
    ATTACK,
    FACTORS,
    METHOD,
    scaled,
    where_right,
    with_interval,
)
from tutorials.anomaly.plan import Plan
from tutorials.anomaly.robustness.choices import jobs_of
from tutorials.paper.experiment.cases import CLEAN, adv1
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.environment import Environment, environment
from tutorials.paper.experiment.members import team_of
from tutorials.paper.paper_numbers import paper_accuracy
from tutorials.paper.results.table2 import Cell, mean_cell

COLUMN = "adv1_single"  # of Table 2 under FGSM: the paper's single network


@dataclass(frozen=True)
class Choice:
    """One choice's networks, a seed each."""

    name: str
    jobs: list[MemberJob]
    clean: list[int]  # images that are right without an attack, by seed
    right: list[list[int]]  # and under FGSM, by factor, then by seed
    s: float  # the factor with which they are as accurate as the paper's
    low: float
    high: float

    @property
    def estimate(self) -> Estimate:
        """The factor with its interval."""
        return Estimate(self.s, self.low, self.high)

    def cell(self, images: int, factor: float | None) -> Cell:
        """Return the accuracy without an attack (None), or with a factor."""
        right = self.clean if factor is None else self.right[FACTORS.index(factor)]
        return mean_cell([n / images for n in right], images)


@dataclass(frozen=True)
class Robustness:
    """The file."""

    configuration: Configuration
    images: int  # the first so many test images
    target: float  # the paper's accuracy of a single network under FGSM
    choices: list[Choice]
    seconds: float  # of training, on one core
    environment: Environment


def measure(plan: Plan) -> Robustness:
    """Return all choices' accuracies; finished work in the folder of runs is found.

    Raises ValueError for a data set that the paper doesn't have.
    """
    config, images, runs = plan.config, plan.images, plan.runs
    target = paper_accuracy(config.dataset, ATTACK, METHOD, COLUMN)
    if target is None:
        raise ValueError(f"the paper has no {config.dataset}: nothing to compare with")
    every = jobs_of(config)
    jobs = list(dict.fromkeys(job for own in every.values() for job in own))
    trained = dict(zip(jobs, train_members(jobs, None, runs, plan.jobs), strict=True))
    check_saved(jobs, runs)
    teams = {job: team_of([member], runs) for job, member in trained.items()}
    each = [scaled(config.attacks[ATTACK], s) for s in FACTORS]
    cases = [CLEAN, *(adv1(ATTACK, parameters, 1)[0] for parameters in each)]
    found = where_right(cases, [*teams.values()], plan)
    right = dict(zip(teams, found.sum(axis=2), strict=True))
    return Robustness(
        configuration=config,
        images=images,
        target=target,
        choices=[
            choice(name, own, np.array([right[job] for job in own]), images, target)
            for name, own in every.items()
        ],
        seconds=round(sum(member.seconds for member in trained.values()), 1),
        environment=environment(),
    )


def choice(
    name: str, jobs: list[MemberJob], right: Array, images: int, target: float
) -> Choice:
    """Return one choice's counts, and s. Shapes: right (seeds, 1 + factors)."""
    clean, under = right[:, 0], right[:, 1:].T
    s = with_interval(under, images, target)
    return Choice(name, jobs, clean.tolist(), under.tolist(), *s)


def read_robustness(path: Path) -> Robustness:
    """Return a file of choices; DamagedError if it isn't one, or lacks a choice."""
    found = read_as(Robustness, path)
    with refused(path):
        names = [choice.name for choice in found.choices]
        check(names == list(jobs_of(found.configuration)), "it lacks a choice")
        shapes = {(len(c.right), len(c.clean), len(c.jobs)) for c in found.choices}
        check(all(n == len(FACTORS) for n, *_ in shapes), "it lacks a factor")
        for c in found.choices:
            s = with_interval(np.array(c.right), found.images, found.target)
            check(s == c.estimate, f"s of {c.name} isn't that of its counts")
    return found
