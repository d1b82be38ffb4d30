"""Both halves on one page, and the README's small table."""

import dataclasses

import pytest

from tests.tutorials.made_up import made_up
from tutorials.paper import results as results_file
from tutorials.paper.pages import overview


@pytest.fixture
def folders(tmp_path):
    """Two runs, of which one lacks a method."""
    runs = {
        "mnist": made_up("mnist", profile="full"),
        "cifar10": made_up("cifar10", methods=["random-init", "bagging"]),
    }
    found = []
    for name, results in runs.items():
        folder = tmp_path / f"results/{name}-full"
        seconds = dataclasses.replace(
            results.execution, member_seconds={"bagging": [1800.0, 3600.0]}
        )
        results_file.write(dataclasses.replace(results, execution=seconds), folder)
        found.append(folder)
    return found


def test_the_page_has_both_halves_and_what_is_missing(folders, tmp_path):
    out = tmp_path / "results/table2.md"
    readme = tmp_path / "README.md"
    readme.write_text("<!-- results --><!-- /results --><!-- hours --><!-- /hours -->")
    places = ["--out", str(out), "--readme", str(readme), "--hours", str(readme)]
    overview.main([*map(str, folders), *places])
    assert "mnist-full/table2.md)" in readme.read_text(encoding="utf-8")
    # 2 attacks of 9 steps in all on 10 images, 10 epochs on 100: 18 % of training.
    assert "| 1.50 h | 1.00 h | 0.27 h |" in readme.read_text(encoding="utf-8")
    page = out.read_text(encoding="utf-8")
    assert "## Table 2, MNIST half" in page
    assert "## Table 2, CIFAR-10 half" in page
    assert "Mix. Mod., Gauss Noise: not in this run." in page
    assert "| the paper's claim | mnist | cifar10 |" in page
    assert "| Singles under BIM | undecided | not claimed |" in page
    assert "| Attacked: Bagging above (i) and (ii) | undecided | not judged |" in page
    assert "1.5 core-hours" in page
    assert "(mnist-full/figure2-fgsm.svg)" in page
    assert "(cifar10-full/table2.md)" in page


def test_full_runs_are_shown_once_they_are_there(folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [folder.as_posix() for folder in overview.committed()]
    assert names == ["results/mnist-full", "results/cifar10-full"]
    (folders[1] / "results.json").unlink()
    assert [f.as_posix() for f in overview.committed()] == names[:1]
    (folders[0] / "results.json").unlink()
    assert [f.as_posix() for f in overview.committed()] == ["results/readme"]


def test_without_folders_it_takes_the_committed_ones(folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("<!-- results --><!-- /results -->")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/distributed.md").write_text("<!-- hours --><!-- /hours -->")
    overview.main([])
    page = (tmp_path / "results/table2.md").read_text(encoding="utf-8")
    assert "CIFAR-10 half" in page
