"""What the README shows is what happens."""

import importlib
import re
from pathlib import Path

import pytest

from tests.benchmarks.readme import update as benchmarks_to_readme
from tests.printed_example import check_first_example, run_code
from tutorials.paper.readme import committed
from tutorials.paper.readme import update as results_to_readme

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_example_prints_what_the_readme_says():
    # Training amplifies rounding, which differs between kinds of CPU.
    check_first_example(README, 0.1)


GIVEN = """
import numpy as np
from minidl import mnist_cnn
members = [mnist_cnn(np.random.default_rng(seed)) for seed in range(2)]
x = np.random.default_rng(2).random((3, 28, 28, 1), np.float32)
y = sum(member.predict_proba(x) for member in members).argmax(axis=1)
"""


@pytest.mark.slow
def test_the_example_of_an_evaluation_runs():
    """With two small networks in the place of what the README assumes."""
    _, code = re.findall(r"```python\n(.*?)```", README, re.S)
    assert "worst case" in run_code(GIVEN + code)


def test_the_example_has_fifteen_lines():
    code = re.search(r"```python\n(.*?)```", README, re.S).group(1)
    assert sum(1 for line in code.splitlines() if line.strip()) <= 15


def names_in_the_equation_table() -> list[str]:
    section = README.split("## From the paper's equations")[1].split("\n## ")[0]
    cells = [row.split("|")[2] for row in section.splitlines() if row.startswith("| ")]
    names = []
    for quoted in re.findall(r"`([^`]+)`", " ".join(cells)):
        first, *others = quoted.split(", ")
        names += [first, *(f"{first.rpartition('.')[0]}.{name}" for name in others)]
    # "`minidl.models.mnist_cnn`, `cifar10_cnn`": the second is of the first's module.
    return [n if "." in n else f"minidl.models.{n}" for n in names]


@pytest.mark.parametrize("name", names_in_the_equation_table())
def test_each_name_in_the_equation_table_exists(name):
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute)
        return
    pytest.fail(f"no module of {name} can be imported")


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_each_linked_file_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("folder", re.findall(r"^\| `([a-z_/]+)/` \|", README, re.M))
def test_each_folder_on_the_map_exists(folder):
    assert (ROOT / folder).is_dir()


@pytest.mark.parametrize(
    "names",
    [[], ["benchmarks", "benchmarks-xeon"], ["attack-benchmarks"]],
    ids=["results", "benchmarks", "attack-benchmarks"],
)
def test_the_figures_are_those_of_the_committed_files(tmp_path, monkeypatch, names):
    monkeypatch.chdir(ROOT)
    copy = tmp_path / "README.md"
    copy.write_text(README, encoding="utf-8")
    if names:
        benchmarks_to_readme([Path(f"results/{name}.json") for name in names], copy)
    else:
        results_to_readme(committed(), copy)
    assert copy.read_text(encoding="utf-8") == README
