"""Results made up for tests."""

import dataclasses

from tutorials.paper.collect import table2
from tutorials.paper.config import configure
from tutorials.paper.environment import environment
from tutorials.paper.paper_numbers import TABLE2
from tutorials.paper.results import (
    AttackResult,
    Cell,
    Data,
    Examples,
    Execution,
    Member,
    MethodResult,
    Results,
    Score,
)

MEMBERS = 2
IMAGES = 10


def score(members, ensemble, images=IMAGES):
    return Score(images, list(members), ensemble, [images, 0, 0])


def method_result():
    """Each member's accuracy is 0.1 under its own gradient, 0.6 under the other's."""
    attacked = AttackResult(
        adv1=[score((0.1, 0.6), 0.3), score((0.6, 0.1), 0.5)],
        adv2=score((0.2, 0.2), 0.2),
    )
    return MethodResult(
        members=[Member(i, 7, "mnist-cnn", [1.0, 0.5]) for i in range(MEMBERS)],
        clean=score((0.96, 0.98), 0.99, 100),
        clean_attacked=score((0.9, 1.0), 1.0),
        attacks={"fgsm": attacked, "bim": attacked},
    )


def made_up(dataset="mnist-sample", **settings):
    config = configure(dataset, members=MEMBERS, **settings)
    methods = {method: method_result() for method in config.methods}
    return Results(
        schema=1,
        configuration=config,
        data=Data(100, 100, [f"class {i}" for i in range(10)]),
        methods=methods,
        table2=table2(methods),
        examples=Examples(config.methods[0], 0, "bim"),
        environment=environment(),
        execution=Execution("2017-09-11T00:00:00+00:00", 1.0, 2, {}),
    )


def with_papers_numbers(results, half):
    """The results that a run has if it comes out exactly as the paper's."""
    cells = {
        attack: {
            method: {
                column: Cell(accuracy, [accuracy], 10_000)
                for column, accuracy in zip(next(iter(old.values())), row, strict=True)
            }
            for method, row in TABLE2[half][attack].items()
        }
        for attack, old in results.table2.items()
    }
    return dataclasses.replace(results, table2=cells)
