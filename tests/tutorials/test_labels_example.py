"""One image's path, and the steps that are drawn, on the chapters' networks."""

from pathlib import Path

import numpy as np
import pytest

from attacks import bim, sum_gradient
from ensembles import Ensemble
from minidl.data import load_mnist_sample
from minidl.store.schema import read_as
from tutorials.anomaly.labels.example import (
    BACK,
    DRAWN,
    EXAMPLE,
    SURE,
    Example,
    make_example,
)
from tutorials.anomaly.labels.figures import draw_path, draw_walks
from tutorials.paper.experiment.labels import TRUE
from tutorials.trained import ensemble

COMMITTED = Path(__file__).parents[2] / "results/labels" / EXAMPLE


@pytest.fixture(scope="module")
def example():
    return make_example()


def test_the_committed_example_is_what_the_networks_do(example):
    """Other processors round differently, and a sign may follow."""
    kept = read_as(Example, COMMITTED)
    assert (kept.images, [t.rule for t in kept.trails]) == (300, list(DRAWN))
    for one, other in zip(kept.trails, example.trails, strict=True):
        np.testing.assert_allclose(one.right, other.right, atol=6)


def test_the_trail_is_bims(example):
    """With the true label, against BIM itself with fewer steps."""
    [trail] = [t for t in example.trails if t.rule == TRUE]
    data, members = load_mnist_sample(), ensemble()
    x, y = data.x_test[:300] / np.float32(255), data.y_test[:300]
    for steps in (0, 3, 8):
        x_adv = bim(sum_gradient(members), x, y, 0.2, 0.025, steps) if steps else x
        predicted = Ensemble(members).predict(x_adv)
        assert trail.right[steps] == (predicted == y).sum()
        assert trail.predicted[steps] == predicted[example.image]
    assert example.label == y[example.image]
    assert trail.back == [0] * 9 or sum(trail.back) < 5


def test_the_image_is_clear_at_first_and_comes_back_most_often(example):
    trails = {t.rule: t for t in example.trails}
    for trail in trails.values():
        right = np.array(trail.predicted) == example.label
        assert (right == (np.array(trail.margins) > 0)).all()
    margins = np.array(trails[BACK].margins)
    assert margins[0] > np.log(SURE)
    assert ((margins[:-1] < 0) & (margins[1:] > 0)).sum() >= 2
    pixels = [np.frombuffer(bytes.fromhex(p), np.uint8) for p in example.pixels]
    moved = [abs(p.astype(int) - pixels[0]).max() for p in pixels]
    assert moved[0] == 0
    assert max(moved) <= 51  # eps = 0.2 of 255
    assert len(pixels) == 9


def test_relabelling_weakens_the_attack(example):
    left = {t.rule: t.right[-1] for t in example.trails}
    assert left[BACK] > left[TRUE] + 60


def test_the_pictures_show_the_numbers(example):
    figure = draw_path(example)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert list(lines[TRUE].get_ydata()) == example.trails[0].margins
    assert len(figure.axes) == 1 + 9
    right, back = ({r: [10, i] for i, r in enumerate(DRAWN)} for _ in range(2))
    figure = draw_walks(right, back | {BACK: [0, 5]}, 10)
    [line] = [a for a in figure.axes[1].get_lines() if a.get_label() == BACK]
    assert list(line.get_ydata()) == [0, 0.5]
