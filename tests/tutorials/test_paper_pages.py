"""Figures and pages of results: right, the committed ones among them, and readable."""

import base64
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from minidl.store import DamagedError, to_json
from tests.tutorials.made_up import made_up, with_papers_numbers
from tutorials.paper import results as results_file
from tutorials.paper.claims.intervals import of_cell
from tutorials.paper.claims.verdicts import read_run
from tutorials.paper.pages.claims import claims_section
from tutorials.paper.pages.drawings import COLOURS, as_svg, figure1, figure2, fooled
from tutorials.paper.pages.figures import write_figures
from tutorials.paper.pages.markdown import (
    Table,
    html,
    page,
    replace_marked,
    signed,
    thousandths,
)
from tutorials.paper.pages.notes import notes, title
from tutorials.paper.pages.report import facts_table, report, write_report
from tutorials.paper.pages.strict import strict_section
from tutorials.paper.pages.table2 import table2_section, tables, write_table2
from tutorials.paper.paper_numbers import COLUMNS, METHOD_NAMES, TABLE2
from tutorials.paper.results import Member
from tutorials.paper.results.examples import read_examples, write_examples
from tutorials.paper.results.table2 import mean_cell

ROOT = Path(__file__).parents[2]
COMMITTED = [path.parent for path in sorted(ROOT.glob("results/*/report.html"))]
FIGURES = {
    "verdict",
    "figure1-0",
    "figure2-fgsm",
    "fooled-fgsm",
    "figure2-bim",
    "fooled-bim",
}


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda folder: folder.name)
def test_committed_pages_are_what_the_results_give(folder):
    """Each number on them, and each word: pictures aside, which stand beside them."""
    run = read_run(folder)
    strict = strict_section(run.results, run.adaptive, "#")
    parts = table2_section(run.results), claims_section(run)
    expected = {
        "table2.md": page(f"# {title(run.results)}", *parts),
        "report.html": html(report(folder), folder),
        **({"strict.md": strict} if strict else {}),
    }
    for name, text in expected.items():
        assert (folder / name).read_text(encoding="utf-8") == text


# Table 2.


def test_the_papers_rows_are_those_of_its_table():
    # The first and last row of each half, read off the page once more.
    assert TABLE2["MNIST"]["fgsm"]["random-init"][0] == 0.9912
    assert TABLE2["MNIST"]["bim"]["gaussian-noise"][-1] == 0.9768
    assert TABLE2["CIFAR-10"]["fgsm"]["random-init"][2] == 0.1778
    assert TABLE2["CIFAR-10"]["bim"]["gaussian-noise"][3] == 0.6735
    for half in TABLE2.values():  # clean accuracy doesn't depend on the attack
        for method in half["fgsm"]:
            assert half["fgsm"][method][:2] == half["bim"][method][:2]


def test_a_row_of_each_kind(results):
    """Single: means of members under their own gradient; see `made_up`."""
    rows = {kind: cells for _, kind, *cells in tables(results)[0].rows[:4]}
    assert rows["ours"] == [
        f"**{value}**" for value in ("0.9700", "0.9900", "0.1000", "0.4000", "0.2000")
    ]
    assert rows["95 %"] == [
        "0.8429-1.0000",  # of 0.96 and 0.98: t = 12.7 times the standard error 0.01
        "0.9455-0.9982",  # 99 of 100 images
        "0.1000-0.1000",
        "0.0000-1.0000",
        "0.0567-0.5098",  # 2 of 10 images
    ]
    assert rows["paper's"] == ["0.9912", "0.9942", "0.3791", "0.6100", "0.4517"]
    assert rows["difference"] == ["-0.0212", "-0.0042", "-0.2791", "-0.2100", "-0.2517"]


@pytest.mark.parametrize(
    ("dataset", "half"),
    [("mnist-sample", "MNIST"), ("mnist", "MNIST"), ("cifar10", "CIFAR-10")],
)
def test_the_papers_own_numbers_differ_by_nothing(dataset, half):
    results = with_papers_numbers(made_up(dataset), half)
    rows = [row for table in tables(results) for row in table.rows]
    assert [row[2:] for row in rows if row[1] == "difference"] == [["+0.0000"] * 5] * 8
    assert half in title(results)


def test_pages_name_the_network():
    plain, literal = made_up(), made_up(network="literal")
    assert "ReLU" not in title(plain)
    assert "ours have plain logits" in " ".join(notes(plain))
    assert "(ReLU on the logits)" in title(literal)
    assert "with the ReLU on the logits" in " ".join(notes(literal))
    assert "plain" not in " ".join(notes(literal))


