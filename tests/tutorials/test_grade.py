"""A class of thirty is graded; the code of many would stop a careless grader."""

import ast
import csv
import hashlib
import html
import json
import os
import re
import time
from pathlib import Path

import pytest

from tests.tutorials import school
from tutorials import grade, handout
from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import NOTHING
from tutorials.grading import code, page, processes, submissions, worker
from tutorials.grading.needs import needed
from tutorials.grading.page import no_formula
from tutorials.grading.worker import ABSENT


def rows_of(folder):
    """The grades by student and exercise, as a spreadsheet reads them."""
    with open(folder / "grades.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["student"], row["exercise"]): row for row in rows}


def checksums(folder):
    """Of all files that were handed in."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in submissions.OURS
    }


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The graded folder, the sentences it must hold, and the checksums before."""
    place = tmp_path_factory.mktemp("school")
    handout.main([str(place / "handout")])
    folder = place / "submissions"
    folder.mkdir()
    said = school.hand_in(folder, place / "handout")
    before = checksums(folder)
    start = time.monotonic()
    grade.main([str(folder)])
    print(f"graded in {time.monotonic() - start:.0f} s")
    return folder, said, before


@pytest.mark.slow
@pytest.mark.parametrize("name", school.NAMES)
def test_a_student_is_graded_right(name, played):
    folder, said, _ = played
    rows = rows_of(folder)
    for exercise in exercises():
        row = rows[no_formula(name), exercise]
        right = said[name].get(exercise, ABSENT)
        assert row["solved"] == str(int(right is None)), row
        assert row["sentence"].startswith(right or ""), row
        assert bool(row["sentence"]) == (right is not None), row


@pytest.mark.slow
def test_grading_adds_only_its_own_files(played):
    folder, _, before = played
    assert checksums(folder) == before
    assert {path.name for path in folder.iterdir() if path.name.startswith("g")} == {
        "gil.py",
        *submissions.OURS[:2],
    }
    assert len(rows_of(folder)) == 30 * len(exercises())
    assert len(school.NAMES) == 30


@pytest.mark.slow
def test_hints_are_counted(played):
    rows = rows_of(played[0])
    assert rows["hana", "neuron"]["hints"] == "2"
    assert rows["hana", "slope"]["hints"] == "0"
    assert rows["cleo", "slope"]["hints"] == "0"  # none was asked for


@pytest.mark.slow
def test_the_page_says_what_the_class_got_wrong(played):
    page = (played[0] / "grades.html").read_text(encoding="utf-8")
    words = html.unescape(re.sub(r"<[^>]*>", "", page))
    assert "What a class of 30 got wrong" in words
    first, _, rest = words.partition("By exercise")
    assert "2.3 relu_backward\n2\nyou return max(dout, 0): the sign of x dec" in first
    assert "2 x you return max(dout, 0): the sign of x decideslea, max" in rest
    assert "1 x it raises PermissionError: os.kill isn't allowed" in words
    assert "<script>alert(1)</script> | *a*" in words
    assert "<script" not in page
    assert "kim, one.ipynb: it is no notebook" in words
    assert "max, neuron: not handed in: is nueron meant to be neuron?" in words
    assert "notes.txt: neither .py nor .ipynb" in words
    assert "ida: no files" in words
    assert "against accidents, not against malice" in words


def graded(folder, files):
    """Grade some files; return the rows."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    grade.main([str(folder)])
    return rows_of(folder)


def test_right_and_wrong_answers(tmp_path, capsys):
    files = {"a.py": school.NEURON + school.NO_SIGN, "b/c.ipynb": "{"}
    rows = graded(tmp_path, files)
    assert rows["a", "neuron"]["solved"] == "1"
    assert rows["a", "relu_backward"]["sentence"] == school.OF_NO_SIGN
    assert rows["a", "softmax"]["sentence"] == ABSENT
    assert {row["solved"] for (s, _), row in rows.items() if s == "b"} == {"0"}
    assert "2 students are graded: " in capsys.readouterr().out


def test_only_what_an_answer_needs_is_run(tmp_path):
    """A chapter's own cells and the course's functions aren't answers."""
    handout.main([str(tmp_path / "a"), "05_training", "13_why_did_my_attack_fail"])
    rows = graded(tmp_path, {})
    said = {name: row["sentence"] for (_, name), row in rows.items()}
    assert said["accuracy"] == said["log_odds"] == NOTHING
    text = "def loud(): 1 / 0\nloud()\nx = loud()\ndef f(x): return [x for x in x]"
    assert needed_by("f", text) == ["def f(x):"]


def needed_by(name, text):
    """What the last answer in a file needs, a line for each statement."""
    made = code.Code()
    made.add(text)
    place, end = made.places(name)[-1], len(made.statements)
    body = needed(made.statements, place, name, end).body
    return [ast.unparse(s).partition("\n")[0] for s in body]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("for step in range(3):\n    train(step)\n", ""),
        ("step = lambda x: train(x)\nstep += train()\n", ""),
        ("from minidl import step\n", ""),
        ("def f(x): return train(x)\n", ""),
        ("x = 1\n", "step_size = train()\n"),
    ],
)
def test_a_new_value_hides_what_had_the_name_before(before, after):
    text = "def step(x): return x\ndef f(x): return step(f(x))\n"
    found = needed_by("f", f"{before}{text}{after}")
    assert found == ["def step(x):", "def f(x):"]
    text = "def f(x): return step(x)\ndef step(x): return x\n"
    found = needed_by("f", f"{before}{text}{after}")
    assert found == ["def f(x):", "def step(x):"]


