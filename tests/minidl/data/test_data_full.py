"""The real data sets, where MINIDL_DATA names a folder that holds them."""

import numpy as np
import pytest

from minidl.data import load_cifar10, load_fashion_mnist, load_mnist

pytestmark = [
    pytest.mark.usefixtures("full_data"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.mark.parametrize(
    ("load", "mean", "std"),
    [
        (load_mnist, [0.1307], [0.3081]),
        (load_fashion_mnist, [0.2860], [0.3530]),
        pytest.param(
            load_cifar10,
            [0.4914, 0.4822, 0.4465],
            [0.2470, 0.2435, 0.2616],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_size_and_published_statistics(load, mean, std):
    data = load()
    train, side = (50_000, 32) if load is load_cifar10 else (60_000, 28)
    assert data.x_train.shape == (train, side, side, len(mean))
    assert data.x_test.shape == (10_000, side, side, len(mean))
    for labels in (data.y_train, data.y_test):
        assert labels.dtype == np.int64
        assert set(labels.tolist()) == set(range(10))
    # Histograms give exact moments without a float copy of all images.
    for channel in range(len(mean)):
        counts = np.bincount(data.x_train[..., channel].ravel(), minlength=256)
        values = np.arange(256) / 255
        average = np.average(values, weights=counts)
        spread = np.sqrt(np.average((values - average) ** 2, weights=counts))
        assert average == pytest.approx(mean[channel], abs=1e-4)
        assert spread == pytest.approx(std[channel], abs=1e-4)


def test_the_first_digits_are_the_well_known_ones():
    data = load_mnist()
    assert data.y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
