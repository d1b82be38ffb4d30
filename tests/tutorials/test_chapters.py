"""The chapters run, their notebooks are up to date, and each has exercises."""

import ast
import os
import re
import subprocess
import sys

import nbformat
import pytest

from tutorials import notebooks
from tutorials.exercises.catalogue import exercises
from tutorials.paper import results
from tutorials.paper.claims.verdicts import judge
from tutorials.paper.pages.table2 import tables
from tutorials.paper.results.strict import strict_of

CHAPTERS = notebooks.chapters()
CHAPTER = pytest.mark.parametrize("chapter", CHAPTERS, ids=[c.stem for c in CHAPTERS])
ROOT = notebooks.CHAPTERS.parent
OUTPUTS_SHOWN = ("stream", "display_data", "execute_result")


def committed(chapter):
    return nbformat.read(notebooks.notebook_of(chapter), as_version=4)


def number_of(chapter):
    return int(chapter.stem.split("_")[0])


def test_chapters_are_numbered():
    assert [number_of(c) for c in CHAPTERS] == list(range(1, len(CHAPTERS) + 1))


@CHAPTER
def test_no_exercise_hides_what_a_cell_above_uses(chapter):
    """Running that cell again in a notebook would call the learner's function."""
    nodes = list(ast.walk(ast.parse(chapter.read_text(encoding="utf-8"))))
    names = [n for n in nodes if isinstance(n, ast.Name)]
    stubs = {
        n.args[0].id
        for n in nodes
        if isinstance(n, ast.Call) and getattr(n.func, "id", None) == "check"
    }
    aliases = [a for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names]
    assert stubs
    assert not stubs & {alias.asname or alias.name for alias in aliases}
    used = [n.id for n in names if isinstance(n.ctx, ast.Load)]
    assert {stub: used.count(stub) for stub in stubs} == dict.fromkeys(stubs, 1)


@CHAPTER
def test_the_notebook_has_the_chapters_cells(chapter):
    ours, theirs = notebooks.cells_of(chapter), committed(chapter)
    assert [(c.cell_type, c.source) for c in theirs.cells] == [
        (c.cell_type, c.source) for c in ours.cells
    ]


