"""A real Dask cluster of separate processes: same bits, and one may be killed."""

import os
import signal
import threading
import time

import pytest
from numpy.testing import assert_array_equal

from ensembles import random_init, train_ensemble
from minidl import cluster

distributed = pytest.importorskip("distributed", reason="no Dask")
HERE = cluster.describe_worker("")["versions"]


@pytest.fixture(scope="module")
def workers():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as local:
        yield local


def kill_one_in_training(address, folder):
    """Kill a worker as soon as a member has an epoch on disk."""
    with distributed.Client(address, set_as_default=False) as client:
        pids = client.run(os.getpid)
        while not list(folder.rglob("*.partial.npz")):
            time.sleep(0.002)
        os.kill(next(iter(pids.values())), signal.SIGKILL)


@pytest.mark.slow
def test_a_killed_worker_changes_nothing(workers, tmp_path):
    jobs = random_init(4, 5, "mnist-sample", epochs=6, batch_size=50, train_images=1000)
    local = train_ensemble(jobs, workers=2)
    address = workers.scheduler_address
    with cluster.dask_executor(address, tmp_path) as (executor, count):
        assert count == 2
        killer = threading.Thread(target=kill_one_in_training, args=(address, tmp_path))
        killer.start()
        spread = train_ensemble(jobs, executor, tmp_path)
        killer.join()
    for member, other in zip(spread.members, local.members, strict=True):
        for p, q in zip(member.params, other.params, strict=True):
            assert_array_equal(p.data, q.data, strict=True)


@pytest.mark.slow
def test_a_worker_with_several_threads_is_refused(tmp_path):
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
        ) as local,
        pytest.raises(ValueError, match=r"has 2 threads.*--nthreads 1"),
        cluster.dask_executor(local.scheduler_address, tmp_path),
    ):
        pass


def test_what_is_no_address(tmp_path):
    with (
        pytest.raises(ValueError, match="must be like tcp://host:port, got 'nonsense'"),
        cluster.dask_executor("nonsense", tmp_path),
    ):
        pass


@pytest.mark.slow
def test_nobody_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "SECONDS", 1)
    with (
        pytest.raises(OSError, match="Timed out"),
        cluster.dask_executor("tcp://127.0.0.1:1", tmp_path),
    ):
        pass
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, dashboard_address=":0"
        ) as local,
        pytest.raises(OSError, match="has no workers"),
        cluster.dask_executor(local.scheduler_address, tmp_path),
    ):
        pass


def test_without_dask_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with (
        pytest.raises(
            ModuleNotFoundError, match=r"pip install 'minidl\[distributed\]'"
        ),
        cluster.dask_executor("tcp://127.0.0.1:1", tmp_path),
    ):
        pass


def test_a_worker_with_another_version_is_named(tmp_path):
    other = {"versions": HERE | {"numpy": "1.0"}, "sees": True}
    same = {"versions": HERE, "sees": True}
    cluster.check_workers({"tcp://a:1": same}, tmp_path)
    with pytest.raises(
        ValueError, match=r"worker tcp://b:1 has numpy 1\.0, here it is"
    ):
        cluster.check_workers({"tcp://a:1": same, "tcp://b:1": other}, tmp_path)


def test_a_worker_must_see_the_folder(tmp_path):
    blind = {"versions": HERE, "sees": False}
    with pytest.raises(ValueError, match=f"doesn't see the folder {tmp_path}"):
        cluster.check_workers({"tcp://b:1": blind}, tmp_path)


def test_what_a_worker_sees(tmp_path):
    marker = tmp_path / "marker"
    assert not cluster.describe_worker(str(marker))["sees"]
    marker.touch()
    assert cluster.describe_worker(str(marker))["sees"]


def test_one_worker_of_each_host():
    found = cluster.one_a_host({"tcp://a:1": 1, "tcp://a:2": 1, "tcp://b:1": 1})
    assert sorted(found) == ["tcp://a:2", "tcp://b:1"]
