"""The process in which a student's answers run; it reports its progress line by line.

It reads one line of JSON from standard input: the student's files, the number of the
first answer, and the closed folders. Each line that it writes is a JSON object:
{"reading": file} and {"read": ...}, {"judging": number, ...} and {"judged": ...},
{"end": true}. The last line tells its parent how far it came.
"""

import ast
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from time import monotonic
from typing import Any
from warnings import catch_warnings

from minidl.parallel.processes import end_after
from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import NOTHING, Exercise, diagnose
from tutorials.exercises.limits import OutOfTime, limited
from tutorials.grading.code import Code, is_empty, read
from tutorials.grading.guard import MEMORY, guard
from tutorials.grading.needs import defined, needed

STOPPED = 3  # the exit code after an answer that makes the process unusable
ABSENT = "not handed in"
LATE = "it takes longer than {:g} s: does a loop never end?"
RESERVE = [bytearray(2**24)]  # for the last messages when memory is full
LARGE = f"it needs more than {MEMORY // 2**30} GB of memory"
Say = Callable[[dict[str, Any]], None]
Answer = tuple[Exercise, ast.Module | str]  # its code, or the verdict if there is none


def main() -> None:
    """Judge the answers in a student's files, from a given number on."""
    request, say = json.loads(sys.stdin.readline()), line_writer()
    end_after(sys.stdin.buffer.read)
    codes = list(readable(request, say))
    answers = list(answers_in(codes))
    guard(Path.cwd(), map(Path, request["closed"]))
    for number, answer in enumerate(answers):
        if number >= request["first"]:
            name = answer[0].name
            say({"judging": number, "name": name})
            sentence, spent = judged(answer, request["seconds"])
            say({"judged": name, "number": number, "sentence": sentence})
            if spent:
                os._exit(STOPPED)
    say({"end": True})
    os._exit(0)  # even if the answers have started threads


def line_writer() -> Say:
    """Return a writer to standard output, from which all other output is cut off."""
    out, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)

    def say(message: dict[str, Any]) -> None:
        text = json.dumps(message) + "\n"  # in ASCII
        os.write(out, text.encode())

    return say


def readable(request: dict[str, Any], say: Say) -> Iterator[Code]:
    """Return the code in the files that can be read."""
    for i, path in enumerate(request["files"]):
        if i in request["left_out"]:
            continue
        say({"reading": i})
        try:
            code = read(Path(path))
        except (OSError, ValueError, RecursionError, MemoryError) as error:
            say({"read": i, "problem": str(error)[:200]})
        else:
            empty = not (code.statements or code.broken)
            problem = "it holds no code" if empty else None
            say({"read": i, "problem": problem, "hints": code.hints})
            yield code


def answers_in(codes: Sequence[Code]) -> Iterator[Answer]:
    """Yield all answers to each exercise, or a line if there is none.

    Values that may be functions, such as those of calls, precede definitions. Of the
    latter those that aren't Python, and those that are empty, count only if there is no
    other. If what an answer uses gets another value later, it is tried with both.
    """
    every = exercises()
    others = {name for code in codes for name in code.functions()} - {*every}
    for name, exercise in every.items():
        found = [(c.statements, k) for c in codes for k in c.places(name)]
        values = [(made, k) for made, k in found if name not in defined(made[k])]
        own = [place for place in found if place not in values]
        filled = [(made, k) for made, k in own if not is_empty(made[k])]
        broken = [code.broken[name] for code in codes if name in code.broken]
        alike = get_close_matches(name, others, 1, 0.82)
        why = f"{ABSENT}: is {alike[0]} meant to be {name}?" if alike else ABSENT
        for answer in [*values, *(filled or broken or own[:1])] or [why]:
            if isinstance(answer, str):
                yield exercise, answer
            else:
                yield from ((exercise, code) for code in versions(name, *answer))


def versions(name: str, made: list[ast.stmt], place: int) -> Iterable[ast.Module]:
    """Return what an answer needs, as names are at its place, and at the file's end."""
    codes = [needed(made, place, name, end) for end in (place + 1, len(made))]
    return {frozenset(map(ast.dump, code.body)): code for code in codes}.values()


def is_nothing(sentence: str | None) -> bool:
    """Return whether a verdict says that an exercise wasn't tried."""
    return (sentence or "").startswith((ABSENT, NOTHING))


def judged(answer: Answer, seconds: float) -> tuple[str | None, bool]:
    """Return what is wrong with an answer, or None, and whether to end this process.

    The process must end if the answer's thread may go on, or hold the memory.
    """
    exercise, code = answer
    if isinstance(code, str):
        return code, False
    start = monotonic()
    try:
        with catch_warnings():  # an answer may change the filters for all
            sentence, _ = limited(lambda: tried(exercise, code), seconds)
    except OutOfTime:
        RESERVE.clear()  # a thread that ended early lacked the memory to say why
        late = monotonic() - start >= seconds
        return LATE.format(seconds) if late else LARGE, True
    except BaseException as error:  # the student's, such as KeyboardInterrupt
        sentence = f"it raises {type(error).__name__}: {error}".removesuffix(": ")
    if sentence is not None and sentence.startswith("it raises MemoryError"):
        RESERVE.clear()
        return LARGE, True
    return sentence and " ".join(sentence.split())[:500], False


def tried(exercise: Exercise, code: ast.Module) -> str | None:
    """Return what is wrong with the function of an exercise, None if nothing is."""
    try:
        module = loaded(code)
        function = getattr(module, exercise.name, None)
    except SystemExit:
        return "its cell ends Python with exit()"
    except Exception as error:
        return f"its cell raises {type(error).__name__}: {error}"
    if not callable(function):
        got = type(function).__name__
        return f"{ABSENT}: {exercise.name} must be a function, got {got}"
    return diagnose(exercise, function)


def loaded(statements: ast.Module) -> Any:
    """Return a module of these statements alone, from a file in the current folder."""
    path = Path("answer.py")
    path.write_text(ast.unparse(statements), encoding="utf-8")
    loader = SourceFileLoader("__main__", str(path))
    spec = spec_from_loader("__main__", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
