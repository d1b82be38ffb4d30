"""Methods run by several commands join in one results.json."""

from dataclasses import replace

import pytest

from tests.tutorials.made_up import made_up
from tutorials.paper.experiment.config import configure
from tutorials.paper.results import write
from tutorials.paper.results.merge import both_environments, earlier, merge

FIRST = ["random-init", "gaussian-noise"]


@pytest.fixture
def before():
    results = made_up(methods=FIRST)
    seconds = {"random-init": [1.0], "gaussian-noise": [2.0]}
    return replace(
        results,
        execution=replace(results.execution, seconds=10.0, member_seconds=seconds),
    )


@pytest.fixture
def now():
    results = made_up(methods=["bagging"])
    execution = replace(
        results.execution, date="now", seconds=5.0, member_seconds={"bagging": [3.0]}
    )
    return replace(results, execution=execution)


def test_methods_stand_in_the_papers_order(before, now):
    both = merge(before, now)
    expected = ["random-init", "bagging", "gaussian-noise"]
    assert both.configuration.methods == expected
    assert list(both.methods) == expected
    for attack in ("fgsm", "bim"):
        assert list(both.table2[attack]) == expected


def test_no_time_is_lost(before, now):
    execution = merge(before, now).execution
    assert (execution.date, execution.seconds) == ("now", 15.0)
    assert execution.member_seconds == {
        "random-init": [1.0],
        "gaussian-noise": [2.0],
        "bagging": [3.0],
    }


def test_machines_that_differ_are_all_named(before, now):
    here = now.environment
    there = replace(here, cpu="another", numpy="1.0")
    elsewhere = replace(before, environment=there)
    both = merge(elsewhere, now)
    cpus = f"another and {here.cpu}"
    expected = replace(here, cpu=cpus, numpy=f"1.0 and {here.numpy}")
    assert both.environment == expected
    assert both_environments(expected, here) == expected  # once each
    same_method = replace(now, environment=there)
    assert merge(same_method, now).environment == expected
    assert merge(same_method, now, fresh=True) == now


def test_figure_1_keeps_its_member(before, now):
    assert merge(before, now).examples.method == "random-init"

    shown = replace(before.examples, method="gaussian-noise")
    assert merge(replace(before, examples=shown), before).examples == before.examples


def test_a_repeated_command_adds_its_time(before):
    again = replace(before, execution=replace(before.execution, seconds=1.0))
    assert merge(before, again) == replace(
        before, execution=replace(before.execution, seconds=11.0)
    )
    assert merge(before, again, fresh=True) == again


def test_an_equal_experiment_is_found(before, tmp_path):
    write(before, tmp_path)
    assert earlier(tmp_path, configure(methods=["bagging"], members=2)) == before


def test_a_folder_without_results(tmp_path):
    assert earlier(tmp_path, configure()) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 3}, "members is 2, asked for 3"),
        ({"members": 2, "seed": 5}, "seed is 0, asked for 5"),
        ({"members": 2, "dataset": "mnist"}, "dataset is 'mnist-sample', asked for"),
        ({"members": 2, "profile": "smoke"}, "profile is 'quick', asked for 'smoke'"),
    ],
)
def test_another_experiment_is_not_overwritten(before, tmp_path, settings, message):
    write(before, tmp_path)
    with pytest.raises(ValueError, match=f"holds another experiment: {message}"):
        earlier(tmp_path, configure(**settings))
