"""The command line: what it accepts, and one line for what it doesn't."""

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.minidl.data.synthetic_data import cifar_members, tar_bytes
from tutorials.command_line import load_once
from tutorials.paper import __main__ as program
from tutorials.paper.cli import parse


def refused(capsys, *argv):
    """Return the one line on standard error, and the exit code."""
    with pytest.raises(SystemExit) as ended:
        program.main(list(argv))
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1, captured.err
    assert captured.err.startswith("python -m tutorials.paper: error: ")
    assert "Traceback" not in captured.err
    return captured.err, ended.value.code


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Default folders are made in a temporary one, and nothing is trained."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program, "run", lambda *a: pytest.fail("work began"))


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "required: verb"),
        (["walk"], "invalid choice: 'walk'"),
        (["run", "--dataset", "mnits"], "invalid choice: 'mnits'"),
        (["run", "--profile", "slow"], "invalid choice: 'slow'"),
        (["run", "--method", "boosting"], "invalid choice: 'boosting'"),
        (["run", "--members", "0"], "--members: must be an integer from 1 to"),
        (["run", "--members", "-2"], "got '-2'"),
        (["run", "--members", "2.5"], "got '2.5'"),
        (["run", "--epochs", "0"], "--epochs: must be an integer from 1 to"),
        (["run", "--jobs", "0"], "--jobs: must be an integer from 1 to"),
        (["run", "--jobs", "two"], "got 'two'"),
        (["run", "--seed", "-1"], "--seed: must be an integer from 0 to"),
        (["run", "--seed=--5"], "got '--5'"),
        (["run", "--seed", "9" * 5000], "got '999"),
        (["run", "--members", "9" * 20], "got '999"),
        (["run", "--epochs", "9" * 20], "got '999"),
        (["run", "--jobs", "9" * 20], "got '999"),
        (["run", "--members", "nan"], "got 'nan'"),
        (["run", "--members", "²"], "got '²'"),
        (["run", "--members", "1_0"], "got '1_0'"),
        (["run", "--seed", "1", "--seed", "2"], "--seed: is given twice"),
        (["run", "--dataset", ""], "invalid choice: ''"),
        (["run", "--results", ""], "--results: must name a file or folder, got ''"),
        (["run", "--runs", " "], "--runs: must name a file or folder, got ' '"),
        (["run", "--runs", "~nobody-here/x"], "got '~nobody-here/x'"),
        (["run", "--dask", ""], "--dask: address must be like tcp://host:port, got ''"),
        (["run", "--dask", "tcp://host"], "like tcp://host:port, got 'tcp://host'"),
        (["run", "--device", "tpu"], "invalid choice: 'tpu'"),
        (["run", "--results"], "expected one argument"),
        (["run", "--nonsense"], "--nonsense"),
    ],
)
def test_bad_options_are_named(capsys, argv, words):
    message, code = refused(capsys, *argv)
    assert words in message
    assert code == 2


@pytest.mark.parametrize("option", ["--results", "--runs"])
def test_a_folder_that_cannot_be_written(capsys, tmp_path, option):
    (tmp_path / "file").write_text("")
    folder = str(tmp_path / "file" / "sub")
    message, code = refused(capsys, "run", option, folder)
    assert f"{option} {folder} is not a writable folder" in message
    assert code == 2


@pytest.mark.parametrize("verb", ["table2", "figures", "report"])
def test_results_that_are_missing(capsys, tmp_path, verb):
    message, code = refused(capsys, verb, "--dataset", "mnist", "--profile", "full")
    assert "no results.json in results/mnist-full" in message
    assert "tutorials.paper run --dataset mnist --profile full makes it" in message
    assert code == 2
    assert not (tmp_path / "results").exists()


def test_results_that_are_damaged(capsys, folder):
    (folder / "results.json").write_text("{", encoding="utf-8")
    message, code = refused(capsys, "table2", "--results", str(folder))
    assert "results.json is damaged or another's" in message
    assert code == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--seed 7", "holds another experiment: seed is 0, asked for 7"),
        ("--members 3", "members is 2, asked for 3"),
        ("--dataset mnist", "dataset is 'mnist-sample', asked for 'mnist'"),
        ("--method bagging", "--method belongs to run and strict: of"),
    ],
)
def test_other_results_than_asked_for_are_not_shown(capsys, folder, options, words):
    verbs = ["report", "table2", "--results", str(folder)]
    message, code = refused(capsys, *verbs, *options.split())
    assert words in message
    assert code == 2


def test_what_is_asked_for_is_shown(folder, capsys):
    asked = "--dataset mnist-sample --profile quick --members 2 --seed 0 --method all"
    program.main(["table2", "--results", str(folder), *asked.split()])
    assert "table2.md written" in capsys.readouterr().out


def test_examples_that_are_missing(capsys, folder):
    (folder / "examples.npz").unlink()
    message, code = refused(capsys, "figures", "--results", str(folder))
    assert "examples.npz" in message
    assert code == 1


