"""The factor s: crossings of known curves, intervals, and a search on real members."""

import numpy as np
import pytest

from minidl.store import write_json
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
def test_where_a_curve_reaches_its_target(curve, expected):
    found = scale.crossing([1.0, 2.0, 3.0], np.array(curve), 0.25)
    assert found == pytest.approx(expected)


def falls_at(limits):
    """Images that are misclassified from these factors on."""
    return np.array(scale.FACTORS)[:, None, None] < limits


def test_the_interval_covers_images_and_members():
    """It narrows as 1 / sqrt(N) if members are alike, and not if they differ."""
    widths = {}
    for N in (100, 1600):
        limits = np.random.default_rng(1).normal(1, 0.2, N)
        alike = np.tile(limits, (4, 1))
        differ = alike + np.array([[-0.3], [0], [0.1], [0.2]])
        for name, each in (("alike", alike), ("differ", differ)):
            s, low, high = scale.with_interval(falls_at(each), scale.FACTORS, 0.5)
            assert low < s < high
            assert s == pytest.approx(np.median(each), abs=0.04)
            widths[name, N] = high - low
    assert widths["alike", 100] / widths["alike", 1600] == pytest.approx(4, rel=0.3)
    assert widths["differ", 1600] > 5 * widths["alike", 1600]


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


def test_without_a_factor_nothing_is_chosen(plan, team, monkeypatch):
    monkeypatch.setattr(scale, "FACTORS", [0.05, 0.1])
    monkeypatch.setattr(scale, "paper_accuracy", lambda *place: 0.01)
    with pytest.raises(ValueError, match=r"no factor between 0\.05 and 0\.1"):
        scale.find_scale(plan, team)
