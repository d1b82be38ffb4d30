"""The verb `strict`: the same ensembles under adaptive attacks.

The paper's Adv. 1 and Adv. 2 follow the gradients of single members. Adaptive attacks
maximise losses of the ensemble's own prediction, the mean probability, with many more
steps and random starts. The accuracy under the worst of them is what the defence is
worth. The same attacks are run on each member alone: does its ensemble withstand them
better?
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
from minidl.backend import Device
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

IMAGES = 1000  # at most, the first of the test set: all would take days
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
    most = math.log(members[0].classes)  # at a higher cost an image is misclassified
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
    """Attack each method's ensemble and members within the paper's eps; write results.

    The verb run trains the members. Raises FileNotFoundError if some are missing, and
    ValueError if the folder holds another experiment, or results of other members.
    """
    images = attacked(config, min(IMAGES, len(load_dataset(config.dataset).x_test)))
    read_strict(places.results, config, images)  # refuses another experiment
    teams = [find_team(jobs, places.runs) for jobs in member_jobs(config).values()]
    check_same_members(config, teams, places)
    with workers(places) as (executor, _):
        attack_it = partial(attack_team, images, places, executor)
        for team in teams:
            every = (team, *singles(team))
            found = {
                attack: summarise(*(attack_it(own, p["eps"]) for own in every))
                for attack, p in config.attacks.items()
            }
            result = Strict(
                **experiment(config, images),
                methods={team.method: found},
                environment=environment(places.device),
                last_losses={team.method: last_losses(team.losses)},
            )
            read_strict(places.results, config, images)  # another command was faster?
            write(result, places.results)


def singles(team: Team) -> list[Team]:
    """Return each member as an ensemble of one, whose loss is the member's own."""
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
                f"{places.runs}: the verb run evaluates the latter"
            )


def attack_team(
    images: int, places: Places, executor: Executor | None, team: Team, eps: float
) -> Evaluation:
    """Return the evaluation of an ensemble on the first images, within eps."""
    name = key_of(team.jobs, team.checksums)[:12]
    folder = team.folder / team.dataset / "strict" / name / f"eps-{eps:g}"
    if places.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    only = f", member {team.jobs[0].index} alone" if len(team.jobs) == 1 else ""
    print(f"{team.method}{only}, eps = {eps:g}", flush=True)
    make, threat = partial(suite, team, places.device), Threat("Linf", eps)
    data = load_dataset(team.dataset)
    x, y = data.x_test[:images], data.y_test[:images]
    return evaluate(make, x, y, threat, folder=folder, executor=executor)


def summarise(found: Evaluation, *alone: Evaluation) -> Accuracies:
    """Return an ensemble's accuracies, and those of its members alone."""
    return Accuracies(
        clean=found.clean().value,
        attacks={name: found.robust(name).value for name in found.outcomes},
        worst=found.worst_case().value,
        gradients=sum(o.gradients for o in found.outcomes.values()),
        singles=[member.worst_case().value for member in alone],
    )
