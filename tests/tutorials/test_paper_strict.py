"""What is left of the defence: file, table and words, on made-up numbers."""

import json
from dataclasses import replace

import pytest

from tests.tutorials.made_up import made_up
from tutorials.paper import results as results_file
from tutorials.paper.combined import combined
from tutorials.paper.config import configure
from tutorials.paper.environment import environment
from tutorials.paper.readme import show_strict
from tutorials.paper.report import write_report
from tutorials.paper.strict_page import (
    strict_rows,
    strict_text,
    what_is_left,
    write_strict,
)
from tutorials.paper.strict_results import (
    Accuracies,
    Strict,
    earlier_strict,
    read_strict,
    write,
)


def accuracies(worst):
    attacks = {"PGD-100": worst + 0.02, "APGD-CE": worst, "APGD-DLR": worst + 0.01}
    return Accuracies(0.9, attacks, worst, 1000)


def strict(worst=0.05):
    config = configure(members=2)
    return Strict(
        dataset=config.dataset,
        profile=config.profile,
        members=2,
        epochs=config.epochs,
        seed=0,
        images=1000,
        eps={"fgsm": 0.3, "bim": 0.2},
        methods={
            method: {"fgsm": accuracies(worst / 2), "bim": accuracies(worst)}
            for method in config.methods[::3]
        },
        environment=environment(),
    )


def test_the_file_comes_back(tmp_path):
    write(strict(), tmp_path)
    assert read_strict(tmp_path) == strict()
    assert read_strict(tmp_path / "elsewhere") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("eps"),
        lambda content: content.update(images="many"),
        lambda content: content["methods"]["random-init"]["bim"].update(worst=1.5),
    ],
)
def test_another_file_is_refused(tmp_path, change):
    write(strict(), tmp_path)
    content = json.loads((tmp_path / "strict.json").read_text())
    change(content)
    (tmp_path / "strict.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"strict\.json is not a strict results file"):
        read_strict(tmp_path)


def test_another_experiment_is_not_mixed_with_this(tmp_path):
    write(strict(), tmp_path)
    config = configure(members=2)
    assert earlier_strict(tmp_path, config, 1000) == strict()
    with pytest.raises(ValueError, match="images is 1000, asked for 300; choose"):
        earlier_strict(tmp_path, config, 300)
    with pytest.raises(ValueError, match="members is 2, asked for 3"):
        earlier_strict(tmp_path, replace(config, members=3), 1000)


def test_rows_stand_beside_table_2():
    head, rows = strict_rows(made_up(), strict())
    assert head[-4:] == ["PGD-100", "APGD-CE", "APGD-DLR", "worst case"]
    assert rows[0][:5] == ["FGSM, 0.3", "Rand. Ini.", "0.900", "0.400", "0.200"]
    assert rows[0][5:] == ["0.045", "0.025", "0.035", "0.025"]
    assert [row[1] for row in rows] == ["Rand. Ini.", "Gauss Noise"] * 2
    assert strict_text(made_up(), strict()).count("\n") == 4


@pytest.mark.parametrize(
    ("worst", "words"),
    [
        (0.05, "Nothing of the defence is left"),
        (0.3, "the weakness of its attacks"),
        (0.8, "At its mildest, 89% of the clean accuracy withstands"),
    ],
)
def test_the_verdict_follows_the_numbers(worst, words):
    text = what_is_left(made_up(), strict(worst))
    assert words in text
    assert "At BIM's eps = 0.2 the ensemble that lasts longest" in text
    assert f"but {worst:.4f} [" in text


def test_a_tie_goes_to_the_best_of_table_2():
    results = made_up()
    cells = results.table2["bim"]["gaussian-noise"]
    cells["adv2_ensemble"] = replace(cells["adv2_ensemble"], accuracy=0.7)
    assert "Gauss Noise, keeps 0.400 under Adv. 1 and 0.700" in what_is_left(
        results, strict()
    )


def test_pages_show_it(tmp_path, capsys):
    results = made_up()
    results_file.write(results, tmp_path)
    with pytest.raises(FileNotFoundError, match="the verb strict makes it"):
        write_strict(tmp_path)
    assert show_strict(tmp_path, results) == []
    write(strict(), tmp_path)
    write_strict(tmp_path)
    assert "worst case" in capsys.readouterr().out
    page = (tmp_path / "strict.md").read_text()
    assert page.startswith("# Does the defence hold?")
    assert what_is_left(results, strict()) in page
    both = combined([tmp_path], tmp_path / "table2.md")
    assert "### Does the defence hold?" in both
    assert "| worst case |" in "\n".join(show_strict(tmp_path, results))


def test_the_report_shows_it(folder):
    write(strict(), folder)
    write_report(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Does the defence hold?" in page
    assert "worst case" in page
