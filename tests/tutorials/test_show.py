"""What the chapters show: sources, tables, pictures."""

import importlib.util

import numpy as np
import pytest
from IPython import display

from minidl import Linear, ReLU, Sequential, kernels, trace
from tutorials import show


def test_the_source_is_the_librarys(capsys):
    show.source(Linear.forward)
    printed = capsys.readouterr().out
    assert printed.startswith("# minidl/layers/linear.py, line ")
    assert "\ndef forward(self, x: Array" in printed
    assert "out = kernels.matmul(x, self.W.data) + self.b.data" in printed


def test_the_source_of_a_package_is_its_file(capsys):
    show.source(kernels.warm_up)
    assert capsys.readouterr().out.startswith("# minidl/kernels/__init__.py, line ")


def test_a_table_has_columns(capsys):
    show.table(("what", "n", "size"), [("a", 1, 0.123456), ("long", 100, (2, 3))])
    assert capsys.readouterr().out == (
        "what    n    size\na       1  0.1235\nlong  100     2x3\n"
    )


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.95, 0.81666, 0.02667], ["0.9500", "0.8167", "0.0267"]),
        ([0.0, 0.025, 0.2], ["0.000", "0.025", "0.200"]),
        ([1.0, 1.0], ["1", "1"]),
        ([np.float32(0.5), "-", 3], ["0.5", "-", "3"]),
        ([12345.6, 2000.0], ["12346", "2000"]),
        ([-14.21, 0.5628], ["-14.21", "0.56"]),
        ([1.0, 1e-5], ["1", "1e-05"]),  # too different for one number of decimals
        ([1.245e-12, 8.99e-13], ["1.245e-12", "8.99e-13"]),
        ([float("inf"), 0.25], ["inf", "0.25"]),
        ([0.0, 0.0], ["0", "0"]),
    ],
)
def test_floats_of_like_size_get_the_same_decimals(values, shown):
    assert show.texts(values) == shown


def test_a_walk_is_the_trace(capsys):
    rng = np.random.default_rng(0)
    model = Sequential([Linear(3, 4, rng=rng), ReLU(), Linear(4, 2, rng=rng)], (3,))
    x, y = rng.standard_normal((5, 3)).astype(np.float32), np.zeros(5, int)
    show.walk(model, x, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    for line, step in zip(lines[1:], trace(model, x, y), strict=True):
        name, shape, *numbers = line.rsplit(maxsplit=5)
        assert (name, shape) == (step.name, str(step.output.shape[1]))
        expected = [
            step.output.min(),
            step.output.max(),
            (step.output == 0).mean(),
            abs(step.doutput).max(),
        ]
        np.testing.assert_allclose(list(map(float, numbers)), expected, atol=6e-4)


def test_a_script_saves_its_pictures(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["somewhere/07_chapter.py"])
    figure, (axes,) = show.new_figure()
    show.image(axes, np.eye(4), "one", signed=True)
    show.picture(figure, "a diagonal")
    [path] = (tmp_path / "pictures").iterdir()
    assert path.name.startswith("07_chapter-")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert "a diagonal" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("signed", "values"), [(True, (-2.0, 2.0)), (False, (0.0, 1.0))]
)
def test_colours_have_zero_in_the_middle_or_the_range_of_pixels(signed, values):
    figure, (axes,) = show.new_figure()
    show.image(axes, np.array([[-2.0, 1.0], [0.0, 0.5]]), signed=signed)
    assert axes.images[0].get_clim() == values
    assert len(figure.axes) == 1


def test_two_signed_images_can_have_one_scale():
    _, axes = show.new_figure(2)
    for panel, size in zip(axes, (1.0, 2.0), strict=True):
        show.image(panel, size * np.eye(4), signed=True, limit=2.0)
        assert panel.images[0].get_clim() == (-2.0, 2.0)


@pytest.fixture
def shown(monkeypatch):
    """What a notebook is given to show."""
    shown = []
    monkeypatch.setattr(show, "in_notebook", lambda: True)
    monkeypatch.setattr(display, "display", lambda data, **_: shown.append(data))
    return shown


def test_a_notebook_shows_and_describes_its_pictures(shown, capsys):
    figure, _ = show.new_figure()
    show.picture(figure, 'a "nothing" to be seen')
    [data] = shown
    assert data["text/plain"] == 'a "nothing" to be seen'
    image = data["text/html"]
    assert image.startswith('<img src="data:image/png;base64,iVBOR')
    assert 'alt="a &quot;nothing&quot; to be seen"' in image
    assert capsys.readouterr().out == ""


def test_a_notebook_doesnt_break_lines(shown):
    show.table(("<a>", "b"), [("c", 1)])
    [data] = shown
    assert data["text/plain"] == "<a>  b\nc    1"
    assert data["text/html"].startswith('<pre style="overflow-x: auto; ')
    assert "&lt;a&gt;  b\nc    1</pre>" in data["text/html"]


def test_what_is_not_installed_is_named_before_a_chapter_trains(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    message = r"a chapter needs matplotlib: pip install 'minidl\[tutorials\]'"
    with pytest.raises(ModuleNotFoundError, match=message):
        importlib.reload(show)
