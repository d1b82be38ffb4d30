"""Results made up for tests, and a cache of the tests' own."""

import warnings

import numpy as np
import pytest

from ensembles.training import train_ensemble
from minidl.data import download
from tests.attacks.conftest import new_cnn
from tests.tutorials.made_up import SMOKE, made_up
from tutorials.anomaly.plan import Plan, team_of
from tutorials.paper import results as results_file
from tutorials.paper.experiment.members import member_jobs
from tutorials.paper.results.examples import write_examples


@pytest.fixture(autouse=True)
def _sealed(tmp_path, monkeypatch):
    """No test touches the user's cache, or depends on the user's data or network."""
    monkeypatch.setenv("MINIDL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MINIDL_PROGRESS", str(tmp_path / "progress"))
    monkeypatch.delenv("MINIDL_DATA", raising=False)

    def unplugged(url, published, folder):
        raise OSError("no network")

    monkeypatch.setattr(download, "_fetch", unplugged)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Two members, trained for an epoch on 1,000 images."""
    folder = tmp_path_factory.mktemp("runs")
    [jobs] = member_jobs(SMOKE).values()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train_ensemble(jobs, folder=folder, workers=1)
    return folder


@pytest.fixture
def members(rng):
    """Three small networks with initial weights."""
    return [new_cnn(rng) for _ in range(3)]


@pytest.fixture
def plan(runs):
    return Plan(SMOKE, runs, images=30, jobs=1)


@pytest.fixture
def team(plan):
    return team_of(plan)


@pytest.fixture
def results():
    return made_up()


@pytest.fixture
def folder(tmp_path, results):
    """A folder with results and examples."""
    folder = tmp_path / "results"
    x = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    y = np.arange(3)
    arrays = {"x": x, "x_adv": 1 - x, "y": y, "predicted": y[::-1]}
    write_examples(arrays, results, folder)
    results_file.write(results, folder)
    return folder
