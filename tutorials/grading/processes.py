"""One process per student, started again if an answer has ended it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Timer
from typing import Any

from tutorials.exercises import limits
from tutorials.grading.worker import ABSENT, LATE, is_nothing

WORKER = "tutorials.grading.worker"
ROOT = Path(__file__).parents[2]
CLOSED = ("tutorials/solutions", "tutorials/mistakes", "tests")
START, SPARE = 120.0, 10.0  # seconds: to import and read files; beyond the limit


@dataclass
class Student:
    """A student's files, and the verdicts on the answers in them."""

    name: str
    files: list[Path]
    answers: dict[str, str | None] = field(default_factory=dict)  # None is right
    problems: dict[Path, str] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, sentence: str | None) -> None:
        """Add an answer; of several, a right one counts, or else the last tried."""
        before = self.answers.get(name, ABSENT)
        if before and (is_nothing(before) or not is_nothing(sentence)):
            self.answers[name] = sentence


class Grader:
    """Starts processes, and ends those at work on demand."""

    def __init__(self, closed: Path) -> None:
        self.closed = [closed, *(ROOT / folder for folder in CLOSED)]
        self.at_work, self.lock, self.ended = set[Any](), Lock(), False

    def grade(self, name: str, files: list[Path]) -> Student:
        """Return a student with the verdicts on all answers in the files."""
        student, first, left_out = Student(name, files), 0, list[int]()
        while True:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                last, ended = self.run(student, first, left_out, Path(folder))
            match last:
                case {"end": _}:
                    return student
                case {"reading": i}:
                    student.problems[files[i]] = f"reading it takes too much: {ended}"
                    left_out.append(i)
                case {"judging": first, "name": exercise}:
                    student.add(exercise, ended)
                    first += 1
                case {"judged": _, "number": first}:
                    first += 1
                case _:
                    raise OSError(f"the process for {name} can't work: {ended}")

    def run(
        self, student: Student, first: int, left_out: list[int], folder: Path
    ) -> tuple[dict[str, Any], str]:
        """Let a process go on from an answer; return its last message and its end."""
        request = {
            "files": [str(path.absolute()) for path in student.files],
            "closed": [str(path.absolute()) for path in self.closed],
            "first": first,
            "left_out": left_out,
            "seconds": limits.SECONDS,
        }
        process, late, last = self.start(folder), list[bool](), dict[str, Any]()

        def end() -> None:
            late.append(True)
            process.kill()

        timer = timed(START, end)
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            for line in process.stdout:
                timer.cancel()
                timer = timed(limits.SECONDS + SPARE, end)
                last = json.loads(line)
                note(student, last)
            code = process.wait()
        finally:
            timer.cancel()
            self.stop(process)
        return last, LATE.format(limits.SECONDS) if late else how(code, folder)

    def start(self, folder: Path) -> Any:
        """Start a process in its own folder."""
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        settings = {
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "MINIDL_KERNELS": "reference",  # nothing to compile
            "MPLBACKEND": "Agg",
            **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1"),
            **dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), str(folder)),
        }
        with self.lock, open(folder / "errors", "wb") as errors:
            if self.ended:
                raise InterruptedError("grading has ended")
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env=os.environ | settings,
                start_new_session=True,
            )
            self.at_work.add(process)
        return process

    def stop(self, process: Any) -> None:
        """End a process and the processes that it has started."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait()
        self.at_work.discard(process)

    def end(self) -> None:
        """End all processes at work, and start no others."""
        with self.lock:
            self.ended = True
            for process in self.at_work:
                process.kill()


def timed(seconds: float, action: Any) -> Timer:
    """Return a timer that has started."""
    timer = Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer


def how(code: int, folder: Path) -> str:
    """Return how a process has ended, as the verdict on its current answer."""
    if code < 0:
        return f"it crashes Python ({signal.Signals(-code).name})"
    errors = (folder / "errors").read_text(errors="replace").strip().splitlines()
    return f"it ends Python (exit code {code})" + (f": {errors[-1]}" if errors else "")


def note(student: Student, message: dict[str, Any]) -> None:
    """Add a message's content to a student."""
    match message:
        case {"read": i, "problem": str() as problem}:
            student.problems[student.files[i]] = problem
        case {"read": i, "hints": hints}:
            for name, count in hints.items():
                student.hints[name] = student.hints.get(name, 0) + count
        case {"judged": name, "sentence": sentence}:
            student.add(name, sentence)
