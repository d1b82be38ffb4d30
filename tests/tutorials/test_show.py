"""What the chapters show: sources, tables, pictures."""

import numpy as np
import pytest
from IPython import display

from minidl import Linear, ReLU, Sequential
from tutorials import show


def test_the_source_is_the_librarys(capsys):
    show.source(Linear.forward)
    printed = capsys.readouterr().out
    assert printed.startswith("# minidl/layers/linear.py, line ")
    assert "\ndef forward(self, x: Array" in printed
    assert "return kernels.matmul(x, self.W.data) + self.b.data" in printed


def test_a_table_has_columns(capsys):
    show.table(("what", "n", "size"), [("a", 1, 0.123456), ("long", 100, (2, 3))])
    assert capsys.readouterr().out == (
        "what    n    size\na       1  0.1235\nlong  100     2x3\n"
    )


def test_a_walk_is_the_trace(capsys):
    rng = np.random.default_rng(0)
    model = Sequential([Linear(3, 4, rng=rng), ReLU(), Linear(4, 2, rng=rng)], (3,))
    x, y = rng.standard_normal((5, 3)).astype(np.float32), np.zeros(5, int)
    show.walk(model, x, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    for line, step in zip(lines[1:], model.trace(x, y), strict=True):
        assert line.startswith(step.name)
        assert f"{float(step.output.max()):.4g}" in line
        assert f"{float(abs(step.doutput).max()):.4g}" in line


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


def test_a_notebook_shows_and_describes_its_pictures(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(show, "in_notebook", lambda: True)
    monkeypatch.setattr(display, "display", shown.append)
    figure, _ = show.new_figure()
    show.picture(figure, "nothing to be seen")
    [image] = shown
    data, metadata = image._repr_png_()
    assert data.startswith("iVBOR")  # a PNG in base 64
    assert metadata["alt"] == "nothing to be seen"
    assert capsys.readouterr().out == "[nothing to be seen]\n"
