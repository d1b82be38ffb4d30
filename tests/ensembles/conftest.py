"""A handful of images, so that training a member takes a fraction of a second."""

from itertools import count

import pytest

from ensembles import member_files, random_init, training
from minidl import train
from tests.ensembles.tiny_data import tiny_dataset
from tests.oracles import same_bits


class Interrupted(BaseException):
    """As Ctrl-C, but nothing else's."""


def assert_same(a, b):
    """Two trained members are equal to the bit."""
    assert (a.job, a.losses, a.vote) == (b.job, b.losses, b.vote)
    assert same_bits(a.params, b.params)


@pytest.fixture
def train_until(monkeypatch):
    """Return a function that trains, and interrupts a member after some epochs."""
    ended = member_files.Progress.epoch_ended

    def run(epochs, train, *arguments, index=0, **options):
        def interrupt(self, number, loss):
            ended(self, number, loss)
            if self.job.index == index and len(self.losses) == epochs:
                raise Interrupted

        with monkeypatch.context() as context:
            context.setattr(member_files.Progress, "epoch_ended", interrupt)
            with pytest.raises(Interrupted):
                train(*arguments, **options)

    return run


@pytest.fixture
def tiny_data(monkeypatch):
    """Let every data set be tiny in this process."""
    monkeypatch.setattr(training, "load_dataset", tiny_dataset)
    return tiny_dataset("mnist-sample")


@pytest.fixture
def trained(monkeypatch, tiny_data):
    """Record the arguments of each training in this process."""
    calls = []

    def recorded(*arguments):
        calls.append(arguments)
        return train(*arguments)

    monkeypatch.setattr(training, "train", recorded)
    return calls


@pytest.fixture
def jobs():
    return random_init(3, 5, "mnist-sample", epochs=1, batch_size=48)


@pytest.fixture
def clock(monkeypatch):
    """Let a second pass whenever somebody looks at the clock."""
    monkeypatch.setattr("time.thread_time", count(0.0).__next__)
