"""The search for open settings: its rules, and that it keeps to its split."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from ensembles import gaussian_noise, training
from minidl.data import load_dataset
from minidl.store import write_json
from minidl.store.schema import read_as
from tutorials.paper.experiment.config import DATASETS, settings_of
from tutorials.paper.search import __main__ as program
from tutorials.paper.search import rules
from tutorials.paper.search import trials as search
from tutorials.paper.search.rules import SAMPLE, Search, Trial

ROOT = Path(__file__).parents[2]
JOB = gaussian_noise(1, 0, "mnist", sigma=0.1)[0]
EMPTY = Search("mnist", 1, 10_000, [], [], [])


def trials(key, scores):
    """Return trials of settings that differ in one key."""
    return [
        Trial(replace(JOB, **{key: value}), score)
        for value, all_scores in scores.items()
        for score in all_scores
    ]


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ({"adam": [0.97], "sgd": [0.9905], "rmsprop": [0.998]}, "sgd"),  # not the best
        ({"adam": [0.97, 1.0], "sgd": [0.99, 0.99]}, "sgd"),  # seeds are averaged
        # Within a standard error, sqrt(0.99 * 0.01 / 10,000) = 0.000995, the first.
        ({"adam": [0.9909], "sgd": [0.99]}, "adam"),
        ({"adam": [0.9911], "sgd": [0.99]}, "sgd"),
        ({"adam": [0.9909] * 4, "sgd": [0.99] * 4}, "sgd"),
    ],
)
def test_the_optimizer_nearest_to_the_target(scores, chosen):
    assert rules.nearest(trials("optimizer", scores), 0.99, 10_000)[0] == chosen


def test_the_largest_sigma_and_the_fewest_epochs_with_enough_accuracy():
    found = trials("sigma", {0.1: [0.99], 0.2: [0.97, 0.99], 0.3: [0.979]})
    assert rules.largest_sigma(found, 0.98) == 0.2
    assert rules.largest_sigma(found, 0.985) == 0.1
    with pytest.raises(ValueError, match=r"no sigma reaches 0\.9999"):
        rules.largest_sigma(found, 0.9999)
    found = trials("epochs", {5: [0.95], 6: [0.94, 0.98], 7: [0.99]})
    other = trials("batch_size", {64: [0.99]})
    assert rules.fewest_epochs(found + other, 128) == 6


def test_noise_may_cost_what_it_cost_the_paper():
    """0.9912 - 0.9898 = 0.0014, from the accuracy of the optimizer that was chosen."""
    noise = trials("sigma", {0.1: [0.9887], 0.2: [0.9885], 0.3: [0.98]})
    found = replace(EMPTY, optimizer=trials("lr", {1e-3: [0.99]}), sigma=noise)
    assert rules.choose(found)["sigma"] == 0.1
    clean = trials("lr", {1e-3: [0.9898]})
    assert rules.choose(replace(found, optimizer=clean))["sigma"] == 0.2


def test_on_the_sample_each_noise_is_tried_with_the_same_networks():
    jobs = search.sigma_jobs(replace(EMPTY, dataset=SAMPLE))
    assert len(jobs) == 5 * len(search.SIGMAS[SAMPLE])
    assert len({job.seed for job in jobs}) == 5


@pytest.mark.parametrize("dataset", search.PARTS)
def test_all_trials_are_of_the_network_that_is_searched(dataset):
    found = replace(EMPTY, dataset=dataset, network="literal")
    jobs = search.optimizer_jobs(found)
    found = replace(found, optimizer=[Trial(job, 0.9) for job in jobs])
    jobs += search.sigma_jobs(found) + search.architecture_jobs(found)
    assert {job.architecture.partition("/")[0] for job in jobs} == {found.architecture}
    assert found.architecture.endswith("-cnn-literal")


@pytest.mark.parametrize(
    ("dataset", "index", "expected"),
    [(SAMPLE, 1, [1, 6]), ("mnist", 1, [9])],
)
def test_a_fold_or_the_last_images_are_held_out(dataset, index, expected):
    out = search.held_out(replace(JOB, dataset=dataset, index=index), 10)
    assert np.flatnonzero(out).tolist() == expected


@pytest.mark.parametrize(
    ("clean", "tried"),
    [
        (0.9, [0.4, 0.3]),
        (0.96, [0.4, 0.3, 0.2, 0.1]),
        (1.0, [0.4, 0.3, 0.2, 0.1, 0.05]),
    ],
)
def test_smaller_noise_than_is_enough_is_not_tried(monkeypatch, clean, tried):
    monkeypatch.setattr(search, "SIGMAS", {"mnist": (0.4, 0.3, 0.2, 0.1, 0.05)})
    found = replace(EMPTY, optimizer=trials("lr", {1e-3: [clean]}))
    for _ in range(5):
        jobs = search.sigma_jobs(found)
        noise = [Trial(job, 0.99 - 0.2 * job.sigma) for job in jobs]
        found = replace(found, sigma=noise)
    assert list(dict.fromkeys(job.sigma for job in jobs)) == tried
    assert len(jobs) == 2 * len(tried)


@pytest.fixture
def small(monkeypatch):
    """A data set of 600 images without test images; reading those would fail."""
    data = load_dataset(SAMPLE)
    small = data._replace(
        x_train=data.x_train[:600], y_train=data.y_train[:600], x_test=None, y_test=None
    )
    monkeypatch.setattr(search, "load_dataset", lambda name: small)
    return small


@pytest.mark.slow
def test_a_search_never_trains_on_the_images_of_its_scores(
    monkeypatch, tmp_path, small, threads_seen
):
    shown, scored = [], []
    accuracy, real = search.accuracy, training.train
    monkeypatch.setattr(
        training, "train", lambda m, x, *a: shown.append(x) or real(m, x, *a)
    )
    monkeypatch.setattr(
        search, "accuracy", lambda m, x, y: scored.append(x) or accuracy(m, x, y)
    )
    monkeypatch.setattr(search, "OPTIMIZERS", search.OPTIMIZERS[:2])
    monkeypatch.setattr(search, "SIGMAS", {"mnist": (0.1, 0.3)})
    settings = replace(DATASETS["mnist"], epochs=1)
    monkeypatch.setitem(DATASETS, "mnist", settings)
    few = {**program.SEARCHES}
    few["architectures"] = (lambda f: search.architecture_jobs(f)[:1], ("epochs",))
    monkeypatch.setattr(program, "SEARCHES", few)
    empty = Search("mnist", 500, 100, [], [], [])
    *_, found = program.search(empty, tmp_path, 1)
    assert threads_seen == {1}
    # Two optimizers, two sigmas, two seeds each; a network.
    assert [len(x) for x in shown] == [500] * 9
    for x in scored:
        np.testing.assert_array_equal(x, small.x_train[500:])
    assert [t.job.optimizer for t in found.optimizer] == ["adam"] * 4
    assert [t.job.sigma for t in found.sigma] == [0.1, 0.1, 0.3, 0.3]
    assert not [*tmp_path.rglob("*.npz")]
    path = tmp_path / "search.json"
    write_json(path, found)
    assert read_as(Search, path) == found
    for again in program.search(found, tmp_path, 1):
        assert again == found
    assert len(shown) == 9


def test_a_fold_is_never_trained_on(monkeypatch, tmp_path, small):
    shown = []
    monkeypatch.setattr(training, "train", lambda m, x, *a: shown.append(x))
    job = search.optimizer_jobs(replace(EMPTY, dataset=SAMPLE))[1]
    search.validate(replace(job, method="random-init"), tmp_path)
    np.testing.assert_array_equal(shown[0], np.delete(small.x_train, np.s_[1::5], 0))


def test_trials_stay_until_there_are_others(monkeypatch, tmp_path):
    """Interrupted after the first trial of all, the file still has the others."""
    kept = {key: trials(key, {1: [0.5]}) for key in ("lr", "sigma", "epochs")}
    before = Search("mnist", 1, 10, *kept.values())
    monkeypatch.setattr(program, "validate", lambda job, runs: Trial(job, 0.9))
    first = next(program.search(before, tmp_path, 1))
    [trial] = first.optimizer
    assert trial.accuracy == 0.9
    assert first == replace(before, optimizer=[trial])


def test_another_data_sets_search_is_not_overwritten(monkeypatch, tmp_path):
    data = load_dataset(SAMPLE)
    monkeypatch.setattr(program, "load_once", lambda name: data)
    path = tmp_path / "search.json"
    begun = program.begin("mnist", path)
    assert begun == Search("mnist", 3334, 666, [], [], [])
    write_json(path, begun)
    assert program.begin("mnist", path) == begun
    with pytest.raises(
        ValueError, match=r"images of mnist .*, asked for .* of cifar10"
    ):
        program.begin("cifar10", path)
    with pytest.raises(ValueError, match=r"plain network.* asked for .*literal"):
        program.begin("mnist", path, "literal")
    write_json(path, asdict(begun) | {"more": 1})
    with pytest.raises(ValueError, match="more is unknown"):
        program.begin("mnist", path)


@pytest.mark.parametrize("path", sorted((ROOT / "results/search").glob("*.json")))
def test_config_holds_what_the_committed_search_gives(path):
    found = read_as(Search, path)
    settings = asdict(settings_of(found.dataset, found.network))
    assert rules.choose(found).items() <= settings.items()
    whole = found.train_images + found.validation_images
    assert found.validation_images == whole // search.PARTS[found.dataset]
    for name, (jobs_of, _) in program.SEARCHES.items():
        assert {trial.job for trial in getattr(found, name)} >= {*jobs_of(found)}
