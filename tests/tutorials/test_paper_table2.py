"""Table 2's five columns, beside the paper's, from made-up results."""

from dataclasses import replace

import pytest

from tests.tutorials.made_up import made_up, with_papers_numbers
from tutorials.paper.pages.markdown import replace_marked
from tutorials.paper.pages.notes import notes, title
from tutorials.paper.pages.overview import small_table
from tutorials.paper.pages.table2 import tables, write_table2
from tutorials.paper.paper_numbers import COLUMNS, HALVES, TABLE2, paper_accuracy


def test_the_columns_are_the_means_that_the_paper_defines(results):
    cells = results.table2["bim"]["bagging"]
    assert {name: cell.accuracy for name, cell in cells.items()} == pytest.approx(
        {
            "no_attack_single": 0.97,  # mean of 0.96 and 0.98
            "no_attack_ensemble": 0.99,
            "adv1_single": 0.1,  # members under their own gradient only
            "adv1_ensemble": 0.4,  # mean of 0.3 and 0.5
            "adv2_ensemble": 0.2,
        }
    )
    assert cells["no_attack_single"].images == 100
    assert cells["adv1_ensemble"].images == 10
    assert cells["adv1_ensemble"].mean_of == [0.3, 0.5]


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
    assert rows["difference"] == [
        "-0.0212",
        "-0.0042",
        "-0.2791",
        "-0.2100",
        "-0.2517",
    ]


def rows_of(results, kind):
    rows = [row for table in tables(results) for row in table.rows]
    return [cells for _, k, *cells in rows if k == kind]


@pytest.mark.parametrize(("dataset", "half"), HALVES.items())
def test_the_papers_own_numbers_differ_by_nothing(dataset, half):
    results = with_papers_numbers(made_up(dataset), half)
    assert rows_of(results, "difference") == [["+0.0000"] * 5] * 8
    assert half in title(made_up(dataset))


def test_fashion_has_no_papers_rows():
    results = made_up("fashion-mnist")
    kinds = {row[1] for table in tables(results) for row in table.rows}
    assert kinds == {"ours", "95 %"}
    assert "the paper doesn't have" in title(results)
    assert paper_accuracy("fashion-mnist", "bim", "bagging", "adv1_single") is None


def test_the_text_fits_a_terminal(results):
    for table in tables(results):  # one for each attack
        assert max(map(len, table.text().splitlines())) <= 100
        assert table.text().count("Rand. Ini.") == 1


def test_markdown_has_the_same_cells_in_each_row(results):
    for table in tables(results):
        rows = table.markdown().splitlines()
        assert {row.count("|") for row in rows} == {len(COLUMNS) + 3}
        assert len(rows) == 2 + 4 * 4


def test_the_notes_say_what_was_run(results):
    text = " ".join(notes(results))
    assert "2 members" in text
    assert f"{results.configuration.epochs} epochs" in text
    assert "all 100 test images" in text
    assert "first 10 of them" in text
    assert "Attacks: FGSM eps = 0.3; BIM eps = 0.2, alpha = 0.025, steps = 8." in text
    assert "not in this run" not in text
    assert "smoke" not in text
    assert "smoke" in notes(made_up(profile="smoke"))[0]
    everything = replace(results, data=replace(results.data, test_images=10))
    assert "No Attack and attacks: all 10 test images." in notes(everything)[0]
    some = made_up(methods=["random-init", "bagging"])
    assert notes(some)[0] == "Mix. Mod., Gauss Noise: not in this run."


def test_it_is_printed_and_written(folder, capsys):
    write_table2(folder)
    printed = capsys.readouterr().out
    written = (folder / "table2.md").read_text(encoding="utf-8")
    for text in ("0.4000", "0.6100", "-0.2100", "2 members"):
        assert text in printed
        assert text in written
    assert "HOLDS: " in printed
    assert "</details> | holds |" in written


def test_the_readme_takes_the_small_table(folder, results, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- results -->\n(before)\n<!-- /results -->\nb\n")
    for _ in range(2):  # the second changes nothing
        replace_marked(readme, "results", small_table([folder]))
    rows = readme.read_text(encoding="utf-8").splitlines()
    assert rows[:2] == ["a", "<!-- results -->"]
    assert rows[-2:] == ["<!-- /results -->", "b"]
    head, _, fgsm, bim = rows[2:-2]
    assert head.count("|") == fgsm.count("|") == bim.count("|")
    ours = results.table2["fgsm"]["random-init"]["adv1_ensemble"].accuracy
    assert f"| {ours:.3f} (0.610) |" in fgsm
    assert f"[mnist-sample, BIM]({folder}/table2.md)" in bim


def test_a_readme_without_marks_is_refused(folder, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("nothing")
    with pytest.raises(ValueError, match="must contain"):
        replace_marked(readme, "results", small_table([folder]))