def test_a_files_future_stays_first(tmp_path):
    text = school.NEURON.replace("(x,", "(x: Array,")
    second = text.replace("import", "from __future__ import annotations\nimport")
    rows = graded(tmp_path, {"a.ipynb": school.cells("import numpy as np", second)})
    assert rows["a", "neuron"]["sentence"] == ""


def test_values_are_those_that_a_statement_sees():
    lines = (
        "from minidl.losses import cross_entropy, f",
        "a = 1",
        "b = a",
        "a = 2",
        "a += 1",
        "try:\n    c = 1\nexcept ValueError:\n    c = 2",
        "c: int",
        "def f(x): return a + b + c + cross_entropy(x)",
        "f = once(f)",
    )
    firsts = [ast.unparse(ast.parse(s)).partition("\n")[0] for s in lines]
    assert needed_by("f", "\n".join(lines)) == firsts


@pytest.mark.parametrize(
    "lines",
    [
        ["g = np.zeros(2)", "g[0] = g[1] = 1", "g[0] += 1"],
        ["g = np.zeros((2, 2))", "g[0][1], _ = (1, 2)", "g.flat[0] = 1"],
        ["g = []", "g.append(1)", "h = g.copy()", "del g[0]"],
        ["class g:\n    pass", "g.h = 1"],
        ["g = []", "for t in (0, 1):\n    g.append(t)"],
        ["g = {}", "if np.pi > 3:\n    g['a'] = 1"],
        ["g = np.zeros(2)", "with np.errstate():\n    g.fill(1)"],
        ["g = np.zeros((2, 2))", "np.fill_diagonal(g, 1)", "np.exp(g, out=g)"],
        ["g = np.zeros(2)", "def fill(a): a[:] = 1", "fill(g)"],
        ["g = 0", "def fill():\n    global g\n    g = 1", "fill()"],
    ],
)
def test_a_value_may_be_made_in_several_steps(lines):
    used = [line for line in lines if not line.startswith("h")]
    lines = [
        *("import numpy as np", "g = train()", "g.append(train())", *lines),
        *("np.random.seed(1)", "np.save('g', g)", "print(g.copy())"),
        *("def f(x): return g * x", "def test(f): 1 / 0", "test(f)"),
    ]
    needs_np = [lines[0]] * ("np" in "".join(used))
    firsts = [ast.unparse(ast.parse(s)).partition("\n")[0] for s in used]
    assert needed_by("f", "\n".join(lines)) == [*needs_np, *firsts, "def f(x):"]


def test_a_helper_may_share_its_name_with_the_chapters_variables(tmp_path):
    """Chapter 7 trains and draws in loops over `step`."""
    handout.main([str(tmp_path), "07_bim_and_clipping"])
    notebook = json.loads((tmp_path / "07_bim_and_clipping.ipynb").read_text())
    (cell,) = (c for c in notebook["cells"] if "def bim(" in "".join(c["source"]))
    cell["source"] = (
        "def step(x_adv, g, x, eps, alpha):\n"
        "    stepped = np.clip(x_adv + alpha * np.sign(g), x - eps, x + eps)\n"
        "    return np.clip(stepped, 0, 1)\n\n\n"
        "def bim(gradient, x, y, eps, alpha, steps):\n"
        "    x_adv = x\n"
        "    for _ in range(steps):\n"
        "        x_adv = step(x_adv, gradient(x_adv, y), x, eps, alpha)\n"
        "    return x_adv\n\n\n"
        "check(bim)"
    )
    rows = graded(tmp_path / "class", {"a.ipynb": json.dumps(notebook)})
    assert rows["a", "bim"]["sentence"] == ""


