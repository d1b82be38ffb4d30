"""The search on full data sets: its rules, and that it keeps to its split."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from ensembles import gaussian_noise, training
from minidl.data import load_dataset
from minidl.schema import read_as
from minidl.store import write_json
from tutorials.paper import search
from tutorials.paper.experiment import config
from tutorials.paper.paper_numbers import cost_of_noise, paper_single
from tutorials.paper.search import Choice, Search, Trial

ROOT = Path(__file__).parents[2]


JOB = gaussian_noise(1, 0, "mnist", sigma=0.1)[0]


def trials(key, scores):
    """Return trials of settings that differ in one key."""
    return [
        Trial(replace(JOB, **{key: value}), score)
        for value, all_scores in scores.items()
        for score in all_scores
    ]


def nearest(scores, target=0.99, images=10_000):
    return search.nearest(trials("optimizer", scores), target, images)[0]


def test_nearest_is_not_best():
    assert nearest({"adam": [0.97], "sgd": [0.9905], "rmsprop": [0.998]}) == "sgd"


def test_seeds_are_averaged():
    assert nearest({"adam": [0.97, 1.0], "sgd": [0.99, 0.99]}) == "sgd"


def test_within_a_standard_error_the_first_is_taken():
    """It is sqrt(0.99 * 0.01 / 10,000) = 0.000995."""
    assert nearest({"adam": [0.9909], "sgd": [0.99]}) == "adam"
    assert nearest({"adam": [0.9911], "sgd": [0.99]}) == "sgd"
    assert nearest({"adam": [0.9909] * 4, "sgd": [0.99] * 4}) == "sgd"


def test_the_largest_sigma_with_enough_accuracy():
    scores = {0.1: [0.99], 0.2: [0.97, 0.99], 0.3: [0.979], 0.05: [0.999]}
    found = trials("sigma", scores)
    assert search.largest_sigma(found, 0.98) == 0.2
    assert search.largest_sigma(found, 0.985) == 0.1
    with pytest.raises(ValueError, match=r"no sigma reaches 0\.9999"):
        search.largest_sigma(found, 0.9999)


def test_noise_may_cost_what_it_cost_the_paper():
    """0.9912 - 0.9898 = 0.0014, from the accuracy of the optimizer that was chosen."""
    noise = trials("sigma", {0.1: [0.9887], 0.2: [0.9885], 0.3: [0.98]})
    found = Search("mnist", 1, 10_000, trials("lr", {1e-3: [0.99]}), noise, [])
    assert search.choose(found).sigma == 0.1
    clean = trials("lr", {1e-3: [0.9898]})
    assert search.choose(replace(found, optimizer=clean)).sigma == 0.2


@pytest.mark.parametrize(
    ("least", "tried"),
    [(0.9, [0.4, 0.3]), (0.96, [0.4, 0.3, 0.2, 0.1]), (1.0, [0.4, 0.3, 0.2, 0.1, 0.0])],
)
def test_smaller_noise_than_is_enough_is_not_tried(monkeypatch, least, tried):
    def measure(jobs, means):
        assert all(a == b for a, b in zip(jobs[::2], jobs[1::2], strict=True))
        return [Trial(job, 0.99 - 0.2 * job.sigma) for job in jobs]

    monkeypatch.setattr(search, "measure", measure)
    jobs = [replace(JOB, sigma=s) for s in (0.4, 0.3, 0.2, 0.1, 0.0) for _ in range(2)]
    means = search.Means(1, Path(), 1, [])
    *_, found = search.noisy_trials(jobs, least, means)
    assert list(dict.fromkeys(trial.job.sigma for trial in found)) == tried
    assert len(found) == 2 * len(tried)


def test_the_papers_numbers():
    assert paper_single("mnist", "random-init") == 0.9912
    assert paper_single("cifar10", "gaussian-noise") == 0.7160
    assert cost_of_noise("cifar10") == pytest.approx(0.0824)


@pytest.mark.slow
def test_a_search_trains_on_the_first_images_and_scores_on_the_others(
    monkeypatch, tmp_path, threads_seen
):
    """A whole search on few images; those of the split are never trained on."""
    data = load_dataset("mnist-sample")
    small = data._replace(
        x_train=data.x_train[:600], y_train=data.y_train[:600], x_test=None, y_test=None
    )
    shown, scored = [], []
    accuracy, real = search.accuracy, training.train
    monkeypatch.setattr(
        training, "train", lambda m, x, *a: shown.append(len(x)) or real(m, x, *a)
    )
    for module in (training, search):
        monkeypatch.setattr(module, "load_dataset", lambda name: small)
    monkeypatch.setattr(
        search, "accuracy", lambda m, x, y: scored.append(x) or accuracy(m, x, y)
    )
    few = search.OPTIMIZERS[:2]
    monkeypatch.setattr(search, "OPTIMIZERS", few)
    monkeypatch.setattr(search, "SIGMAS", {"mnist": (0.1, 0.3)})
    few_jobs = search.architecture_jobs
    monkeypatch.setattr(search, "architecture_jobs", lambda *a: few_jobs(*a)[:1])
    empty = Search("mnist", 500, 100, [], [], [])
    *_, found = search.search(empty, 1, tmp_path, 1)
    assert threads_seen == {1}
    assert shown == [500] * 9  # two optimizers, two sigmas, two seeds each; a network
    for x in scored:
        np.testing.assert_array_equal(x, small.x_train[500:])
    assert [t.job.optimizer for t in found.optimizer] == ["adam"] * 4
    assert [t.job.sigma for t in found.sigma] == [0.1, 0.1, 0.3, 0.3]
    path = tmp_path / "search.json"
    write_json(path, found)
    assert read_as(Search, path) == found
    for again in search.search(found, 1, tmp_path, 1):
        assert again == found
    assert len(shown) == 9


def test_members_that_a_full_disk_refused_end_the_search(monkeypatch, tmp_path):
    monkeypatch.setattr(search, "train_ensemble", lambda *arguments: None)
    jobs = search.architecture_jobs("mnist", {})[:2]
    with pytest.raises(OSError, match=r"2 of 2 members couldn't be saved in .*room"):
        search.measure(jobs, search.Means(1, tmp_path, 1, []))


def test_trials_stay_until_there_are_others(monkeypatch, tmp_path):
    """Interrupted after the first of three searches, the file still has the others."""
    before = Search(
        "mnist", 1, 10, *(trials(k, {1: [0.5]}) for k in ("lr", "sigma", "epochs"))
    )
    better = trials("lr", {2: [0.9]})
    monkeypatch.setattr(search, "measure", lambda jobs, means: better)
    first = next(search.search(before, 1, tmp_path, 1))
    assert first == replace(before, optimizer=better)


def test_another_data_sets_search_is_not_overwritten(monkeypatch, tmp_path):
    data = load_dataset("mnist-sample")
    monkeypatch.setattr(search, "load_once", lambda name: data)
    monkeypatch.setattr(search, "VALIDATION_IMAGES", {"mnist": 100, "cifar10": 100})
    path = tmp_path / "search.json"
    begun = search.begin("mnist", path)
    assert begun == Search("mnist", len(data.x_train) - 100, 100, [], [], [])
    write_json(path, begun)
    assert search.begin("mnist", path) == begun
    with pytest.raises(ValueError, match=r"images of mnist, asked for .* of cifar10"):
        search.begin("cifar10", path)


@pytest.mark.parametrize("path", sorted((ROOT / "results/search").glob("*.json")))
def test_config_holds_what_the_committed_search_gives(path):
    found = read_as(Search, path)
    settings = config.DATASETS[found.dataset]
    chosen = Choice(
        settings.optimizer, settings.lr, settings.batch_size, settings.sigma
    )
    assert search.choose(found) == chosen
    assert found.validation_images == search.VALIDATION_IMAGES[found.dataset]


def test_a_file_that_is_no_search(tmp_path):
    path = tmp_path / "x.json"
    empty = Search("mnist", 1, 1, [], [], [])
    write_json(path, asdict(empty) | {"more": 1})
    with pytest.raises(ValueError, match="more is unknown"):
        read_as(Search, path)
