"""The verb `strict`: the same ensembles under attacks that fit them.

The paper's Adv. 1 and Adv. 2 follow the gradients of single members. Here everything is
aimed at what the ensemble predicts, the mean probability, with many more steps, random
starts and two losses. What is left after the worst of them is left of the defence.
"""

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from attacks import Counter, Suite, Threat, apgd, dlr, ensemble_loss, evaluate, pgd
from attacks.evaluation.outcomes import Evaluation
from attacks.evaluation.suites import Attack, suite_from_host
from attacks.victims import LossFn
from ensembles import METHODS, Ensemble, MemberJob
from minidl.backend import Array, Device
from minidl.data import load_dataset
from minidl.layers import Sequential
from minidl.store import key_of
from tutorials.paper.experiment.attack import load_members
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.environment import environment
from tutorials.paper.experiment.plan import attacked, checksums, member_jobs
from tutorials.paper.results import Results
from tutorials.paper.results.merge import both_environments, earlier, redone
from tutorials.paper.results.strict import (
    Accuracies,
    Strict,
    earlier_strict,
    experiment,
    last_losses,
    write,
)
from tutorials.paper.results.table2 import trained
from tutorials.paper.run import Places, workers

IMAGES = 1000  # of the test set at most, the first: all would take days
STEPS = 100
RESTARTS = 5


@dataclass(frozen=True)
class Team:
    """One method's trained members, as workers find them."""

    jobs: tuple[MemberJob, ...]
    checksums: tuple[str, ...]
    runs: Path


def suite(team: Team, device: Device = "cpu") -> Suite:
    """Return an ensemble and the attacks that fit it; workers call this."""
    members = load_members(team.jobs, team.checksums, team.runs, device)
    counter = Counter()
    there = Suite(Ensemble(members), strict_attacks(members, counter), counter)
    return suite_from_host(there, device)


def strict_attacks(
    members: Sequence[Sequential], counter: Counter
) -> dict[str, Attack]:
    """Return the attacks by name, on the ensemble's own loss and margin."""
    own = counter.loss(ensemble_loss(members))
    ratio = counter.loss(ensemble_loss(members, dlr))
    K = members[0].classes
    return {
        "PGD-100": partial(run_pgd, own, math.log(K)),
        "APGD-CE": partial(run_apgd, own, math.log(K)),
        "APGD-DLR": partial(run_apgd, ratio, 0.0),
    }


def run_pgd(
    loss: LossFn,
    stop_above: float,
    x: Array,
    y: Array,
    eps: float,
    rng: np.random.Generator,
) -> Array:
    """PGD with STEPS steps of eps / 10 from RESTARTS random starts."""
    return pgd(
        loss,
        x,
        y,
        eps,
        eps / 10,
        STEPS,
        restarts=RESTARTS,
        rng=rng,
        stop_above=stop_above,
    )


def run_apgd(
    loss: LossFn,
    stop_above: float,
    x: Array,
    y: Array,
    eps: float,
    rng: np.random.Generator,
) -> Array:
    """APGD with STEPS steps from one random start."""
    return apgd(loss, x, y, eps, STEPS, rng=rng, stop_above=stop_above)


def strict(config: Configuration, places: Places) -> Strict:
    """Attack each method's ensemble at the budgets of the paper's attacks; write it.

    The members must be trained: `run` does that. What other methods have in the folder
    already is kept. Raises FileNotFoundError if members are missing, and ValueError if
    the folder holds another experiment, or other members.
    """
    beside = earlier(places.results, config)  # whose Table 2 these will stand beside
    data = load_dataset(config.dataset)
    images = attacked(config, min(IMAGES, len(data.x_test)))
    earlier_strict(places.results, config, images)  # else refused before any work
    x, y = data.x_test[:images], data.y_test[:images]
    teams = {m: find_team(jobs, places.runs) for m, jobs in member_jobs(config).items()}
    losses = {method: losses_of(team) for method, team in teams.items()}
    if beside is not None:
        check_same_members(beside, losses, places)
    found: dict[str, dict[str, Accuracies]] = {}
    with workers(places) as (executor, _):
        for method, team in teams.items():
            found[method] = {
                attack: summarise(
                    attack_team(team, x, y, parameters["eps"], places, executor)
                )
                for attack, parameters in config.attacks.items()
            }
    # Read now: another command may have added its methods meanwhile.
    before = earlier_strict(places.results, config, images)
    every, here = found, environment(places.device)
    if before is not None and not redone(before.methods, found, places.fresh):
        every = before.methods | found
        losses = before.last_losses | losses
        here = both_environments(before.environment, here)
    result = Strict(
        **experiment(config, images),
        methods={method: every[method] for method in METHODS if method in every},
        environment=here,
        last_losses={method: losses[method] for method in METHODS if method in losses},
    )
    write(result, places.results)
    return result


def losses_of(team: Team) -> list[float]:
    """Return the mean of J in each member's last epoch."""
    return last_losses([trained(job, team.runs)[0] for job in team.jobs])


def check_same_members(
    beside: Results, losses: Mapping[str, list[float]], places: Places
) -> None:
    """Raise ValueError unless Table 2 has these members, before they are attacked."""
    where = f"{places.results / 'results.json'}"
    for method, own in losses.items():
        if method not in beside.methods:
            raise ValueError(f"{where} lacks {method}: the verb run adds it")
        if last_losses(beside.methods[method].members) != own:
            raise ValueError(
                f"{where} has other members of {method} than {places.runs}: the verb "
                "run evaluates these"
            )


def find_team(jobs: Sequence[MemberJob], runs: Path) -> Team:
    """Return trained members; FileNotFoundError if some aren't trained."""
    found = checksums(jobs, runs, f"members of {jobs[0].method}", "the verb run")
    return Team(tuple(jobs), found, runs)


def attack_team(
    team: Team,
    x: Array,
    y: Array,
    eps: float,
    places: Places,
    executor: Executor | None,
) -> Evaluation:
    """Return what all attacks leave of an ensemble within eps."""
    make: Callable[[], Suite] = partial(suite, team, places.device)
    name = key_of(team.jobs, team.checksums)[:12]
    folder = places.runs / team.jobs[0].dataset / "strict" / name / f"eps-{eps:g}"
    if places.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{team.jobs[0].method}, eps = {eps:g}", flush=True)
    threat = Threat("Linf", eps)
    return evaluate(make, x, y, threat, folder=folder, executor=executor)


def summarise(found: Evaluation) -> Accuracies:
    """Return the accuracies that go into the file."""
    return Accuracies(
        clean=found.clean().value,
        attacks={name: found.robust(name).value for name in found.outcomes},
        worst=found.worst_case().value,
        gradients=sum(o.gradients for o in found.outcomes.values()),
    )
