"""The whole command on real images: same bits, resumption, Ctrl-C."""

import operator
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ensembles import random_init, training
from minidl.store import read_arrays, read_json
from tutorials.paper import results as results_file
from tutorials.paper.__main__ import main
from tutorials.paper.experiment import members
from tutorials.paper.experiment.places import Places, workers
from tutorials.paper.results.strict import strict_of

ROOT = Path(__file__).parents[2]
VERBS = ["run", "strict", "table2", "figures", "report"]
SMALL = ["--profile", "smoke", "--method", "random-init", "--method", "gaussian-noise"]


# The command, with a line of progress for each item instead of one in five seconds.
# It waits at the line that HOLD names, for tests that interrupt it on a busy machine.
# And with Ctrl-C as in a terminal: behind `make test &` a shell has it ignored.
COMMAND = """
import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import minidl.parallel.progress
minidl.parallel.progress.SECONDS_BETWEEN_LINES = 0
def say(line, **options):
    print(line, **options)
    if line.startswith(os.environ.get("HOLD", "nowhere")):
        time.sleep(600)
minidl.parallel.progress.print = say
from tutorials.paper.__main__ import main
main()
"""


class Command:
    """python -m tutorials.paper with folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.results = folder, folder / "results"

    def argv(self, *words: str) -> list[str]:
        """Return the words of a command line, with these folders."""
        return [*words, f"--results={self.results}", f"--runs={self.folder / 'runs'}"]

    def start(self, *words: str, hold: str = "nowhere") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *self.argv(*words, *SMALL)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"HOLD": hold},
            start_new_session=True,  # a terminal's Ctrl-C reaches a whole group
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def numbers(self) -> dict:
        paths = [p for p in self.results.glob("*.json") if "strict" not in p.name]
        found = {path.name: read_json(path) for path in paths}
        return {name: c | {"execution": None} for name, c in found.items()}

    def strict(self) -> dict:
        return {p.name: read_json(p) for p in self.results.glob("*-strict.json")}

    def examples(self) -> list[bytes]:
        files = [read_arrays(path)[0] for path in sorted(self.results.glob("*.npz"))]
        return [array.tobytes() for arrays in files for array in arrays.values()]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """One process, uninterrupted: what all others must equal."""
    command = Command(tmp_path_factory.mktemp("plain"))
    code, out, err = command.run(*VERBS, "--jobs", "1")
    assert code == 0, err
    assert f"results are in {command.results}" in out
    return command


@pytest.mark.slow
def test_everything_is_written(plain):
    pairs = [f"{name}-{a}" for name in ("figure2", "fooled") for a in ("fgsm", "bim")]
    pages = {"table2.md", "strict.md", "report.html"}
    figures = {f"{n}.svg" for n in ("verdict", "figure1-0", "figure1-5", *pairs)}
    methods = ["random-init", "gaussian-noise"]
    kinds = (".json", "-strict.json", "-examples.npz")
    files = {f"{method}{kind}" for method in methods for kind in kinds}
    assert {p.name for p in plain.results.iterdir()} == files | pages | figures
    results = results_file.read(plain.results)
    assert list(results.methods) == methods
    for result in results.methods.values():
        assert result.clean.images == 1000
        assert result.clean_attacked.images == 20
        # One epoch on 1,000 images: far from good, far from chance.
        assert min(result.clean.members) > 0.5
        for attack in result.attacks.values():
            assert [score.images for score in attack.adv1] == [20, 20]
            assert attack.adv2.images == 20
    adv1 = results.table2["fgsm"]["random-init"]["adv1_single"].accuracy
    assert adv1 < results.methods["random-init"].clean_attacked.ensemble


@pytest.mark.slow
def test_two_processes_give_the_same_bits(plain, tmp_path):
    """And a worker says so that it sets a damaged file aside."""
    command = Command(tmp_path)
    [member] = (plain.folder / "runs/mnist-sample").glob("random-init-0-*.npz")
    partial = tmp_path / "runs/mnist-sample" / f"{member.stem}.partial.npz"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"torn")
    code, _, err = command.run("run", "strict", "--jobs", "2")
    assert code == 0, err
    assert f"{partial.name}" in err
    assert "set aside, training again" in err
    assert command.numbers() == plain.numbers()
    assert command.strict() == plain.strict()
    assert command.examples() == plain.examples()


@pytest.mark.slow
def test_a_cluster_gives_the_same_bits(plain, tmp_path):
    distributed = pytest.importorskip("distributed", reason="no Dask")
    command = Command(tmp_path)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as cluster:
        code, _, err = command.run("run", "--dask", cluster.scheduler_address)
    assert code == 0, err
    assert command.numbers() == plain.numbers()
    assert results_file.read(command.results).execution.jobs == 2


@pytest.mark.slow
def test_methods_may_be_run_one_by_one(plain, tmp_path):
    command = Command(tmp_path)
    for method in ("gaussian-noise", "random-init"):
        main(command.argv("run", "strict", "--profile=smoke", f"--method={method}"))
    assert command.numbers() == plain.numbers()
    assert command.strict() == plain.strict()
    assert command.examples() == plain.examples()


@pytest.mark.slow
def test_strict_attacks_leave_less_than_the_papers(plain):
    results = results_file.read(plain.results)
    found = strict_of(results, plain.results)
    assert found.images == 20
    for method, budgets in found.methods.items():
        for attack, left in budgets.items():
            adv2 = results.table2[attack][method]["adv2_ensemble"].accuracy
            assert left.worst <= min([*left.attacks.values(), adv2])
            assert left.clean == results.methods[method].clean_attacked.ensemble
            assert left.gradients > 20
            adv1 = results.methods[method].attacks[attack].adv1
            own = [score.members[i] for i, score in enumerate(adv1)]
            assert all(map(operator.le, left.singles, own))
            assert len(left.singles) == len(own)


@pytest.mark.slow
def test_strict_without_members_says_how_to_train_them(plain, tmp_path, refused):
    argv = ["strict", "--profile", "smoke", "--results", str(plain.results)]
    message = refused(main, [*argv, "--runs", str(tmp_path)])
    assert "lacks 2 of 2 members of random-init" in message
    assert message.endswith("the verb run trains them")


@pytest.mark.slow
def test_what_is_finished_is_used_again_and_said_so(plain):
    before = plain.numbers()
    code, out, err = plain.run("run", "--jobs", "1")
    assert code == 0, err
    runs = plain.folder / "runs"
    assert f"4 of 4 members found in {runs}; --fresh trains again" in out
    assert f"16 of 16 evaluations found in {runs}" in out
    assert "members trained" not in err
    assert plain.numbers() == before


@pytest.mark.slow
def test_fresh_trains_again_to_the_same_numbers(plain, tmp_path):
    command = Command(tmp_path)
    command.run("run", "--jobs", "2")
    code, out, err = command.run("run", "--jobs", "2", "--fresh")
    assert code == 0, err
    assert "found" not in out
    assert "members trained: 4/4" in err
    assert command.numbers() == plain.numbers()


@pytest.mark.slow
def test_fresh_keeps_the_other_methods(plain, tmp_path):
    command = Command(tmp_path)
    shutil.copytree(plain.results, command.results)
    one = ["--profile=smoke", "--method=gaussian-noise", "--fresh"]
    main(command.argv("run", "strict", *one))
    assert command.numbers() == plain.numbers()
    assert command.strict() == plain.strict()


def test_two_fresh_commands_are_not_at_work_in_one_folder(tmp_path):
    """Each would remove what the other has finished."""
    places = Places(tmp_path / "results", tmp_path / "runs", 1, fresh=True)
    message = "a command with --fresh is at work in .*runs already"
    with workers(places):
        with pytest.raises(BlockingIOError, match=message), workers(places):
            pass
        with workers(replace(places, fresh=False)):
            pass
    with workers(places):
        pass


def test_members_that_a_full_disk_refused_end_the_run(tmp_path, monkeypatch):
    jobs = random_init(3, 0, "mnist-sample")
    monkeypatch.setattr(training, "train_members", lambda jobs, *where: jobs)
    with pytest.raises(OSError, match=r"3 of 3 members couldn't be saved in .*room"):
        members.train_teams({"a": jobs}, None, Places(tmp_path, tmp_path, jobs=1))


def status(path: Path) -> list[str]:
    """Return what follows a process's name: state, parent, group and more."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return ["Z", "", ""]