def test_data_that_are_neither_here_nor_there(capsys, tmp_path):
    message, code = refused(capsys, "run", "--dataset", "cifar10")
    for words in ("cifar-10-binary.tar.gz", str(tmp_path / "cache"), "MINIDL_DATA"):
        assert words in message
    assert code == 1


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


def test_no_gpu(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    message, code = refused(capsys, "run", "--device", "gpu")
    assert "needs the package CuPy: pip install 'minidl[gpu]'" in message
    assert code == 2


@pytest.mark.parametrize(
    ("package", "argv", "extra"),
    [
        ("matplotlib", ["run", "figures"], "tutorials"),
        ("matplotlib", ["run", "report"], "tutorials"),
        ("distributed", ["run", "--dask", "tcp://127.0.0.1:1"], "distributed"),
    ],
)
def test_what_is_not_installed_is_named_before_work_begins(
    capsys, monkeypatch, package, argv, extra
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == package else find(name),
    )
    message, code = refused(capsys, *argv)
    assert f"needs {package}: pip install 'minidl[{extra}]'" in message
    assert code == 2


def test_without_a_home_results_are_shown_and_no_work_begins(
    capsys, monkeypatch, folder
):
    def nowhere():
        raise FileNotFoundError("set MINIDL_CACHE")

    monkeypatch.setattr("tutorials.paper.cli.runs_folder", nowhere)
    message, code = refused(capsys, "run")
    assert "set MINIDL_CACHE" in message
    assert code == 2
    program.main(["table2", "--results", str(folder)])


def test_a_mistyped_environment_takes_one_line(capsys, monkeypatch, folder):
    monkeypatch.setattr("minidl.kernels._chosen", "nunba")
    message, code = refused(capsys, "table2", "--results", str(folder))
    assert "MINIDL_KERNELS must be one of auto, reference, numba, got" in message
    assert code == 1


def test_a_gpu_is_used_here_only(capsys):
    argv = ["run", "--device", "gpu", "--dask", "tcp://127.0.0.1:1"]
    message, code = refused(capsys, *argv)
    assert "--device gpu works here only: leave out --dask" in message
    assert code == 2


def test_with_a_gpu_one_process_works(monkeypatch):
    monkeypatch.setattr("tutorials.paper.cli.try_gpu", lambda: None)
    _, _, places = parse(["run", "--device", "gpu"])
    assert (places.device, places.jobs) == ("gpu", 1)


def test_a_gpu_whose_memory_is_full(capsys, monkeypatch):
    def full(*args):
        raise MemoryError("Out of memory allocating 604 bytes")

    monkeypatch.setattr("tutorials.paper.cli.try_gpu", lambda: None)
    monkeypatch.setattr(program, "run", full)
    message, code = refused(capsys, "run", "--device", "gpu")
    assert "memory is full: set a smaller batch size, fewer --jobs" in message
    assert "604 bytes" in message
    assert code == 1


def test_defaults(monkeypatch, tmp_path):
    verbs, config, places = parse(["run"])
    assert verbs == ["run"]
    assert (config.dataset, config.profile, config.seed) == ("mnist-sample", "quick", 0)
    assert len(config.methods) == 4
    assert str(places.results) == "results/mnist-sample-quick"
    assert places.runs == tmp_path / "cache" / "runs"
    assert not places.fresh


def test_options_are_passed_on(tmp_path):
    results, runs = tmp_path / "a", tmp_path / "b"
    argv = "run --dataset cifar10 --profile full --method bagging --method random-init "
    argv += "--members 4 --epochs 5 --seed 6 --jobs 7 --fresh "
    argv += f"--results {results} --runs {runs}"
    _, config, places = parse(argv.split())
    assert (config.dataset, config.profile) == ("cifar10", "full")
    assert config.methods == ["random-init", "bagging"]
    assert (config.members, config.epochs, config.seed) == (4, 5, 6)
    assert (places.results, places.runs) == (results, runs)
    assert (places.jobs, places.fresh) == (7, True)


def test_all_methods_are_meant_by_all():
    assert len(parse(["run", "--method", "all"])[1].methods) == 4


def test_verbs_run_in_their_order(folder):
    verbs, _, _ = parse(["report", "run", "table2", "--results", str(folder)])
    assert verbs == ["run", "table2", "report"]


def test_three_verbs_work_from_results_alone(folder, capsys):
    verbs = ["report", "figures", "table2"]
    program.main([*verbs, "--results", str(folder)])
    written = {path.name for path in folder.iterdir()}
    assert written == {
        "results.json",
        "examples.npz",
        "table2.md",
        "figure1-0.svg",
        "figure2-fgsm.svg",
        "figure2-bim.svg",
        "fooled-fgsm.svg",
        "fooled-bim.svg",
        "verdict.svg",
        "report.html",
    }
    out = capsys.readouterr().out
    order = [out.index(n) for n in ("table2.md", "figure1-0.svg", "report.html")]
    assert order == sorted(order)
