"""Carry out an experiment: all blocks of all cases, on all cores."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from minidl.store import write_json
from minidl.store.finish import Place, finish
from minidl.store.schema import read_as
from tutorials.anomaly.directions import Step, Steps, follow
from tutorials.anomaly.experiments import DIRECTIONS, EXPERIMENTS
from tutorials.anomaly.plan import Plan, team_of
from tutorials.anomaly.record import Outcome, Record, read
from tutorials.paper.experiment.attack import (
    BATCH_SIZE,
    carry_out_groups,
    place_of,
)
from tutorials.paper.experiment.cases import Block, Case, adv2, blocks
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
        groups = attack_all(cases, team, plan)
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
    """Raise ValueError if a folder holds experiments on other members or images."""
    for path in sorted(folder.glob("*.json")):
        check_same_experiment(path, vars(read(path)), shared_by_all(plan))


def attack_all(
    groups: Mapping[str, Sequence[Case]], team: Team, plan: Plan
) -> dict[str, list[Outcome]]:
    """Return each case's outcome on all images, by groups of cases."""
    counts = carry_out_groups(groups, team, plan.images, plan.jobs, plan.fresh)
    return {
        name: [
            Outcome(case, found.images, found.ensembles)
            for case, found in zip(group, counts[name], strict=True)
        ]
        for name, group in groups.items()
    }


def walk_along(team: Team, plan: Plan) -> list[Step]:
    """Return the steps of the basic iterative method on all images."""
    case = adv2("bim", plan.config.attacks["bim"], len(team.jobs))
    walks = list(blocks(case, team, 0, plan.images, BATCH_SIZE))
    places = {steps_of(walk): walk for walk in walks}
    read = partial(read_as, Steps)
    done = finish(places, follow, read, write_json, plan.jobs, "parts", plan.fresh)
    found = dict(done)
    parts = zip(*(found[place].steps for place in places), strict=True)
    return [add(steps, same="step") for steps in parts]


def steps_of(walk: Block) -> Place:
    """Return where the steps of an attack are kept, beside the predictions after it."""
    path, key = place_of(walk)
    return Place(path and path.with_suffix(".json"), key)
