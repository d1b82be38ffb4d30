"""The command line: what it accepts, and one line for what it doesn't."""

import importlib.util
import shlex
import sys

import pytest

from tutorials.paper import __main__ as program
from tutorials.paper.cli import parse


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Default folders are made in a temporary one, and nothing is trained."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program, "run", lambda *a: pytest.fail("work began"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "required: verb"),
        ("walk", "invalid choice: 'walk'"),
        ("run --dataset mnits", "invalid choice: 'mnits'"),
        ("run --dataset ''", "invalid choice: ''"),
        ("run --profile slow", "invalid choice: 'slow'"),
        ("run --method boosting", "invalid choice: 'boosting'"),
        ("run --members 0", "--members: must be an integer from 1 to"),
        ("run --members -2", "got '-2'"),
        ("run --members 2.5", "got '2.5'"),
        ("run --members nan", "got 'nan'"),
        ("run --members ²", "got '²'"),
        ("run --members 1_0", "got '1_0'"),
        ("run --members 99999999999999999999", "got '999"),
        ("run --epochs 0", "--epochs: must be an integer from 1 to"),
        ("run --jobs 0", "--jobs: must be an integer from 1 to"),
        ("run --seed -1", "--seed: must be an integer from 0 to"),
        ("run --seed=--5", "got '--5'"),
        (f"run --seed {'9' * 5000}", "got '999"),
        ("run --seed 1 --seed 2", "--seed: is given twice"),
        ("run --results ''", "--results: must name a file or folder, got ''"),
        ("run --runs ' '", "--runs: must name a file or folder, got ' '"),
        ("run --runs ~nobody-here/x", "got '~nobody-here/x'"),
        ("run --dask ''", "--dask: address must be like tcp://host:port, got ''"),
        ("run --dask tcp://host", "like tcp://host:port, got 'tcp://host'"),
        ("run --device tpu", "invalid choice: 'tpu'"),
        ("run --device gpu --dask tcp://a:1", "on this machine only: leave out --dask"),
        ("run --results", "expected one argument"),
        ("run --nonsense", "--nonsense"),
        ("run --results file/x", "--results file/x is not a writable folder"),
        ("run --runs file/x", "--runs file/x is not a writable folder"),
        ("table2 --dataset mnist", "no results in results/mnist-quick"),
        ("report --dataset mnist", "run --dataset mnist --profile quick makes them"),
        ("report --results x", "--profile quick --results x makes them"),
        ("report table2 --results results --seed 7", "seed is 0, asked for 7"),
        ("table2 --results results --members 3", "members is 2, asked for 3"),
        (
            "table2 --results results --dataset mnist",
            "'mnist-sample', asked for 'mnist'",
        ),
        ("run --network relu", "invalid choice: 'relu'"),
        ("report --network literal", "quick --network literal makes them"),
        ("table2 --results results --network literal", "'plain', asked for 'literal'"),
        ("table2 --results results --method bagging", "--method belongs to run and"),
        ("table2 --results damaged", "bagging.json is damaged or not the expected"),
    ],
)
def test_what_cannot_be_done_is_named(refused, tmp_path, folder, line, words):
    (tmp_path / "file").write_text("")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/bagging.json").write_text("{")
    message = refused(program.main, shlex.split(line), code=2)
    assert message.startswith("python -m tutorials.paper: error: ")
    assert words in message
    assert not (tmp_path / "results/mnist-quick").exists()


def test_examples_that_are_missing(refused, folder):
    (folder / "random-init-examples.npz").unlink()
    message = refused(program.main, ["figures", "--results", str(folder)])
    assert "examples.npz" in message


def test_data_that_are_neither_here_nor_there(refused, tmp_path):
    message = refused(program.main, ["run", "--dataset", "cifar10"])
    for words in ("cifar-10-binary.tar.gz", str(tmp_path / "cache"), "MINIDL_DATA"):
        assert words in message


@pytest.mark.parametrize(
    ("package", "line", "extra"),
    [
        ("matplotlib", "run figures", "tutorials"),
        ("matplotlib", "run report", "tutorials"),
        ("markdown_it", "run report", "tutorials"),
        ("distributed", "run --dask tcp://127.0.0.1:1", "distributed"),
    ],
)
def test_what_is_not_installed_is_named_before_work_begins(
    refused, monkeypatch, package, line, extra
):
    find = importlib.util.find_spec
    without = lambda name: None if name == package else find(name)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", without)
    message = refused(program.main, line.split(), code=2)
    assert f"needs {package}: pip install 'minidl[{extra}]'" in message


def test_without_a_home_results_are_shown_and_no_work_begins(
    refused, monkeypatch, folder
):
    def nowhere():
        raise FileNotFoundError("set MINIDL_CACHE")

    monkeypatch.setattr("tutorials.command_line.runs_folder", nowhere)
    assert "set MINIDL_CACHE" in refused(program.main, ["run"], code=2)
    program.main(["table2", "--results", str(folder)])


def test_a_gpu_takes_one_process_and_its_full_memory_one_line(refused, monkeypatch):
    argv = ["run", "--device", "gpu"]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "cupy", None)
        message = refused(program.main, argv, code=2)
        assert "needs the package CuPy: pip install 'minidl[gpu]'" in message

    def full(*args):
        raise MemoryError("Out of memory allocating 604 bytes")

    monkeypatch.setattr("tutorials.paper.cli.try_gpu", lambda: None)
    monkeypatch.setattr(program, "run", full)
    _, _, places = parse(argv)
    assert (places.device, places.jobs) == ("gpu", 1)
    message = refused(program.main, argv)
    assert "memory is full: set a smaller batch size, fewer --jobs" in message
    assert "604 bytes" in message