def test_restarts_are_part_of_the_protocol_and_stated():
    results = made_up("cifar10", network="literal", methods=["bagging"])
    own = results.methods["bagging"]
    first, second = own.members
    again = replace(own, members=[first, replace(second, attempt=3)])
    text = " ".join(notes(replace(results, methods={"bagging": again})))
    assert "a dead class after the first epoch" in text
    assert "in at most 20 attempts: 1 of 2 members, 3 restarts in all." in text
    assert "attempt" not in " ".join(notes(made_up("cifar10")))
    assert "attempt" not in to_json(made_up("cifar10"))  # as in files from before


def test_a_data_set_that_the_paper_doesnt_have():
    results = made_up("fashion-mnist")
    kinds = {row[1] for table in tables(results) for row in table.rows}
    assert kinds == {"ours", "95 %"}
    assert "the paper doesn't have" in title(results)
    [axes] = figure2(results, "fgsm").axes
    assert not diamonds(axes)
    assert len(axes.figure.legends[0].get_texts()) == len(COLUMNS) == len(COLOURS)


def test_the_notes_say_what_was_run(results):
    text = " ".join(notes(results))
    for words in (
        "2 members",
        f"{results.configuration.epochs} epochs",
        "all 100 test images",
        "first 10 of them",
        "Attacks: FGSM eps = 0.3; BIM eps = 0.2, alpha = 0.025, steps = 8.",
    ):
        assert words in text
    assert "not in this run" not in text
    clean = (np.mean(results.methods[m].clean.members) for m in METHOD_NAMES)
    without, *_, noisy = clean
    assert f"by {signed(noisy - without)} (-0.0014 in the paper)" in text
    assert "smoke" not in text
    assert "smoke" in notes(made_up(profile="smoke"))[0]
    everything = replace(results, data=replace(results.data, test_images=10))
    assert "All accuracies are measured on all 10 test images." in notes(everything)[0]
    some = made_up(methods=["random-init", "bagging"])
    assert notes(some)[0] == "Mix. Mod., Gauss Noise: not in this run."
    assert "sigma" not in " ".join(notes(some))
    assert "Gauss Noise has sigma = 0.1." in notes(made_up(methods=["gaussian-noise"]))


def test_table_2_is_printed_and_written(folder, capsys):
    write_table2(folder)
    printed = capsys.readouterr().out
    written = (folder / "table2.md").read_text(encoding="utf-8")
    for text in ("0.4000", "0.6100", "-0.2100", "2 members"):
        assert text in printed
        assert text in written
    assert "HOLDS: " in printed
    assert "</details> | holds |" in written
    assert max(map(len, printed.splitlines())) <= 100  # it fits a terminal


# Figures.


def is_mark(collection):
    return isinstance(collection, PathCollection)


def diamonds(axes):
    return [c for c in axes.collections if is_mark(c)]


def test_figure_2_is_the_table(results):
    """Bars, the intervals as lines on them, and the paper's values as marks."""
    figure = figure2(results, "bim")
    [axes] = figure.axes
    methods = results.table2["bim"].values()
    cells = [of_cell(own[column]) for column in COLUMNS for own in methods]
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == pytest.approx([cell.value for cell in cells])
    lines = [c for c in axes.collections if not is_mark(c)]
    drawn = [tuple(ends[:, 1]) for line in lines for ends in line.get_segments()]
    np.testing.assert_allclose(drawn, [cell[1:] for cell in cells])
    [marks] = diamonds(axes)
    papers = [TABLE2["MNIST"]["bim"][m][i] for m in METHOD_NAMES for i in range(5)]
    assert [y for _, y in marks.get_offsets()] == pytest.approx(papers)
    assert axes.get_title() == "BIM"


def test_the_curves_count_fooled_members(results):
    for attack in ("fgsm", "bim"):
        [axes] = fooled(results, attack).axes
        assert [line.get_label() for line in axes.lines] == list(METHOD_NAMES.values())
        random_init, mixed_models, *_ = [line.get_ydata() for line in axes.lines]
        assert list(random_init) == [50, 50, 0]  # % of ten images
        assert list(mixed_models) == [40, 60, 0]


def test_figure1_shows_what_is_predicted(results, folder):
    figure = figure1(results, read_examples(results, folder))
    drawn = [axes for axes in figure.axes if axes.images]
    labels = [axes.get_xlabel() for axes in drawn]
    assert labels == [f"class {i}" for i in (0, 1, 2, 2, 1, 0)]
    colours = [axes.xaxis.label.get_color() for axes in drawn[3:]]
    assert colours[1] == "black"  # still predicted correctly
    assert colours[0] == colours[2] != "black"


