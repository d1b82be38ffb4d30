"""A handful of images, so that training a member takes a fraction of a second."""

from itertools import count

import pytest

from ensembles import random_init, training
from tests.ensembles.tiny_data import tiny_dataset


@pytest.fixture
def tiny_data(monkeypatch):
    """Let every data set be tiny in this process."""
    monkeypatch.setattr(training, "load_dataset", tiny_dataset)
    return tiny_dataset("mnist-sample")


@pytest.fixture
def jobs():
    return random_init(3, 5, "mnist-sample", epochs=1, batch_size=48)


@pytest.fixture
def clock(monkeypatch):
    """Let a second pass whenever somebody looks at the clock."""
    monkeypatch.setattr("time.perf_counter", count(0.0).__next__)
