"""A file of results a method: its schema, and what a folder's files say together."""

from dataclasses import replace

import pytest

from minidl.store import DamagedError, read_json, write_json
from tests.tutorials.made_up import made_up
from tutorials.paper import results as results_file
from tutorials.paper.experiment.config import configure
from tutorials.paper.results import Cell, Score
from tutorials.paper.results.files import all_environments, read_files

BOTH = ["bagging", "gaussian-noise"]


@pytest.fixture
def content(results, tmp_path):
    results_file.write(results, tmp_path)
    return read_json(tmp_path / "bagging.json")


def refusal(content, tmp_path):
    write_json(tmp_path / "bagging.json", content)
    with pytest.raises(DamagedError, match=r"bagging\.json is damaged or not") as e:
        results_file.read(tmp_path)
    return str(e.value)


@pytest.mark.parametrize("dataset", ["mnist-sample", "cifar10"])
@pytest.mark.parametrize("methods", [None, ["bagging"]])
def test_what_is_written_is_read(dataset, methods, tmp_path):
    results = made_up(dataset, methods=methods)
    results_file.write(results, tmp_path)
    assert results_file.read(tmp_path) == results
    assert results_file.methods_in(tmp_path) == [*results.methods]


def test_a_folder_without_results(tmp_path):
    assert results_file.methods_in(tmp_path) == read_files(tmp_path, configure()) == []
    with pytest.raises(FileNotFoundError, match=r"no results in .*the verb run"):
        results_file.read(tmp_path)


def test_methods_of_several_commands_are_read_together(tmp_path):
    """In the paper's order, with the times of all and the date of the latest."""
    for day, method in enumerate(reversed(BOTH), start=1):
        own = made_up(methods=[method])
        execution = replace(own.execution, date=f"2026-01-0{day}", seconds=day)
        results_file.write(replace(own, execution=execution), tmp_path)
    found = results_file.read(tmp_path)
    assert found.configuration.methods == list(found.methods) == BOTH
    assert found.methods == made_up(methods=BOTH).methods
    assert [list(cells) for cells in found.table2.values()] == [BOTH] * 2
    assert (found.execution.date, found.execution.seconds) == ("2026-01-02", 2)
    assert found.execution.member_seconds.keys() == {*BOTH}
    assert found.examples.method == "bagging"


def test_machines_that_differ_are_all_named():
    here = made_up().environment
    there = replace(here, cpu="another", numpy="1.0")
    together = all_environments([there, here, there])
    cpus, versions = f"another and {here.cpu}", f"1.0 and {here.numpy}"
    assert together == replace(here, cpu=cpus, numpy=versions)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 3}, "members is 2, asked for 3"),
        ({"members": 2, "seed": 5}, "seed is 0, asked for 5"),
        ({"members": 2, "dataset": "mnist"}, "dataset is 'mnist-sample', asked for"),
        ({"members": 2, "profile": "smoke"}, "profile is 'quick', asked for 'smoke'"),
    ],
)
def test_another_experiment_is_not_overwritten(tmp_path, settings, message):
    results_file.write(made_up(methods=BOTH), tmp_path)
    assert len(read_files(tmp_path, configure(members=2))) == 2
    with pytest.raises(ValueError, match=f"holds another experiment: {message}"):
        read_files(tmp_path, configure(**settings))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("configuration", {"seed": 1}, r"noise\.json holds .*seed is 1, asked for 0"),
        (
            "configuration",
            {"dataset": "mnist"},
            "dataset is 'mnist', asked for 'mnist-",
        ),
        ("data", {"differences": ["one image"]}, "another experiment: differences is"),
    ],
)
def test_methods_of_different_experiments_are_not_read_together(
    tmp_path, name, change, message
):
    one, other = (made_up(methods=[method]) for method in BOTH)
    changed = replace(getattr(other, name), **change)
    results_file.write(one, tmp_path)
    results_file.write(replace(other, **{name: changed}), tmp_path)
    with pytest.raises(ValueError, match=message):
        results_file.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("configuration", {"dataset": "svhn"}),
        ("configuration", {"profile": "<b>"}),
        ("configuration", {"optimizer": "<img onerror=x>"}),
        ("configuration", {"attacks": {"pgd": {"eps": 0.3}}}),
        ("data", {"differences": ["<script>"]}),
        ("environment", {"minidl": "<script>alert(2)</script>"}),
        ("execution", {"date": "a | b"}),
    ],
)
def test_what_a_page_could_not_show_is_refused(content, tmp_path, name, change):
    """The file may be a stranger's."""
    path = tmp_path / "bagging.json"
    write_json(path, content | {name: content[name] | change})
    with pytest.raises(DamagedError, match=r"bagging\.json is damaged or not"):
        results_file.read(tmp_path)


def test_another_methods_file_is_refused(content, tmp_path):
    (tmp_path / "bagging.json").rename(tmp_path / "random-init.json")
    with pytest.raises(DamagedError, match=r"random-init\.json is .*it holds \['bag"):
        results_file.read(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda c, own: c.update(schema=1), "schema must be 2"),
        (lambda c, own: c["methods"].pop("bagging"), "it holds"),
        (lambda c, own: own["attacks"].pop("bim"), "lacks an attack"),
        (lambda c, own: own["attacks"]["bim"]["adv1"].pop(), "bagging lacks scores"),
        (lambda c, own: own["members"].pop(), "bagging lacks members"),
        (lambda c, own: own["members"][0].update(losses=[]), "a member has no loss"),
        (lambda c, own: c["data"].update(classes=[]), "it names no classes"),
        (lambda c, own: c["configuration"].update(members=3), "bagging lacks scores"),
        (lambda c, own: own["clean"].pop("ensemble"), "clean.ensemble is missing"),
        (lambda c, own: c["configuration"].update(extra=1), "extra is unknown"),
    ],
)
def test_incomplete_results_are_refused(content, tmp_path, spoil, words):
    spoil(content, content["methods"]["bagging"])
    assert words in refusal(content, tmp_path)


@pytest.mark.parametrize("accuracy", [-0.1, 1.1, float("nan")])
def test_accuracies_are_fractions(accuracy):
    with pytest.raises(ValueError, match="must be in"):
        Cell(accuracy, [0.5], 10)
    with pytest.raises(ValueError, match="must be in"):
        Cell(0.5, [accuracy], 10)
    with pytest.raises(ValueError, match="must be in"):
        Score(10, [accuracy], 0.5, [10, 0])


@pytest.mark.parametrize("fooled", [[10], [10, 0, 0], [9, 0]])
def test_fooled_counts_every_image(fooled):
    with pytest.raises(ValueError, match="fooled must count 10 images for 0 to 1"):
        Score(10, [0.5], 0.5, fooled)


def test_a_file_from_before_data_had_differences(content, tmp_path):
    del content["data"]["differences"]
    write_json(tmp_path / "bagging.json", content)
    assert results_file.read(tmp_path).data.differences == []
