"""Networks are trained once, by another program, and kept."""

import numpy as np
import pytest

from ensembles.member_files import TrainedMember, member_path, write_finished
from ensembles.methods import untrained
from minidl.data.places import cache_folder
from tutorials import trained
from tutorials.paper.experiment.config import configure
from tutorials.paper.experiment.members import member_jobs


@pytest.fixture
def calls(monkeypatch):
    """Commands; what they are to train is kept with its initial weights."""
    calls = []

    def run(command, env):
        *command, ends_with_this_one = command
        assert ends_with_this_one == "--with-parent"
        calls.append(command[1:])
        _, _, _, members, *methods = command
        assert env["MINIDL_CACHE"] == str(cache_folder())
        for team in trained.jobs_of(methods, int(members)).values():
            for job in team:
                params = [p.data for p in untrained(job).params]
                member = TrainedMember(job, params, [0.0] * job.epochs, 0.0)
                path = member_path(job, cache_folder() / "runs")
                write_finished(path, member, job)

    monkeypatch.setattr(trained, "run_below", run)
    return calls


def test_what_is_missing_is_trained_and_what_is_there_is_not(calls):
    one = trained.network()
    assert calls == [["-m", "tutorials.trained", "1", "random-init"]]
    three = trained.ensemble()
    assert calls[1:] == [["-m", "tutorials.trained", "3", "random-init"]]
    again = trained.ensemble()
    assert len(calls) == 2
    assert len(three) == len(again) == 3
    for model in (three[0], again[0]):
        for p, q in zip(one.params, model.params, strict=True):
            np.testing.assert_array_equal(p.data, q.data)


def test_several_methods_are_trained_together(calls):
    teams = trained.ensembles("bagging", "random-init")
    assert calls == [["-m", "tutorials.trained", "3", "random-init", "bagging"]]
    assert {method: len(team) for method, team in teams.items()} == {
        "random-init": 3,
        "bagging": 3,
    }


def test_they_are_the_members_of_the_quick_run():
    """Also the first of them alone: its seed doesn't depend on how many there are."""
    quick = member_jobs(configure("mnist-sample", "quick"))
    for method, jobs in quick.items():
        assert trained.jobs_of([method], 1) == {method: jobs[:1]}
        assert trained.jobs_of([method], len(jobs)) == {method: jobs}
