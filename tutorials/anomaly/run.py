"""Carry out an experiment, all blocks of all cases on all cores."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from minidl.finish import Place, finish
from minidl.parallel import local_executor
from minidl.schema import read_as
from minidl.store import write_json
from tutorials.anomaly.directions import Step, Steps, follow, merge
from tutorials.anomaly.experiments import DIRECTIONS, EXPERIMENTS
from tutorials.anomaly.plan import Plan, team_of
from tutorials.anomaly.record import Outcome, Record, read
from tutorials.paper.experiment.attack import (
    BATCH_SIZE,
    carry_out_cases,
    place_of,
)
from tutorials.paper.experiment.cases import Block, Case, adv2
from tutorials.paper.experiment.counts import add
from tutorials.paper.experiment.environment import environment
from tutorials.paper.experiment.members import Team
from tutorials.paper.results.files import check_same_experiment


def perform(name: str, plan: Plan) -> Record:
    """Return what one experiment finds; raises as `team_of`."""
    team = team_of(plan)
    groups: dict[str, list[Outcome]] = {}
    steps: list[Step] = []
    if name == DIRECTIONS:
        steps = walk_along(team, plan)
    else:
        cases = EXPERIMENTS[name].groups(plan.config.attacks, len(team.jobs))
        every = [case for group in cases.values() for case in group]
        outcomes = iter(attack_all(every, team, plan))
        groups = {g: [next(outcomes) for _ in group] for g, group in cases.items()}
    return Record(
        experiment=name,
        **shared_by_all(plan),
        groups=groups,
        steps=steps,
        environment=environment(),
    )


def shared_by_all(plan: Plan) -> dict[str, Any]:
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
        check_same_experiment(path, vars(read(path)), shared_by_all(plan))


def attack_all(cases: Sequence[Case], team: Team, plan: Plan) -> list[Outcome]:
    """Return each case's outcome on all images."""
    with local_executor(plan.jobs) as executor:
        parts = carry_out_cases(cases, team, plan.images, executor, plan.fresh)
    totals = map(add, parts)
    return [
        Outcome(case, total.images, total.ensembles)
        for case, total in zip(cases, totals, strict=True)
    ]


def walk_along(team: Team, plan: Plan) -> list[Step]:
    """Return the steps of the basic iterative method on all images."""
    case, n = adv2("bim", plan.config.attacks["bim"], len(team.jobs)), plan.images
    starts = range(0, n, BATCH_SIZE)
    walks = [Block(case, team, i, min(i + BATCH_SIZE, n)) for i in starts]
    places = {steps_of(walk): walk for walk in walks}
    read = partial(read_as, Steps)
    with local_executor(plan.jobs) as executor:
        done = finish(places, follow, read, write_json, executor, "parts", plan.fresh)
        found = dict(done)
    return merge([found[place] for place in places])


def steps_of(walk: Block) -> Place:
    """Return where the steps of an attack are kept, beside the predictions after it."""
    path, key = place_of(walk)
    return Place(path and path.with_suffix(".json"), key)
