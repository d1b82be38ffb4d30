"""Grades for a spreadsheet, and a page with the class's mistakes for the teacher."""

import csv
import html
import io
import re
from collections.abc import Sequence
from pathlib import Path

from minidl.store.files import write_text
from tutorials.exercises.catalogue import exercises
from tutorials.grading.processes import Student
from tutorials.grading.submissions import alike
from tutorials.grading.worker import ABSENT, is_nothing
from tutorials.paper.pages import markdown
from tutorials.paper.pages.markdown import Table, details

HEAD = ("student", "exercise", "solved", "sentence", "hints")
OWN_NUMBERS = re.compile(
    r"(its numbers are wrong|it is right except [^:]*): .*|"
    r" \((the shapes here|other cases|\d+ of \d+ cases).*?\)$"
)
MOST = 20  # mistakes in the first table
LIMITS = """Each student's answers ran in their own process, with 10 seconds per answer,
2 GB of memory (Windows limits only time), no files but its own, no network and no other
processes. This guards against accidents, not against malice. Grade strangers'
submissions on a machine that holds nothing else."""


def write_csv(students: Sequence[Student], file: Path) -> None:
    """Write a line for each student and exercise: solved is 1 or 0."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(HEAD)
    for student in students:
        for name, sentence in student.answers.items():
            right, hints = int(sentence is None), student.hints.get(name, 0)
            row = (no_formula(student.name), name, right, sentence or "", hints)
            rows.writerow(row)
    write_text(file, text.getvalue())


def no_formula(text: str) -> str:
    """Return a text that spreadsheets don't take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text


def write_page(students: Sequence[Student], others: Sequence[Path], file: Path) -> None:
    """Write the page for the teacher, in HTML that needs no other file."""
    parts = (
        f"# What a class of {len(students)} got wrong",
        most_frequent(students),
        "## By exercise",
        "Only answers are counted. An exercise that still returns `...` isn't one.",
        by_exercise(students).markdown(),
        "## By student",
        by_student(students).markdown(),
        unread(students, others),
        names_alike(students),
        "## Limits",
        LIMITS,
    )
    write_text(file, markdown.html(markdown.page(*parts), file.parent))


def most_frequent(students: Sequence[Student]) -> str:
    """Return a table of mistakes of two students or more, the most frequent first."""
    found = [
        (exercise, sentence, who)
        for exercise in exercises().values()
        for sentence, who in mistakes(students, exercise.name)
        if len(who) > 1
    ]
    rows = [
        [f"{e.number} `{e.name}`", str(len(who)), escaped(sentence)]
        for e, sentence, who in sorted(found, key=lambda row: -len(row[2]))[:MOST]
    ]
    table = Table(["exercise", "how often", "mistake"], rows, words=3).markdown()
    return f"## The most frequent mistakes\n\n{table}" if rows else ""


def by_exercise(students: Sequence[Student]) -> Table:
    """Return each exercise's number of solutions, and who made which mistake."""
    rows = []
    for name, exercise in exercises().items():
        answers = [s.answers[name] for s in students if not is_nothing(s.answers[name])]
        wrong = "".join(
            details(f"{len(who)} x {escaped(sentence)}", escaped(", ".join(who)))
            for sentence, who in mistakes(students, name)
        )
        if answers:
            title = f"{exercise.number} `{name}`<br>{escaped(exercise.task)}"
            rows.append(
                [title, f"{answers.count(None)}&nbsp;of&nbsp;{len(answers)}", wrong]
            )
    return Table(["exercise", "solved", "how often, and what was wrong"], rows, words=3)


def mistakes(students: Sequence[Student], name: str) -> list[tuple[str, list[str]]]:
    """Return an exercise's mistakes and who made them, the most frequent first.

    Mistakes that differ only in the student's own numbers and shapes are the same.
    """
    found: dict[str, list[str]] = {}
    for student in students:
        if not is_nothing(sentence := student.answers[name]) and sentence:
            found.setdefault(OWN_NUMBERS.sub(r"\1", sentence), []).append(student.name)
    return sorted(found.items(), key=lambda item: -len(item[1]))


def by_student(students: Sequence[Student]) -> Table:
    """Return the number of exercises that each student has solved."""
    rows = []
    for s in students:
        tried = [name for name in s.answers if not is_nothing(s.answers[name])]
        right = sum(s.answers[name] is None for name in tried)
        counts = (right, len(tried) - right, len(s.answers) - len(tried))
        numbers = (*counts, sum(s.hints.values()))
        rows.append([escaped(s.name), *map(str, numbers)])
    return Table(["student", "solved", "wrong", "not tried", "hints"], rows)


def unread(students: Sequence[Student], others: Sequence[Path]) -> str:
    """Return the files and the misspelt names that weren't graded, and why."""
    lines = [
        f"- {escaped(student.name)}, {escaped(path.name)}: {escaped(problem)}"
        for student in students
        for path, problem in student.problems.items()
    ]
    lines += [f"- {escaped(path.name)}: neither .py nor .ipynb" for path in others]
    lines += [f"- {escaped(s.name)}: no files" for s in students if not s.files]
    lines += [
        f"- {escaped(student.name)}, {escaped(name)}: {escaped(said)}"
        for student in students
        for name, said in student.answers.items()
        if said and said.startswith(f"{ABSENT}: ")
    ]
    return "\n".join(("## What wasn't graded\n", *lines)) if lines else ""


def names_alike(students: Sequence[Student]) -> str:
    """Return the names that may be one student's."""
    pairs = alike(student.name for student in students)
    lines = [f"- {escaped(a)}, {escaped(b)}" for a, b in pairs]
    return "\n".join(("## One student, or two?\n", *lines)) if lines else ""


def escaped(text: str) -> str:
    """Return anybody's text, escaped for a table in Markdown."""
    safe = html.escape(" ".join(text.split()))
    return re.sub(r"[^\w\s&;#.,:()+/'-]|_", lambda match: f"&#{ord(match[0])};", safe)
