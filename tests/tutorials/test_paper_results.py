"""results.json follows its schema, and nothing else is accepted."""

import pytest

from minidl.store import DamagedError, read_json, write_json
from tests.tutorials.made_up import made_up
from tutorials.paper import results as results_file
from tutorials.paper.results import Cell, Score


@pytest.fixture
def content(results, tmp_path):
    results_file.write(results, tmp_path)
    return read_json(tmp_path / "results.json")


def refusal(content, tmp_path):
    write_json(tmp_path / "results.json", content)
    with pytest.raises(DamagedError, match=r"results\.json is damaged or ano") as e:
        results_file.read(tmp_path)
    return str(e.value)


@pytest.mark.parametrize("dataset", ["mnist-sample", "cifar10"])
@pytest.mark.parametrize("methods", [None, ["bagging"]])
def test_what_is_written_is_read(dataset, methods, tmp_path):
    results = made_up(dataset, methods=methods)
    results_file.write(results, tmp_path)
    assert results_file.read(tmp_path) == results


def test_another_schema_is_refused(content, tmp_path):
    assert "schema must be 1" in refusal(content | {"schema": 2}, tmp_path)


def test_a_changed_number_is_refused(content, tmp_path):
    path = tmp_path / "results.json"
    text = path.read_text(encoding="utf-8")
    assert '"accuracy": 0.99' in text
    path.write_text(text.replace('"accuracy": 0.99', '"accuracy": 0.98'))
    with pytest.raises(DamagedError, match=r"results\.json .*checksum doesn't match"):
        results_file.read(tmp_path)


def test_a_missing_key_is_named(content, tmp_path):
    del content["methods"]["bagging"]["clean"]["ensemble"]
    assert "methods.bagging.clean.ensemble is missing" in refusal(content, tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content["methods"].pop("bagging"),
        lambda content: content["methods"]["bagging"]["attacks"].pop("bim"),
        lambda content: content["methods"]["bagging"]["attacks"]["bim"]["adv1"].pop(),
        lambda content: content["methods"]["bagging"]["members"].pop(),
        lambda content: content["methods"]["bagging"]["members"][0].update(losses=[]),
        lambda content: content["table2"]["bim"].pop("bagging"),
        lambda content: content["data"].update(classes=[]),
        lambda content: content["configuration"].update(members=3),
    ],
)
def test_incomplete_results_are_refused(content, tmp_path, spoil):
    spoil(content)
    refusal(content, tmp_path)


def test_an_unknown_key_is_named(content, tmp_path):
    content["configuration"]["extra"] = 1
    assert "configuration.extra is unknown" in refusal(content, tmp_path)


@pytest.mark.parametrize("value", ["0.5", None, True, [0.5]])
def test_another_type_is_named(content, tmp_path, value):
    content["table2"]["fgsm"]["bagging"]["adv1_single"]["accuracy"] = value
    message = refusal(content, tmp_path)
    assert "table2.fgsm.bagging.adv1_single.accuracy must be float" in message


def test_an_item_of_another_type_is_named(content, tmp_path):
    content["data"]["classes"][3] = 3
    assert "data.classes[3] must be str" in refusal(content, tmp_path)


def test_an_integer_must_be_one(content, tmp_path):
    content["configuration"]["members"] = 2.5
    assert "configuration.members must be int" in refusal(content, tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "1", "{", "{}"])
def test_other_files_are_refused(text, tmp_path):
    (tmp_path / "results.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="is damaged or another's"):
        results_file.read(tmp_path)


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
    write_json(tmp_path / "results.json", content)
    assert results_file.read(tmp_path).data.differences == []
