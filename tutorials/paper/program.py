"""What all programs here share: arguments and errors that take one line each."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from minidl.backend import Device, out_of_memory
from minidl.data import Dataset, load_dataset
from minidl.data.places import cache_folder

INTERRUPTED = 130  # what a shell reports of a program ended by Ctrl-C


class Parser(argparse.ArgumentParser):
    """A parser whose errors take one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with code 2."""
        stop(self.prog, 2, f"error: {message}")


def parser_of(module: str, doc: str | None) -> Parser:
    """Return the parser of a module that is a program, described by its first line."""
    description = (doc or "").partition("\n")[0]
    return Parser(prog=f"python -m {module}", description=description)


def stop(program: str, code: int, message: object) -> NoReturn:
    """Print one line on standard error and exit."""
    words = " ".join(str(message).split())
    print(f"{program}: {words}", file=sys.stderr, flush=True)
    sys.exit(code)


@contextmanager
def one_line_errors(
    program: str,
    go_on: Callable[[], str] = lambda: "nothing is kept",
    device: Device = "cpu",
) -> Iterator[None]:
    """End a program with one line, not a traceback, on all that isn't a mistake in it.

    `go_on` tells what is left of an interrupted run.
    """
    try:
        yield
    except KeyboardInterrupt:
        stop(program, INTERRUPTED, f"interrupted; {go_on()}")
    except BrokenProcessPool:
        stop(program, 1, f"error: a worker process was killed; {go_on()}")
    except BrokenExecutor as error:
        stop(program, 1, f"error: {error}; {go_on()}")
    except MemoryError as error:
        here = f"memory is full: fewer --jobs need less ({error})"
        what = out_of_memory(error) if device == "gpu" else here
        stop(program, 1, f"error: {what}")
    except (ValueError, OSError, FloatingPointError, ImportError) as error:
        stop(program, 1, f"error: {error}")


def whole_number(at_least: int, at_most: int | None = None) -> Callable[[str], int]:
    """Return a converter of text to integers in a range."""
    limit = f"of at least {at_least}"
    if at_most is not None:
        limit = f"from {at_least} to {at_most}"

    def convert(text: str) -> int:
        number = int(text) if text.lstrip("-").isdecimal() else at_least - 1
        if number < at_least or (at_most is not None and number > at_most):
            raise argparse.ArgumentTypeError(
                f"must be an integer {limit}, got {text!r}"
            )
        return number

    return convert


def check_writable(option: str, folder: Path) -> None:
    """Raise OSError unless files can be written into a folder, made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"{option} {folder} is not a writable folder: {reason}"
        ) from error


def runs_folder() -> Path:
    """Return where trained members and finished evaluations are kept by default."""
    return cache_folder() / "runs"


def one_line(message: Warning | str, *details: Any) -> str:
    """Return a warning as text, without the source line that issued it."""
    return f"warning: {message}\n"


def load_once(dataset: str) -> Dataset:
    """Return a data set; warnings about its files are shown here, not by each worker.

    Workers inherit the environment. Their other warnings are still shown.
    """
    data = load_dataset(dataset)
    modules = ("minidl.data.cache", "minidl.data.files")
    os.environ["PYTHONWARNINGS"] = ",".join(f"ignore::UserWarning:{m}" for m in modules)
    return data
