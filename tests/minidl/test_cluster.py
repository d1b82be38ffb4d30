"""A Dask cluster of separate processes gives the same bits, also if one is killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from ensembles import random_init, train_ensemble
from minidl.parallel import cluster, run_jobs
from tests.oracles import same_bits
from tutorials.command_line import one_line_errors

distributed = pytest.importorskip("distributed", reason="no Dask")
dask_settings = pytest.importorskip("dask").config.set


def local_cluster(workers):
    """Return a context with a cluster of single-threaded processes on this machine."""
    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=workers > 0,
        dashboard_address=":0",
    )


def assert_refused(error, message, address, folder):
    with pytest.raises(error, match=message), cluster.dask_executor(address, folder):
        pass


def kill_one_in_training(address, folder):
    """Kill a worker as soon as a member has an epoch on disk."""
    with distributed.Client(address, set_as_default=False) as client:
        pids = client.run(os.getpid)
        while not list(folder.rglob("*.partial.npz")):
            time.sleep(0.002)
        os.kill(next(iter(pids.values())), signal.SIGKILL)


@pytest.mark.slow
def test_a_killed_worker_changes_nothing(tmp_path):
    jobs = random_init(4, 5, "mnist-sample", epochs=6, batch_size=50, train_images=1000)
    local = train_ensemble(jobs, workers=2)
    with (
        local_cluster(2) as workers,
        cluster.dask_executor(workers.scheduler_address, tmp_path) as (executor, count),
    ):
        assert count == 2
        address = workers.scheduler_address
        killer = threading.Thread(target=kill_one_in_training, args=(address, tmp_path))
        killer.start()
        spread = train_ensemble(jobs, executor, tmp_path)
        killer.join()
    for member, other in zip(spread.members, local.members, strict=True):
        assert same_bits(member.params, other.params)


@contextmanager
def dask(*arguments):
    """Run Dask's command line in a process of its own."""
    command = [sys.executable, "-m", "dask", *arguments]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def scheduler(folder):
    """Start a scheduler, and yield its process and its address."""
    file = folder / "scheduler.json"
    options = ("--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    with dask("scheduler", "--host", "127.0.0.1", *options) as process:
        while not file.exists():
            time.sleep(0.05)
        yield process, json.loads(file.read_text())["address"]


def worker(address, threads=1):
    options = ("--no-nanny", "--no-dashboard", "--nthreads", str(threads))
    return dask("worker", address, *options)


@pytest.mark.slow
def test_a_worker_that_joins_later_is_checked_before_its_first_job(tmp_path):
    """And those that are there are checked before any work."""
    with (
        scheduler(tmp_path) as (_, address),
        worker(address) as first,
        distributed.Client(address, set_as_default=False) as client,
        cluster.dask_executor(address, tmp_path) as (executor, count),
    ):
        assert count == 1
        assert executor.submit(abs, -1).result() == 1
        with worker(address, threads=2):
            client.wait_for_workers(2)
            first.kill()
            message = r"has 2 threads.*--nthreads 1"
            with pytest.raises(ValueError, match=message):
                executor.submit(abs, -2).result()
            assert_refused(ValueError, message, address, tmp_path)


def die():
    os._exit(1)


@pytest.mark.slow
def test_the_run_goes_on_without_a_worker_that_dies_in_warm_up(
    tmp_path, monkeypatch, recwarn
):
    monkeypatch.setattr(cluster.kernels, "warm_up", die)
    with scheduler(tmp_path) as (_, address), worker(address), worker(address):
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(2)
        with cluster.dask_executor(address, tmp_path) as (executor, count):
            assert count == 1
            assert executor.submit(abs, -1).result() == 1
    [line] = [str(w.message) for w in recwarn if "died" in str(w.message)]
    assert line.startswith("worker tcp://127.0.0.1:")
    assert line.endswith("the others go on without it")


def test_a_lost_worker_is_not_counted_though_the_scheduler_notices_late():
    notices = iter([{"a": 1, "b": 1}, {"a": 1, "b": 1}, {"b": 1}])
    known = SimpleNamespace(
        run=lambda *_, **__: {"a": OSError("gone"), "b": None},
        nthreads=lambda: next(notices),
    )
    with pytest.warns(UserWarning, match=r"worker a died .* \(gone\)"):
        cluster.on_workers(known, die)
    assert next(notices, None) is None


def lose(address, folder, lost, *job):
    """Send a job to a cluster, and then lose something of it."""
    with (
        one_line_errors("minidl", lambda: "the same command continues"),
        cluster.dask_executor(address, folder) as (executor, _),
    ):
        future = executor.submit(*job)
        lost()
        list(run_jobs(Future.result, [future]))


def one_line(capsys):
    """Return the program's own line on standard error: Dask has its log there."""
    lines = capsys.readouterr().err.splitlines()
    [line] = [line for line in lines if line.startswith("minidl: ")]
    return line


@pytest.mark.slow
def test_a_scheduler_that_dies_takes_one_line(tmp_path, monkeypatch, capsys):
    with (
        scheduler(tmp_path) as (process, address),
        worker(address),
        distributed.Client(address, timeout=60, set_as_default=False) as client,
    ):
        client.wait_for_workers(1)
        monkeypatch.setattr(cluster, "SECONDS", 5)  # that it waits for another one
        with pytest.raises(SystemExit):
            lose(address, tmp_path, process.kill, time.sleep, 60)
    assert one_line(capsys) == (
        f"minidl: error: the scheduler at {address} is lost; the same command continues"
    )


@pytest.mark.slow
def test_a_job_that_kills_its_workers_takes_one_line(tmp_path, capsys):
    patience = {"distributed.scheduler.allowed-failures": 0}
    with (
        dask_settings(patience),
        local_cluster(1) as local,
        pytest.raises(SystemExit),
    ):
        lose(local.scheduler_address, tmp_path, list, os._exit, 1)
    line = one_line(capsys)
    assert "all those workers died" in line
    assert line.endswith("; the same command continues")


NO_ADDRESSES = ["", "nonsense", "tcp://", "tcp://host", "tcp://:8786", "tcp://host:x"]


@pytest.mark.parametrize("address", [*NO_ADDRESSES, "host:8786", "tcp://host:99999"])
def test_an_address_that_is_none_is_named(tmp_path, address):
    message = rf"^address must be like tcp://host:port, got '{address}'"
    assert_refused(ValueError, message, address, tmp_path)


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "SECONDS", 1)
    assert_refused(OSError, "Timed out", "tcp://127.0.0.1:1", tmp_path)
    with local_cluster(0) as local:
        assert_refused(OSError, "has no workers", local.scheduler_address, tmp_path)