EMPTY = school.definition("neuron", "return ...")
BY_NEURON = "def softmax(z): return neuron(z, z, z)\n"


@pytest.mark.parametrize(
    "files",
    [
        {"a.py": school.NEURON + school.NO_SIGMOID},
        {"a.ipynb": school.cells(school.NEURON + "check(neuron)", EMPTY)},
        {"a/a.py": school.NEURON + EMPTY, "a/b.py": EMPTY},
        {"a/a.py": school.NEURON, "a/b.py": school.NO_SIGMOID, "a/c.py": "def neuron("},
    ],
)
def test_of_several_answers_the_right_one_counts(files, tmp_path):
    assert graded(tmp_path, files)["a", "neuron"]["sentence"] == ""


ANSWER = "lambda x, w, b: 1 / (1 + np.exp(-(x @ w + b)))"
MAKE = """import numpy as np
def make(k): return lambda x, w, b: k + answer(x, w, b)
"""
SHORT = f"def neuron(x, w, b): return {ANSWER.partition(': ')[2]}"
SQUASHED = """def squash(z): return 1 / (1 + np.exp(-z))
def neuron(x, w, b): return squash(x @ w + b)
"""
MADE = f"{MAKE}neuron = make(0)\nanswer = {ANSWER}\n"
NO_FUNCTION = f"{ABSENT}: neuron must be a function, got int"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MADE, None),
        (MADE + EMPTY, None),
        (f"from functools import partial\n{MAKE}neuron = partial({ANSWER})", None),
        (f"neuron = ({ANSWER}) if np else None", None),
        (f"f = {ANSWER}\nneuron, slope = f, abs", None),
        (f"try:\n    from a import neuron\nexcept ImportError:\n    {SHORT}", None),
        (f"k = 1\n{SHORT} ** k\nk = 2\nk = 3", None),
        (f"{SQUASHED}def squash(z): return np.tanh(z)", None),
        (f"def squash(z): return np.tanh(z)\n{SQUASHED}", None),
        (f"{SQUASHED}squash = squash(1)\n{EMPTY}", None),
        (f"if __name__ == '__main__':\n    {SHORT}", None),
        (f"class Neuron:\n    __call__ = lambda self, *a: ({ANSWER})(*a)\n"
         "neuron = Neuron()", None),
        (f"if np:\n    neuron = {ANSWER}", None),
        (f"try:\n    neuron = {ANSWER}\nfinally:\n    pass\n{EMPTY}", None),
        (f"with np.errstate():\n    def neuron(*a): return ({ANSWER})(*a)", None),
        (f"{school.NEURON}neuron = neuron(np.ones((2, 3)), np.ones(3), 1)", None),
        (f"{school.NEURON}neuron.calls = 0", None),
        (school.NO_SIGMOID + "sigmoid = lambda z: 1 / (1 + np.exp(-z))\nlinear = neuron"
         "\nneuron = lambda *a: sigmoid(linear(*a))", None),
        (f"{school.NO_SIGMOID}neuron = neuron(1, 2, 3)", school.OF_NO_SIGMOID),
        (f"make = lambda k: lambda x, w, b: x @ w + b\nneuron = make(0)\n{EMPTY}",
         school.OF_NO_SIGMOID),
        ("neuron = 3", NO_FUNCTION),
        (f"{EMPTY}neuron = 3", NOTHING),
        (f"neuron = 3\n{school.NO_SIGMOID}", school.OF_NO_SIGMOID),
        ("if np:\n    from minidl.losses import neuron", ABSENT),
    ],
)  # fmt: skip
def test_a_function_counts_however_it_got_its_name(text, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text(f"import numpy as np\n{text}", encoding="utf-8")
    student = processes.Student("a", [])
    for exercise, place in worker.answers_in([code.read(Path("a.py"))]):
        if exercise.name == "neuron":
            student.add("neuron", worker.judged((exercise, place), 10.0)[0])
    assert student.answers == {"neuron": said}


def test_an_empty_answer_hides_no_other(tmp_path):
    wrong = "def neuron(x, w, b): return x\n" + EMPTY
    files = {"a/a.py": wrong, "a/b.py": EMPTY, "b.py": "def neuron(:" + EMPTY}
    rows = graded(tmp_path, files)
    assert rows["a", "neuron"]["sentence"].startswith("its shape is ")
    assert rows["b", "neuron"]["sentence"].startswith("its code isn't Python: ")
    (tmp_path / "c.py").write_text(school.NEURON + BY_NEURON + EMPTY)
    made = code.read(tmp_path / "c.py")
    (place,) = made.places("softmax")
    body = needed(made.statements, place, "softmax", len(made.statements))
    assert ast.unparse(body).count("def neuron") == 1
    assert made.places("neuron") == [1]


def test_a_process_that_cannot_start_is_no_students_fault(
    tmp_path, monkeypatch, refused
):
    (tmp_path / "a.py").write_text(school.NEURON)
    monkeypatch.setattr(processes, "WORKER", "tutorials.grading.nothing")
    said = refused(grade.main, [str(tmp_path)])
    assert "the process for a can't work: " in said
    assert "No module named tutorials.grading.nothing" in said


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1"])
def test_a_name_is_no_formula(text):
    assert no_formula(text) == f"'{text}"
    assert no_formula(f"a{text}") == f"a{text}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x80\x81", "it is no notebook"),
        (b"[" * 10**5, "it is no notebook"),
        (json.dumps({"cells": [1]}).encode(), "it has no cells"),
        (b'{"cells": [{"cell_type": "code", "source": [1]}]}', "it has no cells"),
    ],
)
def test_what_is_no_notebook_says_so(content, said, tmp_path):
    (tmp_path / "a.ipynb").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        code.read(tmp_path / "a.ipynb")


