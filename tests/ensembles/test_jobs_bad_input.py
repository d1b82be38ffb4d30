"""Jobs that can't be: refused when they are written down, before any training."""

from dataclasses import replace

import numpy as np
import pytest

from ensembles import (
    METHODS,
    gaussian_noise,
    materialise,
    mixed_models,
    random_init,
)

METHOD = pytest.mark.parametrize("method", METHODS)


def jobs_of(method, members=2, seed=5, dataset="mnist-sample", **settings):
    if method == "gaussian-noise":
        settings = {"sigma": 0.1} | settings
    return METHODS[method](members, seed, dataset, **settings)


@METHOD
@pytest.mark.parametrize(
    ("members", "error", "message"),
    [
        (0, ValueError, "members must be at least 1, got 0"),
        (-2, ValueError, "members must be at least 1, got -2"),
        (2.0, TypeError, "members must be an integer, got 2.0"),
        ("3", TypeError, "members must be an integer, got '3'"),
    ],
)
def test_members(method, members, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        jobs_of(method, members)


@METHOD
def test_dataset(method):
    message = "^dataset must be one of mnist-sample, mnist, .*, cifar10, got 'svhn'$"
    with pytest.raises(ValueError, match=message):
        jobs_of(method, dataset="svhn")


@METHOD
@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (-1, ValueError, "seed must be at least 0, got -1"),
        (None, TypeError, "seed must be an integer, got None"),
    ],
)
def test_seed(method, seed, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        jobs_of(method, seed=seed)


@METHOD
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer, got 1.5"),
        ({"train_images": 0}, ValueError, "train_images must be at least 1, got 0"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"lr": 0}, ValueError, r"lr must be in \(0, inf\), got 0.0"),
        ({"lr": -1}, ValueError, r"lr must be in \(0, inf\), got -1.0"),
        ({"lr": np.nan}, ValueError, r"lr must be in \(0, inf\), got nan"),
        ({"lr": np.inf}, ValueError, r"lr must be in \(0, inf\), got inf"),
        ({"lr": "1e-3"}, TypeError, "lr must be a number, got '1e-3'"),
        ({"optimizer": "lion"}, ValueError, "optimizer must be .*adam,.*got 'lion'"),
        ({"sigma": 1.5}, ValueError, r"sigma must be in .0, 1\], got 1.5"),
        ({"sigma": -0.1}, ValueError, r"sigma must be in .0, 1\], got -0.1"),
        ({"architecture": "vgg"}, ValueError, "architecture must be .*got 'vgg.*'"),
        ({"momentum": 0.9}, TypeError, ".*unexpected keyword argument 'momentum'"),
    ],
)
def test_settings(method, settings, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        jobs_of(method, **settings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "boosting"}, "method must be .*gaussian-noise, got 'boosting'"),
        ({"dataset": "svhn"}, "dataset must be .*cifar10, got 'svhn'"),
        ({"index": -1}, "index must be at least 0, got -1"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"architecture": "mnist-cnn/10"}, "architecture.*/9, got 'mnist-cnn/10'"),
        ({"architecture": None}, "architecture must be one of mnist-cnn.*, got None"),
        ({"architecture": "cifar10-cnn"}, "architecture must.*got 'cifar10-cnn'"),
        ({"dataset": "cifar10"}, "architecture must .*cifar10-cnn.*got 'mnist-cnn'"),
    ],
)
def test_single_jobs(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        replace(random_init(1, 0, "mnist")[0], **change)


def test_noise_needs_noise():
    with pytest.raises(ValueError, match=r"^sigma must be in \(0, 1\], got 0.0$"):
        gaussian_noise(2, 0, "mnist", 0)


@METHOD
@pytest.mark.parametrize("size", [5, 7])
def test_labels_of_another_length(method, size):
    x, y = np.zeros((6, 28, 28, 1), np.uint8), np.zeros(size, np.int64)
    message = rf"^y must have shape \(6,\), got \({size},\)$"
    with pytest.raises(ValueError, match=message):
        materialise(jobs_of(method)[0], x, y)


@METHOD
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: x + 2, ValueError, r"x must lie in \[0, 1\], got values from 2 to"),
        (lambda x: x * np.nan, ValueError, "x must be finite, got NaN or infinity"),
        (lambda x: x.astype(np.float16), TypeError, "x must be uint8 .* got float16"),
        (lambda x: x.astype(int), TypeError, "x must be uint8 .* got int64"),
        (lambda x: x[:0], ValueError, r"x must not be empty, got shape \(0, 28"),
    ],
)
def test_images_that_are_no_images(method, change, error, message):
    x = change(np.zeros((6, 28, 28, 1)))
    with pytest.raises(error, match=f"^{message}"):
        materialise(jobs_of(method)[0], x, np.zeros(len(x), np.int64))


def test_mixed_models_choose_their_architectures():
    with pytest.raises(ValueError, match=r"^architecture must be left out, .*cnn/5'"):
        mixed_models(2, 0, "mnist", architecture="mnist-cnn/5")
