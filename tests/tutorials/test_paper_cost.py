"""Hours from speeds: a hand count, and the page that shows them."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ensembles import METHODS
from tutorials.paper import cost
from tutorials.paper.experiment.config import configure
from tutorials.paper.results import read

ROOT = Path(__file__).parents[2]
ONE_A_SECOND = {"training step": 1.0, "input gradient": 1.0, "forward": 1.0}


def test_images_of_a_small_run_counted_by_hand():
    config = configure("mnist", "full", members=3)
    assert cost.training_seconds(config, 100, ONE_A_SECOND) == 10 * 100
    # FGSM 1 step, BIM 8: Adv. 1 by 3 members and Adv. 2 by the sum of 3.
    gradients = 9 * (3 + 3) * 5
    shown = 3 * 5 * (1 + 2 * (3 + 1))  # clean, and each attack's 3 + 1 results
    assert cost.evaluation_seconds(config, 5, ONE_A_SECOND) == gradients + shown


def test_multiplications_of_table_1():
    a, b = 26 * 26 * 9 * 32, 24 * 24 * 9 * 32 * 32
    assert cost.multiplications("mnist-cnn") == a + b + 12 * 12 * 32 * 128 + 128 * 10


def test_cores_take_the_next_member_when_they_are_free(monkeypatch):
    """Mixed models that compute twice as much count as two members."""
    speeds = {"Table 1": ONE_A_SECOND}
    mixed = {"mixed-models": 2.0}
    monkeypatch.setattr(cost, "work", lambda job: mixed.get(job.method, 1.0))
    one, two, forty, more = (cost.hours("mnist", speeds, c) for c in (1, 2, 40, 80))
    assert one[0] == pytest.approx(50 * 10 * 60_000 / 3600)
    assert two == pytest.approx((one[0] / 2, one[1] / 2))
    assert forty[0] == more[0] == pytest.approx(2 * one[0] / 50)
    monkeypatch.setattr(cost, "work", lambda job: 1.0)
    assert cost.hours("mnist", speeds, 1)[1] == pytest.approx(one[1] * 40 / 50)


def test_mixed_models_compute_more_than_their_table():
    jobs = METHODS["mixed-models"](10, 0, "mnist")
    assert cost.work(jobs[0]) == 1
    assert all(cost.work(job) > 1 for job in jobs[1:])


def test_what_training_took(folder):
    results = read(folder)
    seconds = {"random-init": [3600.0, 1800.0], "bagging": [900.0]}
    execution = replace(results.execution, member_seconds=seconds)
    assert execution.core_hours == 1.75
    words = cost.measured([replace(results, execution=execution)])
    assert "training took: mnist-sample 1.75 core-hours on " in words


def test_the_page_shows_the_committed_speeds(monkeypatch, tmp_path):
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs/distributed.md"
    shutil.copy(ROOT / "docs/distributed.md", page)
    shutil.copytree(ROOT / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    cost.update(Path("results/benchmarks.json"), Path("docs/distributed.md"))
    assert page.read_text() == (ROOT / "docs/distributed.md").read_text()