def test_without_dask_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "distributed", None)
    message = r"pip install 'minidl\[distributed\]'"
    assert_refused(ModuleNotFoundError, message, "tcp://127.0.0.1:1", tmp_path)


def check(marker, **versions):
    """Look at a worker, of one thread, that runs here."""
    worker = SimpleNamespace(address="tcp://b:1", state=SimpleNamespace(nthreads=1))
    cluster.Wanted(cluster.versions() | versions, str(marker)).check(worker)


def test_a_worker_with_another_version_is_named(tmp_path):
    check(tmp_path)
    with pytest.raises(
        ValueError, match=r"worker tcp://b:1 has numpy .*, asked for 1\.0: equal"
    ):
        check(tmp_path, numpy="1.0")


def test_a_worker_must_see_the_folder(tmp_path):
    with pytest.raises(ValueError, match=f"doesn't see the folder {tmp_path}: --runs"):
        check(tmp_path / "marker")


def test_markers_of_killed_processes_are_removed(tmp_path):
    with cluster.marker_in(tmp_path) as marker:
        os.utime(marker, (0, 0))
        with cluster.marker_in(tmp_path) as other:
            assert sorted(tmp_path.iterdir()) == sorted([marker, other])
    marker.write_bytes(b"")
    os.utime(marker, (0, 0))
    with cluster.marker_in(tmp_path) as other:
        assert list(tmp_path.iterdir()) == [other]
    assert list(tmp_path.iterdir()) == []


def test_one_worker_of_each_host():
    found = cluster.one_a_host({"tcp://a:1": 1, "tcp://a:2": 1, "tcp://b:1": 1})
    assert sorted(found) == ["tcp://a:2", "tcp://b:1"]
