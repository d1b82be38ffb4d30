"""Both halves on one page, and the tables in README and docs."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.tutorials.made_up import made_up, strict
from tutorials.paper import results as results_file
from tutorials.paper.claims.verdicts import Run
from tutorials.paper.pages import overview


def test_the_committed_runs_are_shown(tmp_path, monkeypatch):
    """Two full runs, of which one lacks methods; the quick one while there are none."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"results/readme"):
        overview.committed()
    for results in (
        made_up("mnist", profile="full"),
        made_up("cifar10", methods=["random-init", "bagging"]),
    ):
        seconds = replace(results.execution, member_seconds={"bagging": [1800.0, 3600]})
        folder = tmp_path / f"results/{results.configuration.dataset}-full"
        results_file.write(replace(results, execution=seconds), folder)
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("<!-- results --><!-- /results -->")
    (tmp_path / "docs/distributed.md").write_text("<!-- hours --><!-- /hours -->")
    overview.main([])
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    _, about, *rows = [line for line in readme.splitlines()[:-1] if line]
    assert "2 networks, plain logits, random" in about
    rows = rows[2:]
    assert [row.split("]")[0] for row in rows] == [
        f"| [{name}"
        for name in ("mnist, FGSM", "mnist, BIM", "cifar10, FGSM", "cifar10, BIM")
    ]
    assert "(results/mnist-full/table2.md)" in rows[0]
    assert "| 0.400 (0.610) |" in rows[0]  # Adv. 1, Ensemble
    hours = (tmp_path / "docs/distributed.md").read_text(encoding="utf-8")
    # 2 attacks of 9 steps in all on 10 images, 10 epochs on 100: 18 % of training.
    assert "| 1.50 h | 1.00 h | 0.27 h |" in hours
    page = (tmp_path / "results/table2.md").read_text(encoding="utf-8")
    for words in (
        "## Table 2, MNIST half",
        "## Table 2, CIFAR-10 half",
        "Mix. Mod., Gauss Noise: not in this run.",
        "| the paper's claim | mnist, plain logits | cifar10, plain logits |",
        "| Singles under BIM: above 10 % only with noise | undecided | not claimed |",
        "| Attacked: Bagging above (i) and (ii) | undecided | not judged |",
        "1.5 core-hours",
        "(mnist-full/figure2-fgsm.svg)",
        "(cifar10-full/table2.md)",
    ):
        assert words in page


def test_the_literal_network_comes_first_where_it_exists(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for dataset, network in (("mnist", ""), ("mnist", "-literal"), ("cifar10", "")):
        results = made_up(dataset, network=network[1:] or "plain")
        results_file.write(results, tmp_path / f"results/{dataset}-full{network}")
    runs = overview.committed()
    assert [folder.name for folder in runs] == ["mnist-full-literal", "cifar10-full"]
    page = overview.overview(runs)
    assert "mnist (ReLU on the logits) beside the paper" in page
    assert page.count("With plain logits: [mnist-full/table2.md](mnist-full/") == 1
    about, _, _, _, *rows = overview.small_table(runs).splitlines()
    assert "ReLU on the logits (literal) or plain logits" in about
    names = [row.split("]")[0] for row in rows]
    assert names[0] == "| [mnist literal, FGSM"
    assert names[2] == "| [cifar10, FGSM"


def test_another_method_than_random_initial_weights_is_named():
    """Without adaptive attacks on it, that column is empty."""
    results = made_up("mnist", methods=["mixed-models", "gaussian-noise"])
    row = overview.small_row(Path("x"), Run(results, strict()), "fgsm")
    assert row[0] == "[mnist, FGSM, Mix. Mod.](x/table2.md)"
    assert row[-1] == ""
