"""Standard output that fails: no work is lost, and the exit code reports it."""

import io
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tutorials import output
from tutorials.command_line import one_line_errors

ROOT = Path(__file__).parents[2]


@contextmanager
def pipe():
    """Connect standard output to a pipe, as at a program's start; yield its end."""
    end, start = os.pipe()
    with (
        open(end, "rb") as reader,
        io.TextIOWrapper(io.FileIO(start, "w"), "ascii", "strict") as stream,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "__stdout__", stream)
        output.keep_writing()
        yield reader
        sys.stdout.flush()


def test_characters_that_can_not_be_encoded_become_numbers():
    with pipe() as reader:
        print("ε “café” \udce9", flush=True)
        assert output.lost() is None
        assert reader.readline() == b"\\u03b5 \\u201ccaf\\xe9\\u201d \\udce9\n"


def test_work_goes_on_when_nobody_reads_any_more():
    done = []

    def work():
        print("first", flush=True)
        done.append(1)
        print("second", flush=True)

    with pipe() as reader:
        reader.close()
        with pytest.raises(SystemExit) as ended, one_line_errors("program"):
            work()
    assert (done, ended.value.code) == ([1], 141)


def test_tests_and_notebooks_keep_their_own_output(capsys):
    before = sys.stdout
    output.keep_writing()
    assert sys.stdout is before
    assert output.lost() is None


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("argv", [[], ["--help"]])
def test_a_full_disk_takes_one_line(argv):
    command = [sys.executable, "-m", "tutorials.progress", *argv]
    with open("/dev/full", "w") as full:
        found = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    line = "error: standard output can't be written: No space left on device\n"
    assert found.returncode == 1
    assert found.stderr == f"python -m tutorials.progress: {line}"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_in_a_programs_first_second_takes_one_line():
    """While modules are imported; other errors are shown whole."""
    begin = "import signal, tutorials; signal.signal(2, signal.default_int_handler); "
    for code, last in [("signal.raise_signal(2)", "interrupted"), ("1 / 0", "by zero")]:
        command = [sys.executable, "-c", begin + code]
        found = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        lines = found.stderr.splitlines()
        assert found.returncode != 0
        assert lines[-1].endswith(last)
        assert (len(lines) == 1) == (last == "interrupted")
