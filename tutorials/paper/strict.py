"""The verb `strict`: the same ensembles under adaptive attacks.

The paper's Adv. 1 and Adv. 2 follow the gradients of single members. Adaptive attacks
are aimed at what the ensemble predicts, the mean probability, with many more steps,
random starts and two losses. The accuracy under the worst of them is what the defence
is worth. Each member meets the same attacks alone, on its own loss: does its ensemble
withstand them better?
"""

import math
import shutil
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial

from attacks import Counter, Suite, Threat, apgd, dlr, ensemble_loss, evaluate, pgd
from attacks.evaluation.outcomes import Evaluation
from attacks.evaluation.suites import Attack, suite_from_host
from ensembles import Ensemble
from minidl.backend import Array, Device
from minidl.data import load_dataset
from minidl.layers import Sequential
from minidl.store import key_of
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.environment import environment
from tutorials.paper.experiment.members import (
    Team,
    find_team,
    load_members,
    member_jobs,
)
from tutorials.paper.experiment.places import Places, workers
from tutorials.paper.results.files import join, read_files
from tutorials.paper.results.strict import (
    Accuracies,
    Strict,
    experiment,
    last_losses,
    read_strict,
    write,
)
from tutorials.paper.run import attacked

IMAGES = 1000  # of the test set at most, the first: all would take days
STEPS = 100
RESTARTS = 5


def suite(team: Team, device: Device = "cpu") -> Suite:
    """Return an ensemble and its adaptive attacks; workers call this."""
    members = load_members(team, device=device)
    counter = Counter()
    there = Suite(Ensemble(members), strict_attacks(members, counter), counter)
    return suite_from_host(there, device)


def strict_attacks(
    members: Sequence[Sequential], counter: Counter
) -> dict[str, Attack]:
    """Return the attacks by name, on the ensemble's own loss and margin."""
    own = counter.loss(ensemble_loss(members))
    ratio = counter.loss(ensemble_loss(members, dlr))
    most = math.log(members[0].classes)  # an image whose cost exceeds it is misread
    many = partial(pgd, steps=STEPS, restarts=RESTARTS, stop_above=most)
    auto = partial(apgd, steps=STEPS)
    return {
        "PGD-100": lambda x, y, eps, rng: many(own, x, y, eps, eps / 10, rng=rng),
        "APGD-CE": lambda x, y, eps, rng: auto(
            own, x, y, eps, rng=rng, stop_above=most
        ),
        "APGD-DLR": lambda x, y, eps, rng: auto(
            ratio, x, y, eps, rng=rng, stop_above=0.0
        ),
    }


def strict(config: Configuration, places: Places) -> None:
    """Attack each method's ensemble and members at the paper's budgets; write it.

    The members must be trained: `run` does that. Raises FileNotFoundError if some are
    missing, and ValueError if the folder holds another experiment, or other members.
    """
    data = load_dataset(config.dataset)
    images = attacked(config, min(IMAGES, len(data.x_test)))
    read_strict(places.results, config, images)  # else refused before any work
    x, y = data.x_test[:images], data.y_test[:images]
    teams = [find_team(jobs, places.runs) for jobs in member_jobs(config).values()]
    check_same_members(config, teams, places)
    with workers(places) as (executor, _):
        for team in teams:
            found = {
                attack: summarise(
                    *(
                        attack_team(own, x, y, parameters["eps"], places, executor)
                        for own in (team, *singles(team))
                    )
                )
                for attack, parameters in config.attacks.items()
            }
            result = Strict(
                **experiment(config, images),
                methods={team.method: found},
                environment=environment(places.device),
                last_losses={team.method: last_losses(team.losses)},
            )
            write(result, places.results)


def singles(team: Team) -> list[Team]:
    """Return each member as an ensemble of one: its loss is the member's own."""
    each = zip(team.jobs, team.checksums, strict=True)
    return [Team((job,), (checksum,), team.folder) for job, checksum in each]


def check_same_members(
    config: Configuration, teams: Sequence[Team], places: Places
) -> None:
    """Raise ValueError unless the folder's results, if any, are of these members."""
    parts = read_files(places.results, config)
    methods = join(parts).methods if parts else {}
    for team in teams if methods else ():
        if team.method not in methods:
            raise ValueError(
                f"{places.results} lacks {team.method}: the verb run adds it"
            )
        losses = [member.losses for member in methods[team.method].members]
        if last_losses(losses) != last_losses(team.losses):
            raise ValueError(
                f"{places.results} has other members of {team.method} than "
                f"{places.runs}: the verb run evaluates these"
            )


def attack_team(
    team: Team,
    x: Array,
    y: Array,
    eps: float,
    places: Places,
    executor: Executor | None,
) -> Evaluation:
    """Return what all attacks leave of an ensemble within eps."""
    name = key_of(team.jobs, team.checksums)[:12]
    folder = team.folder / team.dataset / "strict" / name / f"eps-{eps:g}"
    if places.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    only = f", member {team.jobs[0].index} alone" if len(team.jobs) == 1 else ""
    print(f"{team.method}{only}, eps = {eps:g}", flush=True)
    make, threat = partial(suite, team, places.device), Threat("Linf", eps)
    return evaluate(make, x, y, threat, folder=folder, executor=executor)


def summarise(found: Evaluation, *alone: Evaluation) -> Accuracies:
    """Return an ensemble's accuracies, and its members' alone, for the file."""
    return Accuracies(
        clean=found.clean().value,
        attacks={name: found.robust(name).value for name in found.outcomes},
        worst=found.worst_case().value,
        gradients=sum(o.gradients for o in found.outcomes.values()),
        singles=[member.worst_case().value for member in alone],
    )
