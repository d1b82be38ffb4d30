"""The chapters run, their notebooks are up to date, and each has exercises."""

import ast
import os
import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest

import attacks
from attacks.losses import cross_entropy
from tutorials import notebooks
from tutorials.exercises.catalogue import exercises
from tutorials.grading.code import Code
from tutorials.grading.needs import bound, imported
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
def test_only_imports_have_the_names_of_other_chapters_exercises(chapter):
    """Grading would take such a cell for an answer as soon as a student edits it."""
    course = Code()
    course.add(chapter.read_text(encoding="utf-8"))
    names = [n for s in course.statements for n in bound(s) - imported(s)]
    own = [name for name in names if name in exercises()]
    assert {exercises()[name].chapter[-2:] for name in own} == {chapter.stem[:2]}
    assert len(own) == len(set(own))


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
    assert 'names = "true label", "true label, times s", *(f"reading {n}"' in cell
    assert 'table(("networks", "method", *names), rows)' in cell
    assert "for n in (AS_STATED, TIMES_S, *relatives)" in cell
    assert "relatives = SUSPECT, LATER, BY_LIBRARY" in cell


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


def run_until(number, words):
    """Run a chapter to the first cell with these words; return its text and names."""
    cells = notebooks.cells_of(CHAPTERS[number - 1]).cells
    space = {"__name__": "chapter"}
    for cell in (cell for cell in cells if cell.cell_type == "code"):
        exec(cell.source, space)
        if words in cell.source:
            text = " ".join(c.source.replace('"\n    "', "") for c in cells)
            return " ".join(text.split()), space
    raise AssertionError(f"no cell has {words}")


def test_chapter_7_says_where_the_pixels_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, names = run_until(7, "model = network()")
    assert "At step 16 a third of all pixels are at the edge of the ball, and" in text
    assert "another third at the edge of [0, 1]. They can't go on in the same" in text
    x, y, eps, gradient = (names[name] for name in ("x", "y", "eps", "gradient"))
    way = [attacks.bim(gradient, x, y, eps, names["alpha"], n) for n in (1, 8, 16)]
    of_ball = abs(way[-1] - x) > eps - 1e-5
    of_range = ((way[-1] == 0) | (way[-1] == 1)) & ~of_ball
    np.testing.assert_allclose([of_ball.mean(), of_range.mean()], 1 / 3, atol=0.02)
    J = [
        cross_entropy(names["model"].forward(images), y)[0].mean()
        for images in (x, *way)
    ]
    assert J[3] - J[2] < J[2] - J[0]


@pytest.mark.slow
def test_chapter_12_says_what_its_stairs_show(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, names = run_until(12, "steps_to_success(")
    fooled = {
        name: [(n <= k).mean() for k in range(9)] for name, n in names["steps"].items()
    }
    assert (
        "first four steps fool about a quarter of the images, and the last four more"
        in text
    )
    own = fooled["own loss"]
    assert 0.2 < own[4] - own[0] < 0.3
    assert 0.4 < own[8] - own[4] < 0.5
    for curve in fooled.values():
        assert curve[4] - curve[0] < curve[8] - curve[4]
        assert curve[7] < curve[8]
    assert fooled["own loss"][8] > fooled["Adv. 2"][8] > fooled["Adv. 1"][8]


@pytest.mark.slow
def test_chapter_14_says_what_its_curves_show(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, names = run_until(14, "def in_steps(")
    assert (
        "under FGSM it falls to 0.44 and rises again to 0.76, under PGD it falls to"
        in text
    )
    _, _, under_fgsm, under_pgd = names["history"].T
    assert [round(float(a), 2) for a in (under_fgsm.min(), under_fgsm[-1])] == [
        0.44,
        0.76,
    ]
    assert under_pgd.min() < 0.02
    assert under_fgsm[0] - under_pgd[0] < 0.1  # "still close"
    assert (under_fgsm[1:] - under_pgd[1:]).min() > 0.3  # "then they separate"
    assert (
        "falls from three quarters to less than a tenth, the network trained on PGD"
        in text
    )
    first, last = (names["in_steps"](names["hopeful"], k) for k in (1, 20))
    assert abs(first - 0.75) < 0.03
    assert last < 0.1
    first, last = (names["in_steps"](names["many_steps"], k) for k in (1, 20))
    assert abs(first - last) < 0.05


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
