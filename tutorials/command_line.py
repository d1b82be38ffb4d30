"""What all programs here share: arguments, and errors in one line."""

import argparse
import importlib.util
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from minidl import kernels
from minidl.backend import Device, out_of_memory
from minidl.data import Dataset, load_dataset
from minidl.data.places import cache_folder
from minidl.parallel import available_cores
from minidl.parallel.processes import signalled
from minidl.store.files import check_writable
from tutorials.output import keep_writing, lost, nobody_reads
from tutorials.signals import Terminated, ended_by_signals

# The exit codes that a shell reports after Ctrl-C, a closed pipe, and kill.
INTERRUPTED, UNREAD, TERMINATED = 130, 141, 143


class Parser(argparse.ArgumentParser):
    """A parser with errors in one line; an option that is given twice is an error."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        keep_writing()
        super().__init__(*args, **kwargs)
        for action in (None, "store"):
            self.register("action", action, Once)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with code 2."""
        stop(self.prog, 2, f"error: {message}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Exit after --help."""
        check_written(self.prog)
        super().exit(status, message)


class Once(argparse.Action):
    """An option's value; the second one is an error."""

    given = False

    def __call__(
        self, parser: Any, namespace: Any, values: Any, option_string: Any = None
    ) -> None:
        """Keep the first value."""
        if self.given:
            raise argparse.ArgumentError(self, "is given twice")
        self.given = True
        setattr(namespace, self.dest, values)


def given(parser: Parser, args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Return those of some options that aren't the defaults."""
    values = {name: getattr(args, name) for name in names}
    return {n: v for n, v in values.items() if v != parser.get_default(n)}


def check_used(
    parser: Parser, args: argparse.Namespace, verb: str, *names: str
) -> None:
    """End with an error if options of another verb were given: they'd be ignored."""
    for name in given(parser, args, *names):
        parser.error(f"--{name.replace('_', '-')} belongs to {verb}")


def continues(fresh: bool) -> str:
    """Return which command continues; with --fresh all would begin anew."""
    return f"the same command {'without --fresh ' if fresh else ''}continues"


def parser_of(module: str, doc: str | None) -> Parser:
    """Return the parser of a module's program, described by the first line of `doc`."""
    description = (doc or "").partition("\n")[0]
    return Parser(prog=f"python -m {module}", description=description)


def in_words(verbs: Mapping[str, str]) -> str:
    """Return what each verb does, as the help of a program."""
    return "; ".join(f"{verb}: {what}" for verb, what in verbs.items())


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
    """End a program with one line, without a traceback except for a bug.

    `go_on` says what an interrupted run has kept.
    """
    keep_writing()
    try:
        with ended_by_signals():
            kernels.check_environment()
            yield
            check_written(program)
    except Terminated:
        stop(program, TERMINATED, f"terminated; {what_is_kept(go_on)}")
    except KeyboardInterrupt:
        stop(program, INTERRUPTED, f"interrupted; {what_is_kept(go_on)}")
    except BrokenProcessPool:
        stop(program, 1, f"error: a worker process was killed; {what_is_kept(go_on)}")
    except BrokenExecutor as error:
        stop(program, 1, f"error: {error}; {what_is_kept(go_on)}")
    except MemoryError as error:
        here = f"memory is full: fewer --jobs need less ({error})"
        what = out_of_memory(error) if device == "gpu" else here
        stop(program, 1, f"error: {what}")
    except (ValueError, OSError, FloatingPointError, ImportError) as error:
        stop(program, 1, f"error: {error}")


def what_is_kept(go_on: Callable[[], str]) -> str:
    """Return what is kept, as `go_on` says; Ctrl-C ends a long search for it."""
    with signalled(signal.SIGINT, signal.SIG_DFL):
        try:
            return go_on()
        except (ValueError, OSError) as error:
            return f"the same command continues ({error})"


def check_written(program: str) -> None:
    """Exit unless all of standard output was written."""
    if (error := lost()) is not None:
        if nobody_reads(error):
            sys.exit(UNREAD)
        stop(program, 1, f"error: standard output can't be written: {error.strerror}")


def whole_number(at_least: int, at_most: int) -> Callable[[str], int]:
    """Return a function that converts text to an integer in a range."""

    def convert(text: str) -> int:
        number = int(text) if re.fullmatch("-?[0-9]{1,20}", text) else None
        if number is None or not at_least <= number <= at_most:
            raise argparse.ArgumentTypeError(
                f"must be an integer from {at_least} to {at_most}, got {text!r}"
            )
        return number

    return convert


number_of_members = whole_number(1, 1000)
number_of_epochs = whole_number(1, 100_000)
seed_number = whole_number(0, 2**63 - 1)
number_of_processes = whole_number(1, max(60, 4 * available_cores()))


def a_path(text: str) -> Path:
    """Return the path that a text names; refuse "", which pathlib takes for "."."""
    try:
        if text.strip():
            return Path(text).expanduser()
    except RuntimeError:  # ~nobody
        pass
    raise argparse.ArgumentTypeError(f"must name a file or folder, got {text!r}")


def check_installed(package: str, extra: str, why: str) -> None:
    """Raise ModuleNotFoundError unless an optional package can be imported."""
    if importlib.util.find_spec(package) is None:
        raise ModuleNotFoundError(
            f"{why} needs {package}: pip install 'minidl[{extra}]'"
        )


def add_places(parser: Parser, results: str) -> None:
    """Add the options of long-running programs: processes and folders."""
    add = parser.add_argument
    cores, default = available_cores(), f"(default: {results})"
    add("--jobs", type=number_of_processes, default=cores, help="(default: all cores)")
    add("--runs", type=a_path, metavar="DIR", help="(default: the user's cache)")
    add("--results", type=a_path, metavar="DIR", default=Path(results), help=default)


def runs_folder() -> Path:
    """Return the default folder of trained members and finished evaluations."""
    return cache_folder() / "runs"


def writable_runs(asked: Path | None) -> Path:
    """Return the folder of runs; OSError if finished work couldn't be kept there."""
    return check_writable("--runs", asked or runs_folder())


def start(main: Callable[[], None]) -> None:
    """Run a program; each warning is one line, without the source line."""
    warnings.formatwarning = lambda message, *about: f"warning: {message}\n"
    main()


def load_once(dataset: str) -> Dataset:
    """Return a data set; only this process shows warnings about its files.

    Its workers, which inherit the environment, show all other warnings.
    """
    data = load_dataset(dataset)
    modules = ("minidl.data.files",)
    os.environ["PYTHONWARNINGS"] = ",".join(f"ignore::UserWarning:{m}" for m in modules)
    return data
