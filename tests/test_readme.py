"""The examples, links and figures of the README and of docs/ are right."""

import importlib
import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from attacks import interop
from tests.benchmarks.page import update as benchmarks_to_page
from tests.printed_example import check_first_example
from tests.processes import run_code
from tests.size import CORE, core
from tutorials.paper.pages.markdown import replace_marked
from tutorials.paper.pages.overview import committed, hours_table, overview, small_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = {
    path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")
}


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
    """With two networks in place of those that the page assumes."""
    [code] = re.findall(r"```python\n(.*?)```", DOCS["evaluation.md"], re.S)
    assert "worst case" in run_code(GIVEN + code)


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("art"), reason="art isn't installed")
@pytest.mark.skipif(not find_spec("foolbox"), reason="foolbox isn't installed")
def test_the_example_with_other_libraries_prints_what_its_page_says():
    # Besides, ART draws from the global generator.
    check_first_example(DOCS["interop.md"], 0.15)


RECIPES = re.findall(r"```python\n(.*?)```", DOCS["recipes.md"], re.S)
NEEDED = {  # by a module that a recipe imports: what it prints
    "load_images": r"100 images .* in 8 bits",
    "TorchClassifier": r"worst case +0\.\d+",
    "load_torch_state": r"largest difference of the logits: \de-0[5-9]",
    "cross_val_score": r"\[0\.[6-9]\d* +0\.[6-9]\d* +0\.[6-9]\d*\]",
    "LogisticRegression": r"0\.[6-9]\d* 0\.[0-5]",
    "Adversarial": r"clean 0\.[89]\d, attacked 0\.[6-9]\d",
    "csv": r"epoch,J,accuracy\n1,.*\n2,.*\n3,\d\.\d+,0\.[5-9]",
}


def test_each_recipe_is_tried():
    assert all(sum(key in code for key in NEEDED) == 1 for code in RECIPES)
    assert len(RECIPES) == len(NEEDED)


@pytest.mark.slow
@pytest.mark.parametrize("key", NEEDED)
def test_each_recipe_runs(key, tmp_path):
    [code] = [code for code in RECIPES if key in code]
    for package in set(re.findall(r"^(?:from|import) (torch|sklearn)", code, re.M)):
        pytest.importorskip(package)
    assert re.search(NEEDED[key], run_code(code, tmp_path))


@pytest.mark.parametrize(
    "name", re.findall(r"^\| `(\w+)` \|", DOCS["interop.md"], re.M)
)
def test_each_function_for_other_libraries_exists(name):
    assert callable(getattr(interop, name))


def test_the_example_has_fifteen_lines():
    code = re.search(r"```python\n(.*?)```", README, re.S).group(1)
    assert sum(1 for line in code.splitlines() if line.strip()) <= 15


def names_in_the_equation_table() -> list[str]:
    rows = DOCS["equations.md"].splitlines()
    cells = [row.split("|")[2] for row in rows if row.startswith("| ")]
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


def links() -> list[tuple[str, str]]:
    """Files and pictures that the README and the pages under docs/ name."""
    pages = {"README.md": README} | {f"docs/{name}": t for name, t in DOCS.items()}
    del pages["docs/index.md"]  # some are made by `make docs`, which looks at all
    return [
        (page, link)
        for page, text in pages.items()
        for link in re.findall(r'\]\(([^)#:]+)\)|(?:src|href)="([^":#]+)"', text)
        for link in link
        if link
    ]


@pytest.mark.parametrize(("page", "link"), links())
def test_each_linked_file_exists(page, link):
    assert ((ROOT / page).parent / link).exists()


def test_the_readme_is_short():
    assert len(README.encode()) <= 9_000


def test_the_readmes_ratio_to_pytorch_is_that_of_the_committed_files():
    files = (ROOT / "results").glob("benchmarks*.json")
    networks = [n for file in files for n in json.loads(file.read_text())["networks"]]
    found = [
        network["operations"]["training step"]["auto"]["vs_torch"]["median"]
        for network in networks
    ]
    words = f"{min(found):.1f} to {max(found):.1f} times as fast as"
    assert words in " ".join(README.split())


def test_the_readme_says_how_many_lines_the_core_has():
    hundreds = round(sum(core().values()) / 100)
    assert f"its core has {100 * hundreds:,} lines" in " ".join(README.split())


def test_each_part_of_the_core_exists():
    assert [pattern for pattern in CORE if not list(ROOT.glob(pattern))] == []


@pytest.mark.parametrize("folder", re.findall(r"^\| `([a-z_/]+)/` \|", README, re.M))
def test_each_folder_on_the_map_exists(folder):
    assert (ROOT / folder).is_dir()


def test_the_results_are_those_of_the_committed_files(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    runs = committed()
    tables = {"README.md": ("results", small_table(runs))}
    tables["docs/distributed.md"] = "hours", hours_table(runs)
    for name, table in tables.items():
        copy = tmp_path / "copy.md"
        copy.write_bytes(Path(name).read_bytes())
        replace_marked(copy, *table)
        assert copy.read_bytes() == Path(name).read_bytes()
    page = Path("results/table2.md").read_text(encoding="utf-8")
    assert overview(runs) == page


@pytest.mark.parametrize("name", ["benchmarks", "attack-benchmarks"])
def test_the_speeds_are_those_of_the_committed_files(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    shown = re.findall(rf"\[(results/{name}[-a-z]*\.json)\]", DOCS["speed.md"])
    files = [Path(file) for file in shown]
    page = Path("docs/speed.md")
    for path in (*files, page):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((ROOT / path).read_bytes())
    benchmarks_to_page(files, page)
    assert page.read_text(encoding="utf-8") == DOCS["speed.md"]