@CHAPTER
def test_the_notebook_has_been_run_without_warnings(chapter):
    cells = [cell for cell in committed(chapter).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= set(OUTPUTS_SHOWN)
    assert not [o for o in outputs if o.get("name") == "stderr"]


@CHAPTER
def test_the_notebook_shows_the_librarys_current_source(chapter):
    """Else: python -m tutorials.notebooks CHAPTER."""
    outputs = [o for c in committed(chapter).cells for o in c.get("outputs", [])]
    texts = [o.get("data", {}).get("text/plain", "") for o in outputs]
    sources = [text for text in texts if re.match(r"# \S+\.py, line \d+\n", text)]
    assert sources
    for text in sources:
        head, _, lines = text.partition("\n")
        file = notebooks.CHAPTERS.parent / head[2:].partition(",")[0]
        now = without_indent(file.read_text(encoding="utf-8"))
        assert without_indent(lines) in now, f"{head}: this has changed"


def test_chapter_11_shows_the_current_results():
    """Else: python -m tutorials.notebooks 11_the_paper."""
    notebook = committed(notebooks.CHAPTERS / "11_the_paper.py")
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    shown = [o.get("data", {}).get("text/plain", "") for o in outputs]
    place = notebooks.CHAPTERS.parent / "results" / "mnist-full-literal"
    full = results.read(place)
    assert "\n\n".join(table.text() for table in tables(full)) in shown
    verdicts = next(
        text for text in shown if "does not hold: BIM, the surprise" in text
    )
    assert [line.strip() for line in verdicts.splitlines()] == [
        f"{verdict.verdict}: {verdict.topic}"
        for verdict in judge(full, strict_of(full, place))
    ]


def test_chapter_9_shows_the_suspect_beside_its_controls():
    """What differs is in one column: the label of Adv. 2."""
    cells = [c.source for c in notebooks.cells_of(CHAPTERS[8]).cells]
    [cell] = [source for source in cells if "fixed_readings(labels)" in source]
    assert '("networks", "method", "true label", "true label, times s",' in cell
    assert "for n in (AS_STATED, TIMES_S, SUSPECT)" in cell


def without_indent(text):
    return "\n".join(line.strip() for line in text.strip().splitlines())


@CHAPTER
def test_each_picture_is_described(chapter):
    text = chapter.read_text(encoding="utf-8")
    shown = notebooks.pictures(committed(chapter))
    assert len(shown) == len(re.findall(r"^(?:picture|drag)\(", text, re.M)) > 0
    for png, alt in shown:
        assert png.startswith(b"\x89PNG")
        assert len(alt) > 40
    assert (
        notebooks.notebook_of(chapter).with_suffix(".png").read_bytes() == shown[0][0]
    )


@CHAPTER
def test_the_exercises_of_a_chapter_are_in_it(chapter):
    text = chapter.read_text(encoding="utf-8")
    own = [
        (name, e)
        for name, e in exercises().items()
        if e.number.split(".")[0] == str(number_of(chapter))
    ]
    assert len(own) >= 2
    for name, exercise in own:
        assert f"# **{exercise.number}** " in text
        assert f"\ndef {exercise.signature}:\n" in text  # open, or to be repaired
        assert re.search(rf"^check\({name}\)$", text, re.M)
    assert len(re.findall(r"^check\(", text, re.M)) == len(own)


@CHAPTER
def test_links_have_targets(chapter):
    text = chapter.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (notebooks.NOTEBOOKS / link).exists(), link


@pytest.mark.slow
@CHAPTER
def test_a_chapter_runs_as_a_script(chapter, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", str(chapter)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "pictures").glob(f"{chapter.stem}-*.png"))


@pytest.mark.slow
def test_the_debugger_stops_in_a_kernel():
    """The commands of chapter 10, from a pipe."""
    [chapter] = [c for c in CHAPTERS if number_of(c) == 10]
    text = chapter.read_text(encoding="utf-8")
    commands = re.findall(r"^#     \(Pdb\) (.*)$", text, re.M)
    assert len(commands) == 5
    settings = dict(re.findall(r"(\w+)=(\w+)", text.split("#     $ export ")[1][:80]))
    done = subprocess.run(
        [sys.executable, "-m", "pdb", str(chapter)],
        input="\n".join([*commands, "quit"]),
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    assert "NUMBA_DISABLE_JIT" in settings
    assert "winograd.py" in done.stdout
    assert "(Pdb) (16, 28, 28, 32)\n" in done.stdout


PAGES = ("docs/chapters.md", "README.md")


def test_the_pages_list_the_chapters(tmp_path):
    (tmp_path / "docs").mkdir()
    texts = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
    for page, text in texts.items():
        (tmp_path / page).write_text(text, encoding="utf-8")
    notebooks.contents(tmp_path)
    for page, text in texts.items():
        assert (tmp_path / page).read_text(encoding="utf-8") == text
    listed, strip = texts.values()
    assert listed.count(".ipynb)") == strip.count('.ipynb">') == len(CHAPTERS)
    described = re.findall(r'<img src="../tutorials/.*?" alt="(.*?)">', listed)
    assert len([alt for alt in described if len(alt) > 40]) == len(CHAPTERS)


def test_a_chapter_without_a_notebook_is_not_listed(tmp_path, monkeypatch):
    first, second = CHAPTERS[:2]
    draft = tmp_path / "99_draft.py"
    monkeypatch.setattr(notebooks, "chapters", lambda: [first, draft, second])
    (tmp_path / "docs").mkdir()
    for page, name in zip(PAGES, ("chapters", "strip"), strict=True):
        (tmp_path / page).write_text(f"<!-- {name} -->\n<!-- /{name} -->\n")
    notebooks.contents(tmp_path)
    for page in PAGES:
        assert (tmp_path / page).read_text().count(".ipynb") == 2
