"""Results made up for tests."""

import dataclasses

from ensembles.materialise import untrained
from ensembles.member_files import TrainedMember, member_path, write_finished
from tutorials.paper.experiment.config import configure
from tutorials.paper.experiment.environment import environment
from tutorials.paper.paper_numbers import TABLE2
from tutorials.paper.results import (
    AttackResult,
    Cell,
    Data,
    Execution,
    Member,
    MethodResult,
    Results,
    Score,
)
from tutorials.paper.results.strict import Accuracies, Strict, experiment
from tutorials.paper.results.table2 import Table2

SMOKE = configure("mnist-sample", "smoke", ["random-init"])  # of the fixture `runs`
MEMBERS = 2
IMAGES = 10


MORE_DIVERSE = {"mixed-models": 1}  # images more on which members disagree


def score(members, ensemble, images=IMAGES, fooled=0):
    """Return a score of two members; on `fooled` images one of them is wrong."""
    return Score(images, list(members), ensemble, [images - fooled, fooled, 0])


def method_result(method):
    """Each member's accuracy is 0.1 under its own gradient, 0.6 under the other's."""
    more = MORE_DIVERSE.get(method, 0)
    attacked = AttackResult(
        adv1=[
            score((0.1, 0.6), 0.3, fooled=5 + more),
            score((0.6, 0.1), 0.5, fooled=5 + more),
        ],
        adv2=score((0.2, 0.2), 0.2),
    )
    return MethodResult(
        members=[Member(i, 7, "mnist-cnn", [1.0, 0.5]) for i in range(MEMBERS)],
        clean=score((0.96, 0.98), 0.99, 100),
        clean_attacked=score((0.9, 1.0), 1.0, fooled=1 + more),
        attacks={"fgsm": attacked, "bim": attacked},
    )


def made_up(dataset="mnist-sample", **settings):
    config = configure(dataset, members=MEMBERS, **settings)
    methods = {method: method_result(method) for method in config.methods}
    seconds = {method: [1800.0, 3600.0] for method in config.methods}
    return Results(
        schema=2,
        configuration=config,
        data=Data(100, 100, [f"class {i}" for i in range(10)]),
        methods=methods,
        environment=environment(),
        execution=Execution("2017-09-11T00:00:00+00:00", 1.0, 2, seconds),
    )


def accuracies(worst):
    attacks = {"PGD-100": worst + 0.02, "APGD-CE": worst, "APGD-DLR": worst + 0.01}
    return Accuracies(0.9, attacks, worst, 1000)


def strict(worst=0.05, methods=("random-init", "gaussian-noise"), seed=0):
    """Return accuracies under adaptive attacks, the same for all methods."""
    budgets = {"fgsm": accuracies(worst / 2), "bim": accuracies(worst)}
    return Strict(
        **experiment(configure(members=MEMBERS, seed=seed), 1000),
        methods={method: dict(budgets) for method in methods},
        environment=environment(),
        last_losses={method: [0.5, 0.5] for method in methods},
    )


def write_member(job, folder, model=None, losses=None, seconds=1.5):
    """Keep a member as if it were trained, with its first weights or a model's."""
    losses = losses or [0.5] * job.epochs
    params = [p.data for p in (model or untrained(job)).params]
    path = member_path(job, folder)
    write_finished(path, TrainedMember(job, params, losses, seconds), job)
    return path


def on_many_images(score):
    """Return the same fractions of a million times as many images."""
    counts = [count * 10**6 for count in score.fooled]
    return dataclasses.replace(score, images=sum(counts), fooled=counts)


def certain(result):
    """A method's result of very many images."""
    attacks = {
        attack: AttackResult(
            [on_many_images(score) for score in r.adv1], on_many_images(r.adv2)
        )
        for attack, r in result.attacks.items()
    }
    clean = on_many_images(result.clean_attacked)
    return dataclasses.replace(result, clean_attacked=clean, attacks=attacks)


def with_papers_numbers(results, half, images=10**8):
    """Return results with exactly the paper's numbers.

    By default on so many images that every difference is significant.
    """
    cells = {
        attack: {
            method: {
                column: Cell(accuracy, [accuracy], images)
                for column, accuracy in zip(next(iter(old.values())), row, strict=True)
            }
            for method, row in TABLE2[half][attack].items()
        }
        for attack, old in results.table2.items()
    }
    methods = {method: certain(result) for method, result in results.methods.items()}
    return with_table2(dataclasses.replace(results, methods=methods), cells)


@dataclasses.dataclass(frozen=True)
class WithTable2(Results):
    """Results whose Table 2 isn't derived."""

    table2: Table2 = None


def with_table2(results, cells):
    """The same results with other cells."""
    own = {f.name: getattr(results, f.name) for f in dataclasses.fields(Results)}
    return WithTable2(**own, table2=cells)
