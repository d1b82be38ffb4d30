"""Figures and report of made-up results: right, and in need of no other file."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from tests.tutorials.made_up import made_up
from tutorials.paper import results as results_file
from tutorials.paper.examples import read_examples, write_examples
from tutorials.paper.figures import (
    COLOURS,
    as_png,
    figure1,
    figure1_title,
    figure2,
    fooled,
    write_figures,
)
from tutorials.paper.intervals import of_cell
from tutorials.paper.markup import facts, table
from tutorials.paper.paper_numbers import COLUMNS, METHOD_NAMES
from tutorials.paper.report import write_report

PNG = b"\x89PNG\r\n\x1a\n"


def bars(figure):
    return [[bar.get_height() for bar in axes.patches] for axes in figure.axes]


def test_the_bars_are_the_table(results):
    figure = figure2(results)
    expected = [
        cells[column].accuracy
        for column in COLUMNS
        for cells in results.table2["bim"].values()
    ]
    assert bars(figure)[1] == pytest.approx(expected)
    assert [axes.get_title() for axes in figure.axes] == ["FGSM", "BIM"]


def test_the_lines_on_bars_are_the_intervals(results):
    lines = [c for c in figure2(results).axes[1].collections if not is_mark(c)]
    drawn = [tuple(ends[:, 1]) for line in lines for ends in line.get_segments()]
    expected = [
        of_cell(cells[column])[1:]
        for column in COLUMNS
        for cells in results.table2["bim"].values()
    ]
    np.testing.assert_allclose(drawn, expected)


def test_the_curves_count_fooled_members(results):
    for axes in fooled(results).axes:
        assert [line.get_label() for line in axes.lines] == list(METHOD_NAMES.values())
        random_init, mixed_models, *_ = [line.get_ydata() for line in axes.lines]
        assert list(random_init) == [50, 50, 0]  # % of ten images
        assert list(mixed_models) == [40, 60, 0]


def is_mark(collection):
    return isinstance(collection, PathCollection)


def diamonds(axes):
    return [c for c in axes.collections if is_mark(c)]


def test_the_marks_are_the_papers(results):
    [marks] = diamonds(figure2(results).axes[0])
    heights = {round(float(y), 4) for _, y in marks.get_offsets()}
    assert {0.3791, 0.61, 0.4517, 0.7043} <= heights
    assert len(marks.get_offsets()) == 20


def test_fashion_has_no_marks():
    figure = figure2(made_up("fashion-mnist"))
    assert all(not diamonds(axes) for axes in figure.axes)
    assert len(figure.legends[0].get_texts()) == len(COLUMNS) == len(COLOURS)


def test_figure1_shows_what_is_predicted(results, folder):
    figure = figure1(results, read_examples(folder))
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert labels == [f"class {i}" for i in (0, 1, 2, 2, 1, 0)]
    colours = [axes.xaxis.label.get_color() for axes in figure.axes[3:]]
    assert colours[1] == "black"  # still predicted correctly
    assert colours[0] == colours[2] != "black"
    assert "0.025" in figure1_title(results)


@pytest.mark.parametrize("count", [0, 1, 10])
@pytest.mark.parametrize("channels", [1, 3])
def test_figure1_of_any_number_of_examples(results, count, channels):
    x, y = np.zeros((count, 8, 8, channels)), np.zeros(count, int)
    figure = figure1(results, {"x": x, "x_adv": x, "y": y, "predicted": y})
    assert as_png(figure).startswith(PNG)


def test_figures_are_written_and_the_same_each_time(folder):
    write_figures(folder)
    names = ("figure1.png", "figure2.png", "fooled.png")
    first = [(folder / name).read_bytes() for name in names]
    write_figures(folder)
    assert [(folder / name).read_bytes() for name in names] == first
    assert all(png.startswith(PNG) for png in first)


def test_damaged_examples_are_named(folder):
    (folder / "examples.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"examples\.npz is damaged"):
        write_figures(folder)


class Page(HTMLParser):
    """Collects tags, and checks that each is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def page(folder):
    write_report(folder)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_needs_no_other_file(page):
    for tag, attributes in Page(page).tags:
        assert tag not in ("script", "link", "iframe")
        assert "href" not in attributes
        assert attributes.get("src", "data:").startswith("data:")
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_has_all_figures_with_a_text(page):
    images = [a for tag, a in Page(page).tags if tag == "img"]
    assert len(images) == 3
    for image in images:
        assert len(image["alt"]) > 20
        encoded = image["src"].removeprefix("data:image/png;base64,")
        assert base64.b64decode(encoded).startswith(PNG)


def test_the_page_reads_well_on_a_phone(page):
    tags = Page(page).tags
    assert any(a.get("name") == "viewport" for tag, a in tags if tag == "meta")
    assert len(re.findall(r'<div class="wide"[^>]*><table>', page)) == sum(
        tag == "table" for tag, _ in tags
    )


def test_the_page_holds_the_numbers(page, results):
    text = re.sub(r"<[^>]+>", " ", page)
    for wanted in ("0.4000", "0.6100", "-0.2100", "holds", "mnist-sample", "quick"):
        assert wanted in text
    assert results.environment.numpy in text
    assert results.execution.date in text


def test_text_cannot_become_markup(results, folder):
    classes = ["<b>&"] * 10
    assert "&lt;b&gt;&amp;" in facts({"name": classes})
    assert "<b>" not in table(["<b>"], [("x", ["<b>"])], texts=1)


def test_a_run_of_one_method_has_a_page(tmp_path):
    results = made_up(methods=["bagging"])
    results_file.write(results, tmp_path)
    x, y = np.zeros((0, 28, 28, 1)), np.zeros(0, int)
    write_examples({"x": x, "x_adv": x, "y": y, "predicted": y}, tmp_path)
    write_report(tmp_path)
    assert ">not judged<" in (tmp_path / "report.html").read_text(encoding="utf-8")
