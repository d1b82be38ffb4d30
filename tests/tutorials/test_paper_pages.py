"""Figures and report of made-up results: right, and in need of no other file."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from minidl.store import DamagedError
from tests.tutorials.made_up import made_up
from tutorials.paper import results as results_file
from tutorials.paper.claims.intervals import of_cell
from tutorials.paper.pages.drawings import COLOURS, as_svg, figure1, figure2, fooled
from tutorials.paper.pages.figures import figure1_caption, write_figures
from tutorials.paper.pages.markdown import Table, html, signed
from tutorials.paper.pages.report import facts_table, write_report
from tutorials.paper.paper_numbers import COLUMNS, METHOD_NAMES
from tutorials.paper.results import Examples, Member
from tutorials.paper.results.examples import read_examples, write_examples

FIGURES = [
    "verdict",
    "figure1-0",
    "figure2-fgsm",
    "fooled-fgsm",
    "figure2-bim",
    "fooled-bim",
]


def bars(figure):
    return [[bar.get_height() for bar in axes.patches] for axes in figure.axes]


def test_the_bars_are_the_table(results):
    figure = figure2(results, "bim")
    expected = [
        cells[column].accuracy
        for column in COLUMNS
        for cells in results.table2["bim"].values()
    ]
    assert bars(figure)[0] == pytest.approx(expected)
    assert [axes.get_title() for axes in figure.axes] == ["BIM"]


def test_the_lines_on_bars_are_the_intervals(results):
    lines = [c for c in figure2(results, "bim").axes[0].collections if not is_mark(c)]
    drawn = [tuple(ends[:, 1]) for line in lines for ends in line.get_segments()]
    expected = [
        of_cell(cells[column])[1:]
        for column in COLUMNS
        for cells in results.table2["bim"].values()
    ]
    np.testing.assert_allclose(drawn, expected)


def test_the_curves_count_fooled_members(results):
    for attack in ("fgsm", "bim"):
        [axes] = fooled(results, attack).axes
        assert [line.get_label() for line in axes.lines] == list(METHOD_NAMES.values())
        random_init, mixed_models, *_ = [line.get_ydata() for line in axes.lines]
        assert list(random_init) == [50, 50, 0]  # % of ten images
        assert list(mixed_models) == [40, 60, 0]


def is_mark(collection):
    return isinstance(collection, PathCollection)


def diamonds(axes):
    return [c for c in axes.collections if is_mark(c)]


def test_the_marks_are_the_papers(results):
    [marks] = diamonds(figure2(results, "fgsm").axes[0])
    heights = {round(float(y), 4) for _, y in marks.get_offsets()}
    assert {0.3791, 0.61, 0.4517, 0.7043} <= heights
    assert len(marks.get_offsets()) == 20


def test_fashion_has_no_marks():
    figure = figure2(made_up("fashion-mnist"), "fgsm")
    assert all(not diamonds(axes) for axes in figure.axes)
    assert len(figure.legends[0].get_texts()) == len(COLUMNS) == len(COLOURS)


def test_figure1_shows_what_is_predicted(results, folder):
    figure = figure1(results, read_examples(results, folder))
    drawn = [axes for axes in figure.axes if axes.images]
    labels = [axes.get_xlabel() for axes in drawn]
    assert labels == [f"class {i}" for i in (0, 1, 2, 2, 1, 0)]
    colours = [axes.xaxis.label.get_color() for axes in drawn[3:]]
    assert colours[1] == "black"  # still predicted correctly
    assert colours[0] == colours[2] != "black"
    assert "0.025" in figure1_caption(results)


def test_examples_of_another_run_are_refused(results, folder):
    def refused(other):
        with pytest.raises(DamagedError, match=r"examples\.npz .*holds other work"):
            read_examples(other, folder)

    refused(made_up("fashion-mnist"))
    refused(replace(results, examples=Examples("bagging", 0, "bim")))
    members = [Member(i, 8, "mnist-cnn", [1.0, 0.5]) for i in range(2)]
    method = results.examples.method
    trained_again = replace(results.methods[method], members=members)
    refused(replace(results, methods=results.methods | {method: trained_again}))


@pytest.mark.parametrize("count", [0, 1, 10])
@pytest.mark.parametrize("channels", [1, 3])
def test_figure1_of_any_number_of_examples(results, count, channels):
    x, y = np.zeros((count, 8, 8, channels)), np.zeros(count, int)
    figure = figure1(results, {"x": x, "x_adv": x, "y": y, "predicted": y})
    assert as_svg(figure).endswith("</svg>\n")


def test_figures_are_written_and_the_same_each_time(folder):
    write_figures(folder)
    assert {path.stem for path in folder.glob("*.svg")} == set(FIGURES)
    first = [(folder / f"{name}.svg").read_text() for name in FIGURES]
    write_figures(folder)
    assert [(folder / f"{name}.svg").read_text() for name in FIGURES] == first


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

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

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
    assert len(images) == len(FIGURES)
    for image in images:
        assert len(image["alt"]) > 20
        encoded = image["src"].removeprefix("data:image/svg+xml;base64,")
        assert b"</svg>" in base64.b64decode(encoded)


def test_the_page_has_one_header_and_one_main_part(page):
    names = [tag for tag, _ in Page(page).tags]
    assert [names.count(tag) for tag in ("header", "h1", "main")] == [1, 1, 1]


def test_the_first_screen_is_the_verdict_then_figure_1(page):
    tags = [tag for tag, _ in Page(page).tags]
    after = tags[tags.index("main") :]
    assert after[1:7] == ["p", "strong", "p", "img", "h2", "p"]
    assert "a single network classifies 10.0% of the images correctly" in page


def test_tables_scroll_by_keyboard_on_a_phone(page):
    tags = Page(page).tags
    assert any(a.get("name") == "viewport" for tag, a in tags if tag == "meta")
    around = [before for before, (tag, _) in pairwise(tags) if tag == "table"]
    assert around
    for tag, attributes in around:
        assert (tag, attributes["tabindex"]) == ("div", "0")
        assert attributes["aria-label"]


def test_the_page_holds_the_numbers(page, results):
    text = re.sub(r"<[^>]+>", " ", page)
    for wanted in ("0.4000", "0.6100", "-0.2100", "holds", "mnist-sample", "quick"):
        assert wanted in text
    assert results.environment.numpy in text
    assert results.execution.date in text


def test_settings_cannot_become_markup():
    table = facts_table({"name": ["<b>&"] * 2, "none": None, "d": {"a": 1}})
    assert dict(table.rows) == {
        "name": "&lt;b&gt;&amp;, &lt;b&gt;&amp;",
        "none": "all",
        "d": "a: 1",
    }


def test_a_table_is_markdown_html_and_text():
    rows = [["**Bagging**", "**0.5**"], ["x", "1"]]
    table = Table(["FGSM", "No Attack, Single"], rows)
    assert table.markdown().splitlines() == [
        "| FGSM | No Attack, Single |",
        "| --- | ---: |",
        "| **Bagging** | **0.5** |",
        "| x | 1 |",
    ]
    assert table.text().splitlines() == [
        "FGSM     No Attack",
        "            Single",
        "Bagging        0.5",
        "x                1",
    ]
    page = html(f"# t\n\n{table.markdown()}", Path())
    cells = re.findall(r"<t[hd].*?>(.*?)</t[hd]>", page)
    assert cells[2:4] == ["<strong>Bagging</strong>", "<strong>0.5</strong>"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.00004, "+0.0000"), (-0.00004, "+0.0000"), (-0.0, "+0.0000"), (-0.5, "-0.5000")],
)
def test_no_difference_is_minus_zero(value, shown):
    assert signed(value) == shown


def test_a_run_of_one_method_has_a_page(tmp_path):
    results = made_up(methods=["bagging"])
    results_file.write(results, tmp_path)
    x, y = np.zeros((0, 28, 28, 1)), np.zeros(0, int)
    write_examples({"x": x, "x_adv": x, "y": y, "predicted": y}, results, tmp_path)
    write_report(tmp_path)
    assert ">not judged</td>" in (tmp_path / "report.html").read_text(encoding="utf-8")
