"""The smaller programs of tutorials.paper: what they refuse takes one line."""

import os
import signal
from concurrent.futures import BrokenExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from minidl.processes import signalled
from tests.benchmarks import page as benchmarks_page
from tutorials import notebooks, own_defence, progress, trained
from tutorials.anomaly import __main__ as anomaly
from tutorials.command_line import one_line_errors
from tutorials.paper.pages import overview
from tutorials.paper.search import __main__ as search


@pytest.mark.parametrize(
    ("program", "argv", "words", "code"),
    [
        (search, ["--dataset", "fashion"], "invalid choice: 'fashion'", 2),
        (search, ["--jobs", "0"], "--jobs: must be an integer from 1 to", 2),
        (search, ["--dataset", "mnist"], "MINIDL_DATA", 1),
        (search, ["--runs", "/proc/x"], "--runs /proc/x is not a writable folder", 1),
        (search, ["--json", "/proc/x/y"], "--json /proc/x is not a writable", 1),
        (anomaly, ["all", "--runs", "/proc/x"], "--runs /proc/x is not a writable", 1),
        (overview, ["nowhere"], "nowhere/results.json", 1),
        (benchmarks_page, [], "required: sources, page", 2),
        (benchmarks_page, ["nowhere.json", "speed.md"], "nowhere.json", 1),
        (trained, [], "required: members, METHOD", 2),
        (trained, ["2", "baging"], "invalid choice: 'baging'", 2),
        (own_defence, ["--save", "/proc/x"], "--save /proc/x is not a writable", 1),
        (own_defence, ["--images", "1001"], "must be an integer from 1 to 1000", 2),
        (own_defence, ["--save", ""], "--save: must name a file or folder, got ''", 2),
        (anomaly, ["rules", "--images", "9" * 20], "must be an integer from 1 to", 2),
        (anomaly, ["all", "--seed", "0", "--seed", "0"], "--seed: is given twice", 2),
        (progress, ["--all"], "unrecognized arguments: --all", 2),
        (notebooks, ["14_no_chapter"], "no chapter 14_no_chapter", 2),
    ],
)
def test_one_line(program, argv, words, code, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        program.main(argv)
    error = capsys.readouterr().err
    assert ended.value.code == code
    name = program.__name__.removesuffix(".__main__")
    assert error.startswith(f"python -m {name}: error: ")
    assert words in error
    assert error.count("\n") == 1


def test_ctrl_c_takes_one_line(capsys, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress, "show", interrupted)
    with pytest.raises(SystemExit) as ended:
        progress.main([])
    assert ended.value.code == 130
    expected = "python -m tutorials.progress: interrupted; nothing is kept\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")],
)
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_signals_take_one_line(capsys, number, code, word):
    with (
        signalled(signal.SIGINT, signal.default_int_handler),
        pytest.raises(SystemExit) as ended,
        one_line_errors("program", lambda: "2 members are kept"),
    ):
        signal.raise_signal(number)
    assert ended.value.code == code
    assert capsys.readouterr().err == f"program: {word}; 2 members are kept\n"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_what_is_kept_may_be_unreadable(capsys):
    def unreadable():
        raise ValueError("member.npz is damaged")

    with pytest.raises(SystemExit), one_line_errors("program", unreadable):
        raise KeyboardInterrupt
    expected = "interrupted; the same command goes on (member.npz is damaged)\n"
    assert capsys.readouterr().err == f"program: {expected}"


@pytest.mark.parametrize(
    ("device", "advice"), [("cpu", "fewer --jobs"), ("gpu", "a smaller batch size")]
)
def test_a_full_memory_takes_one_line(capsys, device, advice):
    with (
        pytest.raises(SystemExit) as ended,
        one_line_errors("program", device=device),
    ):
        raise MemoryError("no room for 4 GiB")
    [line] = capsys.readouterr().err.splitlines()
    assert ended.value.code == 1
    assert line.startswith("program: error: ")
    assert advice in line
    assert "4 GiB" in line


def test_a_killed_worker_takes_one_line_that_says_how_to_go_on(capsys):
    with (
        pytest.raises(SystemExit) as ended,
        one_line_errors("program", lambda: "the same\ncommand goes on"),
    ):
        raise BrokenProcessPool("abruptly")
    expected = "program: error: a worker process was killed; the same command goes on\n"
    assert ended.value.code == 1
    assert capsys.readouterr().err == expected


def test_a_lost_cluster_takes_one_line_that_says_how_to_go_on(capsys):
    with (
        pytest.raises(SystemExit) as ended,
        one_line_errors("minidl", lambda: "2 members are kept"),
    ):
        raise BrokenExecutor("the scheduler at tcp://a:1 is lost")
    assert ended.value.code == 1
    expected = "minidl: error: the scheduler at tcp://a:1 is lost; 2 members are kept\n"
    assert capsys.readouterr().err == expected


def test_a_mistake_in_a_program_is_shown_whole():
    with pytest.raises(KeyError), one_line_errors("program"):
        raise KeyError("no such thing")
