"""The settings agree with the paper and with each other."""

import pytest

from ensembles.member_files import member_path
from minidl.data import CLASS_NAMES
from tutorials.paper.experiment.config import (
    DATASETS,
    LITERAL,
    NETWORKS,
    PLAIN,
    PROFILES,
    configure,
    settings_of,
)
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


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_literal_network_is_the_plain_one_with_another_last_row(dataset):
    plain = member_jobs(configure(dataset, "full", network=PLAIN))
    literal = member_jobs(configure(dataset, "full", network=LITERAL))
    for method, jobs in plain.items():
        for job, other in zip(jobs, literal[method], strict=True):
            table, *number = job.architecture.split("/")
            assert other.architecture == "/".join([f"{table}-literal", *number])
            assert other.seed == job.seed
            assert (job.attempts, other.attempts) == (1, 20 if "cifar" in table else 1)


def test_the_files_of_plain_members_have_their_old_names(tmp_path):
    jobs = member_jobs(configure("mnist", "full", seed=1))
    names = [member_path(own[1], tmp_path).name for own in jobs.values()]
    assert names == [
        "random-init-1-0da2c8dc423f.npz",
        "mixed-models-1-247529325bfa.npz",
        "bagging-1-8594be5ef54a.npz",
        "gaussian-noise-1-eac986a6a4ce.npz",
    ]


def test_settings_of_a_network_come_before_those_of_the_data_set(monkeypatch):
    monkeypatch.setitem(NETWORKS, LITERAL, {"mnist": {"lr": 0.5, "sigma": 0.2}})
    config = configure("mnist", network=LITERAL)
    assert (config.lr, config.sigma, config.network) == (0.5, 0.2, LITERAL)
    assert settings_of("mnist") == DATASETS["mnist"]
    assert settings_of("cifar10", LITERAL) == DATASETS["cifar10"]
    assert config.attempts == DATASETS["mnist"].attempts == 1


def test_a_smoke_test_restarts_nothing():
    attempts = [configure("cifar10", p, network=LITERAL).attempts for p in PROFILES]
    assert dict(zip(PROFILES, attempts, strict=True)) == {
        "smoke": 1,
        "quick": 20,
        "full": 20,
    }


def test_another_seed_makes_other_members():
    jobs = [member_jobs(configure(seed=seed))["bagging"] for seed in (0, 1)]
    assert {job.seed for job in jobs[0]}.isdisjoint(job.seed for job in jobs[1])


def test_a_method_that_there_is_not():
    with pytest.raises(ValueError, match=r"methods must be one of .*, got 'baging'"):
        configure(methods=["baging"])
    with pytest.raises(ValueError, match="network must be one of plain, literal"):
        configure(network="relu")
