"""The settings agree with the paper and with each other."""

import dataclasses

import pytest

from ensembles import METHODS
from minidl.data import CLASS_NAMES
from tutorials.paper.experiment.config import DATASETS, PROFILES, configure
from tutorials.paper.experiment.members import member_jobs


def test_every_data_set_has_settings():
    assert DATASETS.keys() == CLASS_NAMES.keys()


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_steps_of_bim_just_reach_eps(dataset):
    bim = configure(dataset).attacks["bim"]
    assert bim["steps"] * bim["alpha"] == pytest.approx(bim["eps"])


@pytest.mark.parametrize(
    ("dataset", "epochs", "fgsm", "bim"),
    [
        ("mnist", 10, 0.3, {"eps": 0.2, "alpha": 0.025, "steps": 8}),
        ("cifar10", 25, 0.03, {"eps": 0.02, "alpha": 0.0025, "steps": 8}),
    ],
)
def test_the_full_profile_is_the_papers(dataset, epochs, fgsm, bim):
    config = configure(dataset, "full")
    assert (config.members, config.epochs) == (10, epochs)
    assert config.attacks == {"fgsm": {"eps": fgsm}, "bim": bim}
    assert config.attacked_images is None
    assert config.train_images is None


def test_what_is_asked_for_comes_before_the_profile():
    config = configure(profile="smoke", members=5, epochs=6, seed=7)
    assert (config.members, config.epochs, config.seed) == (5, 6, 7)


def test_methods_stand_in_the_papers_order():
    assert configure(methods=["bagging", "random-init"]).methods == [
        "random-init",
        "bagging",
    ]
    assert configure().methods == list(METHODS)


@pytest.mark.parametrize("profile", PROFILES)
def test_jobs_are_as_configured(profile):
    config = configure(profile=profile, seed=3)
    for method, jobs in member_jobs(config).items():
        assert len(jobs) == config.members
        for job in jobs:
            assert job.method == method
            assert job.sigma == (config.sigma if method == "gaussian-noise" else 0)
            for field in ("dataset", "epochs", "batch_size", "lr", "train_images"):
                assert getattr(job, field) == getattr(config, field)


def test_another_seed_makes_other_members():
    jobs = [member_jobs(configure(seed=seed))["bagging"] for seed in (0, 1)]
    assert {job.seed for job in jobs[0]}.isdisjoint(job.seed for job in jobs[1])


def test_settings_cannot_change_during_a_run():
    with pytest.raises(dataclasses.FrozenInstanceError):
        configure().seed = 1


def test_a_method_that_there_is_not():
    with pytest.raises(ValueError, match=r"methods must be one of .*, got 'baging'"):
        configure(methods=["baging"])
