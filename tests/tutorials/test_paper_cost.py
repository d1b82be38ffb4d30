"""Hours from speeds: a hand count, and the page that shows them."""

import shutil
from pathlib import Path

import pytest

from tutorials.paper import cost
from tutorials.paper.config import configure

ROOT = Path(__file__).parents[2]
ONE_A_SECOND = {"training step": 1.0, "input gradient": 1.0, "forward": 1.0}


def test_images_of_a_small_run_counted_by_hand():
    config = configure("mnist", "full", members=3)
    assert cost.training_seconds(config, 100, ONE_A_SECOND) == 10 * 100
    # FGSM 1 step, BIM 8: Adv. 1 by 3 members and Adv. 2 by the sum of 3.
    gradients = 9 * (3 + 3) * 5
    shown = 3 * 5 * (1 + 2 * (3 + 1))  # clean, and each attack's 3 + 1 results
    assert cost.evaluation_seconds(config, 5, ONE_A_SECOND) == gradients + shown


def test_cores_take_members_in_rounds():
    speeds = {"Table 1": ONE_A_SECOND}
    one, two, forty, more = (cost.hours("mnist", speeds, c) for c in (1, 2, 40, 80))
    assert one[0] == 40 * 10 * 60_000 / 3600
    assert two == pytest.approx((one[0] / 2, one[1] / 2))
    assert forty[0] == more[0] == pytest.approx(one[0] / 40)


def test_the_page_shows_the_committed_speeds(monkeypatch, tmp_path):
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs/distributed.md"
    shutil.copy(ROOT / "docs/distributed.md", page)
    shutil.copytree(ROOT / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    cost.update(Path("results/benchmarks.json"), Path("docs/distributed.md"))
    assert page.read_text() == (ROOT / "docs/distributed.md").read_text()