def test_examples_of_another_run_are_refused(results, folder):
    def refused(other):
        with pytest.raises(DamagedError, match=r"examples\.npz .*from other inputs"):
            read_examples(other, folder)

    refused(made_up("fashion-mnist"))
    members = [Member(i, 8, "mnist-cnn", [1.0, 0.5]) for i in range(2)]
    method = results.examples.method
    trained_again = replace(results.methods[method], members=members)
    refused(replace(results, methods=results.methods | {method: trained_again}))


@pytest.mark.parametrize(("count", "channels"), [(0, 1), (1, 3), (10, 1)])
def test_figure1_of_any_number_of_examples(results, count, channels):
    x, y = np.zeros((count, 8, 8, channels)), np.zeros(count, int)
    figure = figure1(results, {"x": x, "x_adv": x, "y": y, "predicted": y})
    assert as_svg(figure).endswith("</svg>\n")


def test_figures_are_written_and_the_same_each_time(folder):
    def written():
        write_figures(folder)
        return {path.stem: path.read_bytes() for path in folder.glob("*.svg")}

    first = written()
    assert first.keys() == FIGURES
    assert written() == first


# The report, as a browser and its reader meet it.


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


@pytest.fixture(scope="module")
def text():
    return (ROOT / "results/readme/report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tags(text):
    return Page(text).tags


def test_the_page_needs_no_other_file(text, tags):
    for tag, attributes in tags:
        assert tag not in ("script", "link", "iframe")
        assert "href" not in attributes
        assert attributes.get("src", "data:").startswith("data:")
    assert "url(" not in text
    assert "@import" not in text


def test_the_page_has_all_figures_with_a_text(tags):
    images = [attributes for tag, attributes in tags if tag == "img"]
    assert len(images) == len(FIGURES) + 1  # Figure 1 has ten digits in two pictures
    for image in images:
        assert len(image["alt"]) > 20
        encoded = image["src"].removeprefix("data:image/svg+xml;base64,")
        assert b"</svg>" in base64.b64decode(encoded)


def test_the_page_has_one_header_and_begins_with_the_verdict_and_figure_1(tags):
    names = [tag for tag, _ in tags]
    assert [names.count(tag) for tag in ("header", "h1", "main")] == [1, 1, 1]
    after = names[names.index("main") :]
    assert after[1:7] == ["p", "strong", "p", "img", "h2", "p"]


def test_tables_scroll_by_keyboard_on_a_phone(tags):
    assert any(a.get("name") == "viewport" for tag, a in tags if tag == "meta")
    around = [before for before, (tag, _) in pairwise(tags) if tag == "table"]
    assert around
    for tag, attributes in around:
        assert (tag, attributes["tabindex"]) == ("div", "0")
        assert attributes["aria-label"]


def test_a_run_of_one_method_has_a_page(tmp_path):
    results = made_up(methods=["bagging"])
    results_file.write(results, tmp_path)
    x, y = np.zeros((0, 28, 28, 1)), np.zeros(0, int)
    write_examples({"x": x, "x_adv": x, "y": y, "predicted": y}, results, tmp_path)
    write_report(tmp_path)
    assert ">not judged</td>" in (tmp_path / "report.html").read_text(encoding="utf-8")


# The parts of all pages.


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
    assert page.count("<th ") == page.count('scope="col"') == 2  # each once


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.00004, "+0.0000"), (-0.00004, "+0.0000"), (-0.0, "+0.0000"), (-0.5, "-0.5000")],
)
def test_no_difference_is_minus_zero(value, shown):
    assert signed(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.8875, "0.888"), (0.8874, "0.887"), (1.0, "1.000")]
)
def test_halves_are_rounded_up_as_on_paper(value, shown):
    assert thousandths(value) == shown


def test_a_mean_is_the_same_everywhere():
    values = [0.9905, 0.9916, 0.9921, 0.9913, 0.9913, 0.9924, 0.992, 0.9921, 0.9922]
    for k in range(2, len(values) + 1):
        cell = mean_cell(values[:k], 10_000)
        assert cell.accuracy == of_cell(cell).value == math.fsum(values[:k]) / k


def test_what_stands_between_marks_is_replaced(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("a\n<!-- x -->\n(before)\n<!-- /x -->\nb\n")
    for _ in range(2):  # the second changes nothing
        replace_marked(file, "x", "after")
    assert file.read_text() == "a\n<!-- x -->\nafter\n<!-- /x -->\nb\n"
    with pytest.raises(ValueError, match=r"must contain <!-- y --> and <!-- /y -->"):
        replace_marked(file, "y", "after")