def wait_until_gone(group: int) -> list[list[str]]:
    """Return the processes of a group that still run after a minute."""
    for _ in range(600):
        stats = [status(path) for path in Path("/proc").glob("[0-9]*/stat")]
        # Z is a process that has ended, but whose end nobody has asked for yet.
        left = [s for s in stats if s[2] == str(group) and s[0] != "Z"]
        if not left:
            break
        time.sleep(0.1)
    return left


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("moment", "last"),
    [
        ("members trained: 2/4", "members trained: 4/4"),
        ("evaluations: 3/16", "evaluations: 16/16"),
    ],
)
def test_ctrl_c_keeps_what_is_finished(plain, tmp_path, jobs, moment, last):
    command = Command(tmp_path)
    process = command.start("run", "--jobs", jobs, hold=last)
    for line in process.stderr:
        if moment in line:
            break
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    [message] = [line for line in err.splitlines() if "interrupted" in line]
    assert "the same command continues from there" in message
    assert "of 4 members" in message
    assert f"kept in {tmp_path}" in message
    assert "Traceback" not in err
    assert not list(command.results.glob("*.json"))
    assert wait_until_gone(process.pid) == []

    code, out, err = command.run("run", "--jobs", jobs)
    assert code == 0, err
    assert "members found" in out
    assert ("evaluations found" in out) == moment.startswith("evaluations")
    assert command.numbers() == plain.numbers()