def test_defaults(tmp_path):
    verbs, config, places = parse(["run"])
    assert verbs == ["run"]
    assert (config.dataset, config.profile, config.seed) == ("mnist-sample", "quick", 0)
    assert len(config.methods) == 4
    assert str(places.results) == "results/mnist-sample-quick"
    assert places.runs == tmp_path / "cache" / "runs"
    assert not places.fresh


def test_options_are_passed_on(tmp_path):
    results, runs = tmp_path / "a", tmp_path / "b"
    argv = "run --dataset cifar10 --profile smoke --members 4 --epochs 5 --seed 6 "
    argv += "--method bagging --method random-init --jobs 7 --fresh "
    argv += f"--results {results} --runs {runs}"
    _, config, places = parse(argv.split())
    assert (config.dataset, config.profile) == ("cifar10", "smoke")
    assert config.methods == ["random-init", "bagging"]
    assert (config.members, config.epochs, config.seed) == (4, 5, 6)
    assert (places.results, places.runs) == (results, runs)
    assert (places.jobs, places.fresh) == (7, True)


def test_methods_and_all_of_them_contradict_each_other(refused):
    said = refused(parse, ["run", "--method", "bagging", "--method", "all"], code=2)
    assert "--method must be all, or methods, got both" in said


def test_the_literal_network_has_a_folder_of_its_own():
    _, config, places = parse(["run", "--network", "literal"])
    assert config.network == "literal"
    assert str(places.results) == "results/mnist-sample-quick-literal"


def test_three_verbs_work_in_their_order_from_results_alone(folder, capsys):
    asked = "--dataset mnist-sample --profile quick --members 2 --seed 0 --method all"
    argv = ["report", "figures", "table2", "--results", str(folder), *asked.split()]
    program.main(argv)
    out = capsys.readouterr().out
    order = [out.index(n) for n in ("table2.md", "figure1-0.svg", "report.html")]
    assert order == sorted(order)
    for name in ("table2.md", "figure1-0.svg", "report.html"):
        assert (folder / name).exists()
