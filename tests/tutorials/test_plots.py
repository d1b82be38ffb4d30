"""Pictures of an evaluation show its numbers."""

import numpy as np
import pytest

from attacks import Threat, accuracy_curve, evaluate, transfer_matrix
from tests.attacks.test_evaluation import Brightness, brighter, darker, make_brightness
from tutorials import plots

LEVELS = np.arange(1, 10, dtype=np.float32) / 10
X = np.ones((9, 2, 2, 1), np.float32) * LEVELS[:, None, None, None]
Y = (LEVELS > 0.5).astype(int)
THREAT = Threat("Linf", 0.15)


@pytest.fixture
def axes():
    from matplotlib import pyplot

    figure, (axes,) = plots.new_figure()
    yield axes
    pyplot.close(figure)


def test_a_curve_for_each_attack_or_of_the_worst_case(axes):
    curve = accuracy_curve(make_brightness, X, Y, THREAT, [0.05, 0.15])
    plots.plot_curve(axes, curve)
    assert [line.get_label() for line in axes.lines] == ["brighter", "darker"]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [8 / 9, 7 / 9])
    axes.clear()
    plots.plot_curve(axes, curve, "both")
    [line] = axes.lines
    np.testing.assert_allclose(line.get_ydata(), [8 / 9, 6 / 9])


def test_bars_of_an_evaluation(axes):
    plots.plot_evaluation(axes, evaluate(make_brightness, X, Y, THREAT))
    heights = [bar.get_height() for bar in axes.patches]
    np.testing.assert_allclose(heights, [1, 7 / 9, 8 / 9, 6 / 9])
    assert axes.get_title() == "untargeted, Linf <= 0.15 in [0, 1]"


def test_the_transfer_matrix(axes):
    sources = {"up": brighter, "down": darker}
    found = transfer_matrix(sources, {"it": Brightness()}, X, Y, THREAT)
    plots.plot_transfer(axes, found)
    assert [text.get_text() for text in axes.texts] == ["0.22", "0.11"]


def test_steps_and_distances(axes):
    plots.plot_steps(axes, {"attack": np.array([0, 2, 2, np.inf])})
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.25, 0.25, 0.75, 0.75])
    axes.clear()
    plots.plot_distances(axes, {"attack": np.array([0.3, 0.1, 0.2, np.inf])}, "Linf")
    curve, median = axes.lines
    np.testing.assert_allclose(curve.get_xydata()[-1], [0.3, 0.75])
    np.testing.assert_allclose(median.get_xydata(), [[0.25, 0.5]])


def test_more_curves_than_colours(axes):
    many = {f"attack {i}": np.array([0.1, 0.2]) for i in range(9)}
    plots.plot_distances(axes, many, "Linf")
    plots.plot_steps(axes, many)
    assert len(axes.get_legend_handles_labels()[1]) == 18