@pytest.mark.parametrize("name", ["a.py", "a.ipynb"])
def test_a_notebook_is_read_whatever_its_name_and_encoding(name, tmp_path):
    text = school.cells(f"# f\xfcr\n{school.NEURON}").replace(r"\u00fc", "\xfc")
    (tmp_path / name).write_text(text, encoding="latin-1")
    assert code.read(tmp_path / name).functions() == {"neuron"}
    (tmp_path / name).write_bytes(b"\n")
    assert code.read(tmp_path / name) == code.Code()


def test_only_a_misspelt_name_is_asked_about():
    made = code.Code()
    made.add("def main(): pass\ndef sofmax(z): pass")
    said = {e.name: line for e, line in worker.answers_in([made])}
    assert said["margin"] == ABSENT
    assert said["softmax"] == f"{ABSENT}: is sofmax meant to be softmax?"


@pytest.mark.parametrize(
    "command",
    [
        *("%timeit f(", "!ls it's", "np.exp?", "?np", "files = !ls *"),
        *("a, b = %time 1 2", "pip install a", "!pip install \\\n a \\\n it's"),
    ],
)
def test_only_commands_are_left_out(command):
    text = (
        'import numpy as np\n{}\ndef f(z):\n    """Is it?\n    %a\n    !b?"""\n'
        "    {}\n    z = (z\f\n       %1e30)\n    return z  # is it right?\n"
    )
    made = code.Code()
    made.add(text.format(command, command).replace("\n", "\r\n"))
    expected = ast.parse(text.format("pass", "pass")).body
    assert list(map(ast.dump, made.statements)) == list(map(ast.dump, expected))


@pytest.mark.parametrize(
    ("first", "counts"),
    [
        *(("%%time", True), ("%%debug", True), ("%%capture out", True)),
        *(("%%bash", False), ("%%HTML", False), ("%%!", False), ("%%rust", True)),
        ("%%writefile a.py", False),
    ],
)
def test_a_cells_first_line_decides_whether_it_is_python(first, counts, tmp_path):
    (tmp_path / "a.ipynb").write_text(school.cells(f"{first}\n{school.NEURON}"))
    assert ("neuron" in code.read(tmp_path / "a.ipynb").functions()) == counts


def test_a_mistake_is_no_command():
    made = code.Code()
    made.add("def f(z):\n    return z ++  # is it right?\n")
    assert made.broken == {
        "f": "its code isn't Python: invalid syntax, in 'return z ++  # is it right?'"
    }


