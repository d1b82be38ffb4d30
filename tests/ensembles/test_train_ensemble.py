"""From jobs to an ensemble: same bits on any executor, nothing trained twice."""

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest

from ensembles import (
    Ensemble,
    bagging,
    gaussian_noise,
    materialise,
    mixed_models,
    random_init,
    training,
)
from ensembles.member_files import member_path
from minidl import Adam, parallel, train
from minidl.store import finish
from tests.ensembles.tiny_data import use_tiny_dataset
from tests.oracles import same_bits

# In this process, unless an executor is given: the tiny data are only here.
train_ensemble = partial(training.train_ensemble, workers=1)


def assert_same_bits(a, b):
    for member, other in zip(a.members, b.members, strict=True):
        assert same_bits(member.params, other.params)


def one_of_each_method(dataset="mnist-sample"):
    """Return the second job of each method, small enough for one epoch."""
    settings = {"epochs": 1, "batch_size": 48}
    methods = (random_init, mixed_models, bagging)
    jobs = [method(2, 5, dataset, **settings)[1] for method in methods]
    return [*jobs, gaussian_noise(2, 5, dataset, 0.1, **settings)[1]]


def test_a_member_is_its_job_carried_out_by_hand(tiny_data):
    for job in one_of_each_method():
        model, x, y = materialise(job, tiny_data.x_train, tiny_data.y_train)
        rng = np.random.default_rng([job.seed, 2])
        with training.limit_threads(1):
            train(model, x, y, Adam(model.params, 1e-3), 1, 48, rng)
        assert_same_bits(train_ensemble([job]), Ensemble([model]))


def test_each_network_of_a_member_has_arrays_of_its_own(tiny_data, jobs):
    [member] = training.train_members(jobs[:1], workers=1)
    before = [a.copy() for a in member.params]
    first, second = member.model(), member.model()
    first.params[0].data[:] = 0
    for params in (member.params, second.params, member.model().params):
        assert same_bits(params, before)


def test_the_jobs_settings_reach_training(trained, jobs):
    job = replace(jobs[0], optimizer="momentum", lr=0.25, epochs=2, batch_size=40)
    job = replace(job, weight_decay=0.01)
    train_ensemble([job])
    ((_, _, _, optimizer, epochs, batch_size, *_),) = trained
    assert (optimizer.lr, optimizer.momentum) == (0.25, 0.9)
    assert optimizer.weight_decay == 0.01
    assert (epochs, batch_size) == (2, 40)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (ThreadPoolExecutor, {}),
        (
            ProcessPoolExecutor,
            {"mp_context": get_context("spawn"), "initializer": use_tiny_dataset},
        ),
    ],
)
def test_any_executor_gives_the_same_bits(tiny_data, kind, options):
    """Also with more cores, as a member is trained on one thread."""
    jobs = one_of_each_method()
    with kind(2, **options) as executor:
        assert_same_bits(train_ensemble(jobs, executor), train_ensemble(jobs))


def test_members_stand_in_the_order_of_jobs(tiny_data, jobs, monkeypatch):
    expected = train_ensemble(jobs)

    def last_first(function, jobs, executor):
        return (function(job) for job in reversed(jobs))

    monkeypatch.setattr(finish, "run_jobs", last_first)
    assert_same_bits(train_ensemble(jobs), expected)


# Folders


def test_only_missing_members_are_trained(trained, jobs, tmp_path):
    expected = train_ensemble(jobs)
    train_ensemble(jobs[1:2], folder=tmp_path)
    for _ in range(2):
        assert_same_bits(train_ensemble(jobs, folder=tmp_path), expected)
    assert len(trained) == 3 + 1 + 2


@pytest.mark.parametrize("name", ["file/x", "file", ""])
def test_a_folder_that_can_not_be_written_is_refused_first(
    trained, jobs, tmp_path, monkeypatch, name
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises((OSError, ValueError), match=r"folder|file"):
        train_ensemble(jobs, folder=name)
    assert trained == []


def test_without_a_folder_nothing_is_written(tiny_data, jobs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train_ensemble(jobs[:1])
    assert list(tmp_path.iterdir()) == []


def test_each_configuration_has_a_file_of_its_own(jobs, tmp_path):
    changes = [
        *({}, {"seed": 1}, {"index": 7}, {"dataset": "mnist"}, {"method": "bagging"}),
        *({"epochs": 2}, {"batch_size": 49}, {"lr": 2e-3}, {"optimizer": "sgd"}),
        *({"method": "gaussian-noise"}, {"method": "gaussian-noise", "sigma": 0.1}),
        *({"train_images": 50}, {"architecture": "mnist-cnn/1"}),
    ]
    paths = {member_path(replace(jobs[0], **c), tmp_path) for c in changes}
    assert len(paths) == len(changes)


def test_files_of_earlier_versions_are_found(jobs, tmp_path):
    """By data set, method, index, and all that defines a member."""
    path = tmp_path / "mnist-sample" / "random-init-2-5ad9af0e5fc9.npz"
    assert member_path(jobs[2], tmp_path) == path


def test_a_file_says_what_it_holds(tiny_data, jobs, tmp_path, clock):
    train_ensemble(jobs[:1], folder=str(tmp_path))
    with np.load(member_path(jobs[0], tmp_path)) as file:
        config = json.loads(str(file["description"]))["config"]
    assert config["job"]["seed"] == jobs[0].seed
    assert len(config["losses"]) == 1
    assert 1 < config["losses"][0] < 5
    assert config["seconds"] == 1  # one epoch


def test_a_damaged_member_is_set_aside_and_trained_again(trained, jobs, tmp_path):
    first = train_ensemble(jobs, folder=tmp_path)
    path = member_path(jobs[1], tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.warns(UserWarning, match=f"{path.name}.*set aside, training again"):
        again = train_ensemble(jobs, folder=tmp_path)
    assert len(trained) == 4
    assert_same_bits(again, first)
    assert path.with_suffix(".damaged").stat().st_size == 1000
    assert_same_bits(train_ensemble(jobs, folder=tmp_path), first)
    assert len(trained) == 4


def break_job(monkeypatch, index):
    """Let the job of this index fail on its worker."""

    def materialise_or_fail(job, *arguments):
        if job.index == index:
            raise MemoryError(f"no room for member {index}")
        return materialise(job, *arguments)

    monkeypatch.setattr(training, "materialise", materialise_or_fail)


@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize("threads", [0, 1])
def test_one_failure_does_not_lose_the_others(
    trained, jobs, tmp_path, monkeypatch, index, threads
):
    with monkeypatch.context() as context, ThreadPoolExecutor(1) as executor:
        break_job(context, index)
        with pytest.raises(MemoryError, match=f"no room for member {index}"):
            train_ensemble(jobs, executor if threads else None, tmp_path)
    saved = [job for job in jobs if member_path(job, tmp_path).exists()]
    assert saved == [job for job in jobs if job.index != index]
    train_ensemble(jobs, folder=tmp_path)
    assert len(trained) == 3


@pytest.mark.parametrize(("workers", "expected"), [(None, 2), (3, 3), (7, 4), (1, 1)])
def test_without_an_executor_each_core_trains_members(
    monkeypatch, tiny_data, jobs, workers, expected
):
    asked = []

    def local_executor(count):
        asked.append(count)
        return nullcontext()  # None: here

    monkeypatch.setattr(parallel, "local_executor", local_executor)
    monkeypatch.setattr(training, "available_cores", lambda: 2)
    four = [*jobs, one_of_each_method()[-1]]
    training.train_ensemble(four, workers=workers)
    assert asked == [expected]
