"""The handout for a class: notebooks to fill in, which are never overwritten."""

import re

import nbformat
import numpy as np
import pytest

from tests.tutorials.test_chapters import CHAPTER, CHAPTERS
from tutorials import handout, notebooks
from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import NOTHING, diagnose
from tutorials.grading import code
from tutorials.paper import results

ROOT = notebooks.CHAPTERS.parent
PUBLISHED = re.compile(r'published\("([^"]+)"\)')
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class") / "handout"
    handout.main([str(folder)])
    return folder


def test_the_folder_holds_the_chapters_and_what_they_read(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {"README.md", "results"} | {f"{c.stem}.ipynb" for c in CHAPTERS}
    handed = [path for path in (folder / "results").rglob("*") if path.is_file()]
    assert {path.parent.name for path in handed} >= {"mnist-full-literal", "mnist-full"}
    read = {name for names in handout.RESULTS.values() for name in names}
    for name in read:
        there = {
            p.relative_to(folder) for p in (folder / "results" / name).rglob("*.json")
        }
        ours = (ROOT / "results" / name).rglob("*.json")
        assert there == {path.relative_to(ROOT) for path in ours} > set()
    for file in handed:
        own = notebooks.CHAPTERS.parent / file.relative_to(folder)
        assert file.read_bytes() == own.read_bytes()


def test_the_results_beside_a_notebook_are_read_first(folder, tmp_path, monkeypatch):
    ours = results.published("mnist-full").absolute()
    monkeypatch.chdir(tmp_path)
    assert results.published("mnist-full") == ours
    monkeypatch.chdir(folder)
    assert results.published("mnist-full").absolute() == folder / "results/mnist-full"
    assert results.read(results.published("mnist-full")) == results.read(ours)


def test_chapters_read_only_results_that_are_handed_out():
    for chapter in CHAPTERS:
        text = chapter.read_text(encoding="utf-8")
        assert "__file__" not in text
        assert set(PUBLISHED.findall(text)) <= {
            *handout.RESULTS.get(chapter.stem[:2], ())
        }
    assert PUBLISHED.search(CHAPTERS[8].read_text(encoding="utf-8"))


def test_no_notebook_asks_for_a_hint_itself(folder):
    """Hints are counted in what a student hands in."""
    for path in folder.glob("*.ipynb"):
        assert not code.read(path).hints, path.name
    first = nbformat.read(folder / "01_one_neuron.ipynb", as_version=4).cells
    assert any("import check, hint\n" in cell.source for cell in first)


def test_the_students_first_command_installs_from_where_the_package_is(
    folder, tmp_path
):
    letter = (folder / "README.md").read_text(encoding="utf-8")
    source = handout.source_in(ROOT)
    assert f'    pip install "minidl[tutorials] @ {source}" jupyterlab\n' in letter
    assert ("ask for a copy" in letter) == source.startswith("file:")
    assert handout.source_in(tmp_path) == "file:///path/to/minidl"
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    for address, source in (
        ("", tmp_path.as_uri()),
        ("https://a.b/c", "git+https://a.b/c"),
    ):
        own = re.sub(
            '^REPOSITORY = ".*"$', f'REPOSITORY = "{address}"', setup, flags=re.M
        )
        (tmp_path / "setup.py").write_text(own, encoding="utf-8")
        assert handout.source_in(tmp_path) == source


def test_no_page_installs_the_package_from_an_index():
    """It isn't published: a page names the clone, or an address."""
    pages = [
        ROOT / "README.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("tutorials/*.md"),
    ]
    commands = re.findall(
        r"pip install .*", " ".join(p.read_text("utf-8") for p in pages)
    )
    assert len(commands) > 6
    by_name = [c for c in commands if re.search(r"install ['\"]?minidl", c)]
    assert by_name
    assert all("[tutorials] @ file:///path/to/minidl" in command for command in by_name)


def test_results_that_are_nowhere_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        FileNotFoundError, match=r"results.labelz is neither in this fo"
    ):
        results.published("labelz")


@CHAPTER
def test_a_notebook_has_no_outputs_and_no_solutions(chapter, folder):
    notebook = nbformat.read(folder / f"{chapter.stem}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    own = [e for e in exercises().values() if e.chapter == f"chapter{chapter.stem[:2]}"]
    cells = [cell.source for cell in code]
    for exercise in own:
        [cell] = [text for text in cells if f"def {exercise.name}(" in text]
        space = {"np": np, **dict.fromkeys(("check", "hint"), str)}
        exec(cell, space)
        problem = diagnose(exercise, space[exercise.name])
        is_open = cell.startswith(f"def {exercise.signature}:\n    return ...\n")
        assert problem == NOTHING if is_open else problem  # else it is to be repaired


def test_links_lead_to_what_is_handed_out(folder):
    for path in folder.glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            for link in LINK.findall(cell.source):
                assert (folder / link).exists(), (path.name, link)


def test_nothing_is_overwritten(tmp_path, capsys):
    first, second = CHAPTERS[0].stem, CHAPTERS[1].stem
    handout.main([str(tmp_path), first])
    (tmp_path / f"{first}.ipynb").write_text("my answers")
    (tmp_path / f"{second}.ipynb").symlink_to(tmp_path / "nowhere")
    capsys.readouterr()
    handout.main([str(tmp_path), first, second])
    printed = capsys.readouterr().out
    assert f"they exist: README.md, {first}.ipynb, {second}.ipynb" in printed
    assert (tmp_path / f"{first}.ipynb").read_text() == "my answers"
    assert not (tmp_path / "nowhere").exists()
    assert (tmp_path / f"{second}.ipynb").is_symlink()


def test_only_the_folder_is_required(refused):
    assert refused(handout.main, [], code=2).endswith("are required: DIR")


def typed(source, number=-1):
    """The first chapter's notebook, one of whose cells says something else."""
    notebook = notebooks.cells_of(CHAPTERS[0])
    cell = notebook.cells[number]
    cell.source = source
    return notebook


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def neuron(x, w, b):\n    return 1", True),
        ("# to remember", True),
        ("", False),
    ],
)
def test_what_somebody_typed_into_a_notebook_stays(
    source, found, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(notebooks, "contents", lambda: None)
    made = []
    monkeypatch.setattr(notebooks, "write", made.append)
    path = notebooks.notebook_of(CHAPTERS[0])
    nbformat.write(typed(source), path)
    before = path.read_bytes()
    notebooks.main([CHAPTERS[0].stem, CHAPTERS[1].stem])
    assert made == ([CHAPTERS[1]] if found else CHAPTERS[:2])
    assert path.read_bytes() == before
    said = f"{path.name} is kept as it is: somebody has typed in 1 cells, the first is"
    assert (said in capsys.readouterr().out) == found


@CHAPTER
def test_our_own_notebooks_are_as_they_were_made(chapter):
    assert notebooks.typed(notebooks.notebook_of(chapter)) == []


def test_what_is_no_notebook_is_named_and_stays(tmp_path, monkeypatch, refused):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    path = notebooks.notebook_of(CHAPTERS[0])
    path.write_text("<<<<<<< HEAD")
    said = refused(notebooks.main, [CHAPTERS[0].stem])
    assert f"{path} is damaged or not the expected file" in said
    assert path.read_text() == "<<<<<<< HEAD"
