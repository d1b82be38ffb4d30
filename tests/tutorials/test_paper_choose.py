"""The search for open settings: clean validation accuracy decides, and nothing else."""

import numpy as np
import pytest

from minidl.data import load_dataset
from tutorials.paper import choose
from tutorials.paper.choose import FOLDS, SIGMAS, epoch_trials, largest_sigma, validate


def test_a_fold_is_left_out_and_no_test_image_is_read(monkeypatch, threads_seen):
    data = load_dataset("mnist-sample")
    few = data._replace(x_train=data.x_train[:50], y_train=data.y_train[:50])
    # Reading what isn't there would fail.
    monkeypatch.setattr(
        choose, "load_dataset", lambda name: few._replace(x_test=None, y_test=None)
    )
    shown, scored = [], []
    train, accuracy = choose.train, choose.accuracy
    monkeypatch.setattr(
        choose, "train", lambda m, x, *a, **k: shown.append(x) or train(m, x, *a, **k)
    )
    monkeypatch.setattr(
        choose, "accuracy", lambda m, x, y: scored.append(x) or accuracy(m, x, y)
    )
    trial = next(t for t in epoch_trials("mnist-sample", epochs=2) if t.fold == 1)
    found, scores = validate(trial)
    assert found == trial
    assert len(scores) == 2  # after each epoch
    np.testing.assert_array_equal(scored[0], few.x_train[1::FOLDS])
    assert len(shown[0]) == 40
    joined = np.concatenate([shown[0], scored[0]])
    assert len(np.unique(joined, axis=0)) == len(np.unique(few.x_train, axis=0))
    assert threads_seen == {1}


def test_every_fold_is_left_out_once_for_each_setting():
    names = [(trial.name(), trial.fold) for trial in epoch_trials("mnist-sample", 1)]
    assert len(names) == len(set(names)) == 2 * len(choose.BATCH_SIZES) * FOLDS


def test_trials_of_the_noise_differ_in_nothing_else():
    trials = list(choose.sigma_trials("mnist-sample", 1))
    for fold in range(FOLDS):
        jobs = [trial.job for trial in trials if trial.fold == fold]
        assert [job.sigma for job in jobs] == list(SIGMAS)
        assert len({job.seed for job in jobs}) == 1


@pytest.mark.parametrize(
    ("means", "allowed", "expected"),
    [
        ((0.97, 0.97, 0.968, 0.96, 0.95), 0.0014, 0.1),
        ((0.97, 0.97, 0.968, 0.96, 0.95), 0.0025, 0.2),
        ((0.97, 0.90, 0.971, 0.96, 0.95), 0.0014, 0.2),
        ((0.97, 0.90, 0.90, 0.90, 0.90), 0.0014, 0.0),
    ],
)
def test_the_largest_noise_within_the_papers_drop(means, allowed, expected):
    trials = list(choose.sigma_trials("mnist-sample", 1))
    by_sigma = dict(zip(SIGMAS, means, strict=True))
    outcomes = [(trial, [0.1, by_sigma[trial.job.sigma]]) for trial in trials]
    assert largest_sigma(outcomes, allowed) == expected