def test_a_mistake_costs_no_line_before_it():
    made = code.Code()
    made.add(f"{MAKE}x = make(\nneuron = lambda x, w, b: (x @\n{school.RELU}")
    assert made.functions() == {"make", "relu_backward"}
    assert ast.unparse(made.statements[0]) == "import numpy as np"
    assert made.broken["neuron"].startswith("its code isn't Python: '(' was never")


def test_an_answers_warnings_stay_its_own(tmp_path):
    text = school.NEURON.replace("return", "warnings.simplefilter('error'); return")
    warns = school.RELU.replace("return", "warnings.warn('a'); return")
    rows = graded(tmp_path, {"a.py": f"import warnings\n{text}{warns}"})
    assert rows["a", "neuron"]["solved"] == rows["a", "relu_backward"]["solved"] == "1"


def test_an_answer_may_draw_but_finds_no_files(tmp_path):
    pytest.importorskip("matplotlib")
    draws = "import matplotlib.pyplot as plt\n" + school.NEURON.replace(
        "return", "plt.plot(x); plt.show(); return"
    )
    finds = "import glob, os\n" + school.definition(
        "relu_backward",
        f"assert not [*os.walk({str(tmp_path)!r}), *glob.glob({f'{tmp_path}/*'!r})]\n"
        "    return dout * (x > 0)",
    )
    rows = graded(tmp_path, {"a.py": draws + finds})
    assert rows["a", "neuron"]["sentence"] == rows["a", "relu_backward"]["sentence"]
    assert rows["a", "neuron"]["solved"] == "1"


def test_a_stopped_grading_replaces_nothing(tmp_path, monkeypatch, refused):
    def stopped(grader, name, files):
        if name == "b":
            raise OSError("stopped")
        return processes.Student(name, files, dict.fromkeys(exercises(), ABSENT))

    before = graded(tmp_path, {"a.py": school.NEURON, "b.py": school.NEURON})
    monkeypatch.setattr(processes.Grader, "grade", stopped)
    said = refused(grade.main, [str(tmp_path), "--jobs", "1"])
    assert "stopped" in said
    assert rows_of(tmp_path) == before
    monkeypatch.undo()
    assert graded(tmp_path, {}) == before
    assert not list(tmp_path.glob("*.part.*"))


@pytest.mark.parametrize(
    "name",
    [
        "anna_01_one_neuron-Copy1",
        "anna_01_one_neuron (1)",
        "anna_01_one_neuron_final",
        "anna_final_01_One_Neuron_v2 (3)",
        "01_one_neuron_anna-Copy",
        "anna",
        "anna - Copy (2)",
        "anna - Kopie",
        "Kopie von anna_01_one_neuron",
        "Copy of anna",
    ],
)
def test_a_copys_name_is_the_students(name, tmp_path):
    (tmp_path / f"{name}.py").touch()
    assert [*submissions.submissions(tmp_path)[0]] == ["anna"]


def test_a_loose_file_of_another_kind_is_no_students(tmp_path):
    (tmp_path / "data.csv").touch()
    with pytest.raises(FileNotFoundError, match="holds no submissions"):
        submissions.submissions(tmp_path)
    (tmp_path / "anna.py").touch()
    found = submissions.submissions(tmp_path)
    assert found == ({"anna": [tmp_path / "anna.py"]}, [tmp_path / "data.csv"])


def test_two_spellings_of_a_letter_are_one_student(tmp_path):
    for name in ("J\xf6rg_01_one_neuron.py", "Jo\u0308rg.py", "01_one_neuron (1).py"):
        (tmp_path / name).touch()
    found, _ = submissions.submissions(tmp_path)
    assert sorted(found) == ["01_one_neuron (1)", "J\xf6rg"]


def test_names_that_may_be_one_students_are_listed():
    names = ["anna", "Anna (2)", "anna_b", "hanna", "dee_1", "dee_2"]
    assert submissions.alike(names) == [
        ("anna", "Anna (2)"),
        ("anna", "anna_b"),
        ("Anna (2)", "anna_b"),
    ]
    students = [processes.Student(name, []) for name in names]
    assert "- anna, Anna (2)" in page.names_alike(students)


def test_a_pipe_is_not_waited_for(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system knows none")
    os.mkfifo(tmp_path / "a.py")
    (tmp_path / "b.py").touch()
    files, _ = submissions.submissions(tmp_path)
    assert files == {"a": [], "b": [tmp_path / "b.py"]}
