"""Controls draw a picture again; outside a notebook it shows three settings."""

import base64
import io
import os
import re

import matplotlib.image
import nbformat
import numpy as np
import pytest
from IPython import display
from nbclient import NotebookClient
from numpy.testing import assert_array_equal

from tutorials import drag, panels
from tutorials.plots import empty_figure

CONTROLS = {"eps": [0.0, 0.25, 0.5, 1.0], "whose": ["mine", "yours"]}
TEXT = "A field."


def draw(figure, eps=0.25, whose="mine"):
    """Fill the figure with a grey, or with its negative."""
    figure.set_facecolor(str(eps if whose == "mine" else 1 - eps))


def pixels(panel):
    """The picture that a panel shows now."""
    png = base64.b64decode(re.search('base64,(.*?)"', panel.children[0].value)[1])
    return matplotlib.image.imread(io.BytesIO(png))[:, :, 0]


@pytest.fixture
def panel():
    return drag.panel(draw, TEXT, (1, 1), CONTROLS)


def moved(panel, i):
    """The i-th control, and its buttons back and forward."""
    return panel.children[1 + i].children


def test_it_starts_at_the_defaults_of_the_drawing(panel):
    eps, whose = (moved(panel, i)[0] for i in range(2))
    assert (eps.value, whose.value) == (0.25, "mine")
    assert eps.options == (("0", 0.0), ("0.25", 0.25), ("0.5", 0.5), ("1", 1.0))
    assert np.allclose(pixels(panel), 0.25, atol=0.01)


def test_a_moved_control_draws_again_and_says_where_it_is(panel):
    eps, whose = (moved(panel, i)[0] for i in range(2))
    eps.value = 1.0
    assert np.allclose(pixels(panel), 1, atol=0.01)
    whose.value = "yours"
    assert np.allclose(pixels(panel), 0, atol=0.01)
    assert f'alt="{TEXT} Here: eps = 1, whose = yours."' in panel.children[0].value


def test_buttons_step_back_and_forward_and_stop_at_the_ends(panel):
    eps, back, forward = moved(panel, 0)
    for button, values in ((forward, (0.5, 1.0, 1.0)), (back, (0.5, 0.25, 0.0, 0.0))):
        for value in values:
            button.click()
            assert eps.value == value
            assert np.allclose(pixels(panel), value, atol=0.01)
    assert (back.tooltip, forward.tooltip) == ("eps: back", "eps: forward")


def test_a_still_picture_has_three_settings_of_the_first_control():
    figure = drag.three_settings(draw, (1, 2), CONTROLS)
    assert tuple(figure.get_size_inches()) == (1, 6)
    assert [part.get_suptitle() for part in figure.subfigs] == [
        "eps = 0",
        "eps = 0.5",
        "eps = 1",
    ]
    greys = [part.get_facecolor()[0] for part in figure.subfigs]
    assert greys == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("what", ["no notebook", "no ipywidgets", "still"])
def test_where_nothing_can_be_dragged_the_picture_is_still(monkeypatch, what):
    shown = []
    monkeypatch.setattr(drag, "picture", lambda figure, text: shown.append(text))
    monkeypatch.setattr(drag, "in_notebook", lambda: what != "no notebook")
    monkeypatch.setenv("MINIDL_PICTURES", "still" if what == "still" else "")
    if what == "no ipywidgets":
        monkeypatch.setattr(drag.importlib.util, "find_spec", lambda name: None)
    drag.drag(draw, TEXT, (1, 1), **CONTROLS)
    assert shown == [TEXT]


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({}, "drag needs a control"),
        ({"epz": [0.0]}, "epz must be an argument of draw .* got None"),
        ({"eps": [0.0, 1.0]}, r"eps must .* default one of \[0.0, 1.0\], got 0.25"),
    ],
)
def test_a_control_that_cant_be_is_named_in_a_script_too(controls, message):
    with pytest.raises(ValueError, match=message):
        drag.drag(draw, TEXT, (1, 1), **controls)


def test_a_notebook_shows_the_panel(monkeypatch):
    shown = []
    monkeypatch.setattr(drag, "in_notebook", lambda: True)
    monkeypatch.delenv("MINIDL_PICTURES", raising=False)
    monkeypatch.setattr(display, "display", shown.append)
    drag.drag(draw, TEXT, (1, 1), **CONTROLS)
    assert np.allclose(pixels(shown[0]), 0.25, atol=0.01)


def test_maps_of_a_layer_stand_beside_each_other():
    out = np.arange(10 * 2 * 3, dtype=np.float32).reshape(10, 2, 3).transpose(1, 2, 0)
    shown = panels.maps(out)
    assert shown.shape == (5, 19)  # two rows of five, with a pixel between
    for f in range(10):
        row, column = divmod(f, 5)
        place = shown[3 * row : 3 * row + 2, 4 * column : 4 * column + 3]
        assert_array_equal(place, out[:, :, f])


@pytest.mark.parametrize(("units", "shape"), [(10, (1, 10)), (70, (3, 32))])
def test_units_stand_in_rows(units, shape):
    shown = panels.maps(np.arange(1.0, units + 1))
    assert shown.shape == shape
    assert_array_equal(shown.ravel()[:units], np.arange(1, units + 1))
    assert not shown.ravel()[units:].any()


def test_a_committee_is_drawn_with_each_members_gradient_and_vote():
    rng = np.random.default_rng(0)
    x, x_adv = rng.random((2, 4, 4, 1))
    g = rng.standard_normal((3, 4, 4, 1))
    p = rng.dirichlet(np.ones(10), 3)
    figure = empty_figure(9, 4)
    panels.committee(figure, x, x_adv, g, g.sum(axis=0), p)
    above, below = figure.axes[:5], figure.axes[5:]
    for axes, image in zip(above, (x_adv, *g, g.sum(axis=0)), strict=True):
        assert_array_equal(axes.images[0].get_array(), image[:, :, 0])
    assert_array_equal(below[0].images[0].get_array(), (x_adv - x)[:, :, 0])
    for axes, row in zip(below[1:], (*p, p.mean(axis=0)), strict=True):
        assert [bar.get_height() for bar in axes.patches] == list(row)
    assert below[4].get_title() == f"mean: {p.mean(axis=0).argmax()}"


def test_three_members_votes_are_bars_side_by_side():
    p = np.random.default_rng(0).dirichlet(np.ones(10), 3)
    [axes] = empty_figure(4, 3).subplots(1, 1, squeeze=False).flat
    panels.vote_bars(axes, p)
    assert [bar.get_height() for bar in axes.patches] == list(p.ravel())
    places = [bar.get_center()[0] for bar in axes.patches]
    assert [round(place) for place in places] == [*range(10)] * 3
    assert len(set(np.round(places, 3))) == 30


CELL = """
from tutorials.drag import drag

def draw(figure, eps=0.5):
    figure.set_facecolor(str(eps))

drag(draw, "A grey field.", (1, 1), eps=[0.0, 0.5, 1.0])
"""


@pytest.mark.slow
@pytest.mark.parametrize("still", [True, False])
def test_a_kernel_shows_controls_unless_the_notebook_is_kept(still):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    env = os.environ | {"MINIDL_PICTURES": "still" if still else ""}
    NotebookClient(notebook, timeout=60).execute(env=env)
    [output] = notebook.cells[0].outputs
    assert ("text/html" in output.data) == still
    assert ("application/vnd.jupyter.widget-view+json" in output.data) != still
