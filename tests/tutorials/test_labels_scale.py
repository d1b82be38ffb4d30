"""The factor s: crossings of known curves, intervals, and a search on real members."""

from dataclasses import replace

import numpy as np
import pytest

from minidl.store import DamagedError, write_json
from tutorials.anomaly.labels import scale
from tutorials.paper.experiment.attack import carry_out
from tutorials.paper.experiment.cases import adv1, blocks


def test_lengths_are_scaled_and_steps_are_not():
    bim = {"eps": 0.2, "alpha": 0.025, "steps": 8}
    assert scale.scaled(bim, 0.5) == {"eps": 0.1, "alpha": 0.0125, "steps": 8}
    assert scale.scaled(bim, 1.0) == bim


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([1.0, 0.5, 0.0], 2.5),
        ([1.0, 0.05, 0.0], 1 + 0.75 / 0.95),
        ([0.75, 0.0, 0.5], 1 + 2 / 3),  # reached once: it doesn't matter what follows
        ([0.2, 0.1, 0.0], 1.0),
        ([0.9, 0.8, 0.7], 3.0),
        ([0.25, 0.5, 0.1], 1.0),  # at once, and again
        ([0.5, 0.25, 0.25], 2.0),
    ],
)
def test_where_a_curve_reaches_its_target(monkeypatch, curve, expected):
    monkeypatch.setattr(scale, "FACTORS", [1.0, 2.0, 3.0])
    found = scale.crossing(np.array(curve), 0.25)
    assert found == pytest.approx(expected)


def interval(limits, target=0.5):
    """With images (members, N) that are misclassified from these factors on."""
    right = np.array(scale.FACTORS)[:, None, None] < limits
    return scale.with_interval(right.sum(axis=2), limits.shape[1], target)


def test_the_interval_covers_images_and_members():
    """It narrows as 1 / sqrt(N) if members are alike, and not if they differ."""
    widths = {}
    for N in (100, 1600):
        limits = np.random.default_rng(1).normal(1, 0.2, N)
        alike = np.tile(limits, (4, 1))
        differ = alike + np.array([[-0.3], [0], [0.1], [0.2]])
        for name, each in (("alike", alike), ("differ", differ)):
            s, low, high = interval(each)
            assert low < s < high
            assert s == pytest.approx(np.median(each), abs=0.04)
            widths[name, N] = high - low
    assert widths["alike", 100] / widths["alike", 1600] == pytest.approx(4, rel=0.3)
    assert widths["differ", 1600] > 5 * widths["alike", 1600]


@pytest.mark.parametrize("members", [3, 10])
def test_19_of_20_intervals_hold_the_factor(members):
    """Members differ, and so do the images that any of them is tested on."""
    rng, runs = np.random.default_rng(0), 200
    held = 0
    for _ in range(runs):
        images, own = rng.normal(0, 0.2, 300), rng.normal(0, 0.1, (members, 1))
        _, low, high = interval(1 + images + own)
        held += low <= 1 <= high
    assert held >= 0.93 * runs


def test_an_interval_ends_at_the_factors():
    """An end stands for all beyond it, in words."""
    wide = interval(np.array([0.5, 1.0, 1.5])[:, None] + np.zeros(300))
    assert wide == (pytest.approx(1, abs=0.03), 0.4, 1.6)
    assert scale.factor_text(wide).endswith("[below 0.4, above 1.6]")
    assert scale.factor_text(interval(np.full((3, 9), 2.0))).startswith("above 1.6 [")
    assert scale.factor_text((0.75, 0.7, 0.8125)) == "0.750 [0.700, 0.812]"


def test_the_search_counts_what_the_engine_counts(plan, team, tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "FACTORS", [0.05, 0.5, 1.0])
    monkeypatch.setattr(scale, "paper_accuracy", lambda *place: 0.5)
    found = scale.find_scale(plan, team)
    assert found.low <= found.s <= found.high
    for s, correct in zip(found.factors, found.correct, strict=True):
        cases = adv1("fgsm", {"eps": 0.3 * s}, 2)
        work = [block for case in cases for block in blocks(case, team, 0, 30)]
        assert [c.ensembles[-1] for c in carry_out(work)] == correct
    write_json(tmp_path / "scale.json", found)
    assert scale.read_scale(tmp_path / "scale.json") == found
    write_json(tmp_path / "scale.json", replace(found, low=found.low - 0.1))
    with pytest.raises(DamagedError, match="its s isn't that of its counts"):
        scale.read_scale(tmp_path / "scale.json")


def test_without_a_factor_nothing_is_chosen(plan, team, monkeypatch):
    monkeypatch.setattr(scale, "FACTORS", [0.05, 0.1])
    monkeypatch.setattr(scale, "paper_accuracy", lambda *place: 0.01)
    with pytest.raises(ValueError, match=r"no factor between 0\.05 and 0\.1"):
        scale.find_scale(plan, team)
