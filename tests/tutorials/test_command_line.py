"""Every program under tutorials/ answers a refusal or an interruption in one line."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from minidl.parallel.processes import signalled
from tests.benchmarks import page as benchmarks_page
from tests.minidl.data.synthetic_data import cifar_members, tar_bytes
from tutorials import grade, handout, notebooks, own_defence, progress, trained
from tutorials.anomaly import __main__ as anomaly
from tutorials.anomaly.labels import __main__ as labels
from tutorials.anomaly.robustness import __main__ as robustness
from tutorials.command_line import load_once, one_line_errors
from tutorials.defences import __main__ as defences
from tutorials.paper.pages import overview
from tutorials.paper.search import __main__ as search
from tutorials.starts import __main__ as starts

SAMPLE = "--dataset=mnist-sample"


@pytest.mark.parametrize(
    ("program", "argv", "words", "code"),
    [
        (search, ["--dataset", "fashion"], "invalid choice: 'fashion'", 2),
        (search, ["--jobs", "0"], "--jobs: must be an integer from 1 to", 2),
        (search, ["--dataset", "mnist"], "MINIDL_DATA", 1),
        (search, ["--network", "relu"], "invalid choice: 'relu'", 2),
        (starts, ["--dataset", "fashion-mnist"], "invalid choice: 'fashion", 2),
        (starts, ["--seeds", "0"], "--seeds: must be an integer from 1 to", 2),
        (starts, ["--results", "/proc/x"], "--results /proc/x is not a writable", 1),
        (starts, ["--runs", "/proc/x"], "--runs /proc/x is not a writable folder", 1),
        (search, ["--runs", "/proc/x"], "--runs /proc/x is not a writable folder", 1),
        (search, ["--json", "/proc/x/y"], "--json /proc/x is not a writable", 1),
        (anomaly, ["all", "--runs", "/proc/x"], "--runs /proc/x is not a writable", 1),
        (overview, [], "no results in results/readme", 1),
        (benchmarks_page, [], "required: sources, page", 2),
        (benchmarks_page, ["nowhere.json", "speed.md"], "nowhere.json", 1),
        (trained, [""], "file: must name a file or folder, got ''", 2),
        (trained, ["/proc/x/y.npz"], "file /proc/x is not a writable folder", 1),
        (own_defence, ["--save", "/proc/x"], "--save /proc/x is not a writable", 1),
        (own_defence, ["--images", "1001"], "must be an integer from 1 to 1000", 2),
        (own_defence, ["--save", ""], "--save: must name a file or folder, got ''", 2),
        (defences, ["run", "--runs", "/proc/x"], "--runs /proc/x is not a writable", 1),
        (defences, ["table"], "no results in results/defences/mnist-sample-quick", 1),
        (defences, ["run", "--row", "pgd"], "--row must be one of single, plain", 2),
        (defences, ["run", "--dataset", "svhn"], "invalid choice: 'svhn'", 2),
        (defences, ["table", "--row", "pgd-1"], "--row belongs to run", 2),
        (defences, ["table", "report", "--seed", "7"], "--seed belongs to run", 2),
        (anomaly, ["report", "--fresh"], "--fresh belongs to experiments", 2),
        (anomaly, ["report", "--images", "5"], "--images belongs to experiments", 2),
        (labels, ["report", "--method", "bagging"], "--method belongs to scale and", 2),
        (labels, ["example", "--runs", "x"], "--runs belongs to scale and run", 2),
        (robustness, ["report", "--seed", "1"], "--seed belongs to run", 2),
        (starts, ["page", "--train-images", "7"], "--train-images belongs to count", 2),
        (starts, [SAMPLE, "--train-images", "4001"], "--train-images must be at mo", 1),
        (anomaly, ["rules", "--images", "9" * 20], "must be an integer from 1 to", 2),
        (anomaly, ["rules", "--images", "1001", SAMPLE], "at most 1000, all test", 1),
        (anomaly, ["rules", "--members", "1"], "an integer from 2 to", 2),
        (anomaly, ["report"], "no experiment in", 1),
        (anomaly, ["all", "--seed", "0", "--seed", "0"], "--seed: is given twice", 2),
        (progress, ["--all"], "unrecognized arguments: --all", 2),
        (notebooks, ["99"], "no chapter 99; there are 01_one_neuron", 2),
        (handout, ["never", "99_no_chapter"], "no chapter 99_no_chapter", 2),
        (grade, [], "required: FOLDER", 2),
        (grade, ["."], ". holds no submissions", 1),
        (grade, ["nowhere"], "nowhere is no folder", 1),
        (grade, [".", "--jobs", "0"], "--jobs: must be an integer from 1 to", 2),
        (handout, ["/proc/x"], "DIR /proc/x is not a writable folder", 1),
    ],
)
def test_one_line(program, argv, words, code, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = refused(program.main, argv, code=code)
    name = program.__name__.removesuffix(".__main__")
    assert error.startswith(f"python -m {name}: error: ")
    assert words in error


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")],
)
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("dropped", [False, True])
def test_signals_take_one_line(capsys, number, code, word, dropped):
    """Also while an object is deleted, where Python drops errors."""

    class Deleted:
        def __del__(self):
            signal.raise_signal(number)

    def work():
        if not dropped:
            signal.raise_signal(number)
        Deleted()
        time.sleep(60)

    with (
        signalled(signal.SIGINT, signal.default_int_handler),
        pytest.raises(SystemExit) as ended,
        one_line_errors("program", lambda: "2 members are kept"),
    ):
        work()
    assert ended.value.code == code
    assert capsys.readouterr().err == f"program: {word}; 2 members are kept\n"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def unreadable():
    raise ValueError("member.npz is damaged")


@pytest.mark.parametrize(
    ("error", "left", "line"),
    [
        (KeyboardInterrupt(), None, "interrupted; nothing is kept"),
        (
            KeyboardInterrupt(),
            unreadable,
            "interrupted; the same command continues (member.npz is damaged)",
        ),
        (
            BrokenProcessPool("abruptly"),
            lambda: "the same\ncommand continues",
            "error: a worker process was killed; the same command continues",
        ),
        (
            BrokenExecutor("the scheduler at tcp://a:1 is lost"),
            lambda: "2 members are kept",
            "error: the scheduler at tcp://a:1 is lost; 2 members are kept",
        ),
        (
            MemoryError("no room for 4 GiB"),
            None,
            "error: memory is full: fewer --jobs need less (no room for 4 GiB)",
        ),
    ],
)
def test_what_ends_a_program_takes_one_line(capsys, error, left, line):
    with (
        pytest.raises(SystemExit) as ended,
        one_line_errors("program", *filter(None, [left])),
    ):
        raise error
    assert capsys.readouterr().err == f"program: {line}\n"
    assert ended.value.code == (130 if line.startswith("interrupted") else 1)


def test_a_mistake_in_a_program_is_shown_whole():
    with pytest.raises(KeyError), one_line_errors("program"):
        raise KeyError("no such thing")


def test_a_mistyped_environment_takes_one_line(refused, monkeypatch):
    monkeypatch.setattr("minidl.kernels.dispatch._chosen", "nunba")
    said = refused(progress.main, [])
    assert "MINIDL_KERNELS must be one of auto, reference, numba, got" in said


WORKER = """
import warnings
from minidl.data import load_cifar10
load_cifar10()
warnings.warn("a full disk")
"""


def test_workers_dont_repeat_what_was_said_of_the_data(tmp_path, monkeypatch):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(tar_bytes(cifar_members()))
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    monkeypatch.setenv("PYTHONWARNINGS", "")
    with pytest.warns(UserWarning, match="is not the published file"):
        load_once("cifar10")
    worker = [sys.executable, "-c", WORKER]
    found = subprocess.run(worker, capture_output=True, text=True, check=True)
    assert "a full disk" in found.stderr
    assert "published" not in found.stderr
    os.environ["PYTHONWARNINGS"] = ""
    found = subprocess.run(worker, capture_output=True, text=True, check=True)
    assert "published" in found.stderr
