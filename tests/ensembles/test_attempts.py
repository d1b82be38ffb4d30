"""Members with dead classes are trained anew, decided by their training images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ensembles import MemberJob, bagging, random_init, training
from ensembles.architectures import build_architecture
from ensembles.member_files import Progress, member_path, partial_path, read_member
from ensembles.training import train_member
from minidl import Adam, train
from minidl.batches import in_batches
from minidl.parallel import limit_threads
from minidl.store import key_of, to_json
from tests.ensembles.conftest import Interrupted, assert_same
from tests.oracles import same_bits

pytestmark = pytest.mark.usefixtures("tiny_data")


@pytest.fixture
def job(jobs):
    return replace(jobs[0], epochs=2, attempts=4)


ALIVE = [[0.0, 0.1], [2.0, 0.0]]  # z of two images
DEAD = [[0.0, 0.0], [2.0, 0.0]]  # class 1 is


@pytest.fixture
def after_epoch_one(monkeypatch):
    """Let the logits after the first epoch be these, one an attempt."""

    def given(*found):
        each = map(np.array, found)
        monkeypatch.setattr(training, "in_batches", lambda forward, x: next(each))

    return given


def by_hand(job, data, attempt):
    """Train with generators of the seed, the stream and the attempt."""
    words = (job.seed, attempt) if attempt else (job.seed,)
    weights, order = (np.random.default_rng([words[0], s, *words[1:]]) for s in (0, 2))
    model = build_architecture(job.architecture, weights)
    how = Adam(model.params, job.lr), job.epochs, job.batch_size, order
    with limit_threads(1):
        losses = train(model, data.x_train, data.y_train, *how)
    return model, losses


@pytest.mark.parametrize(
    ("found", "attempt"),
    [
        ([ALIVE], 0),
        ([np.full((2, 2), np.nan)], 0),  # training says what is wrong
        ([DEAD, ALIVE], 1),
        ([[[0.0, 0.7], [2.0, 0.7]], np.zeros((2, 2)), ALIVE], 2),
        ([DEAD, DEAD, DEAD], 3),  # the last one is trained, whatever it is
    ],
)
def test_the_first_attempt_that_starts(
    tiny_data, job, after_epoch_one, tmp_path, found, attempt
):
    after_epoch_one(*found)
    member = train_member(job, tmp_path)
    model, losses = by_hand(job, tiny_data, attempt)
    assert (member.attempt, member.losses) == (attempt, losses)
    assert same_bits(member.params, model.params)


def test_a_single_attempt_isnt_judged(job, after_epoch_one):
    after_epoch_one()
    assert train_member(replace(job, attempts=1)).attempt == 0


def test_an_attempt_is_judged_after_its_first_epoch_alone(
    job, after_epoch_one, tmp_path, train_until
):
    """Resumed after the second one, it goes on, whatever it is by then."""
    job = replace(job, epochs=3)
    after_epoch_one(ALIVE)
    train_until(2, train_member, job, tmp_path)
    after_epoch_one()
    assert train_member(job, tmp_path).attempt == 0


def test_a_restart_keeps_the_training_images(tiny_data, after_epoch_one, monkeypatch):
    """The bootstrap replicate is the method's, not the attempt's."""
    [job] = bagging(1, 5, "mnist-sample", epochs=1, batch_size=48, attempts=3)
    after_epoch_one(DEAD, DEAD)
    seen = []
    monkeypatch.setattr(
        training, "train", lambda model, x, y, *_: seen.append((model, x))
    )
    train_member(job)
    (_, first), *others = seen
    assert len(others) == 2
    assert all(x is first for _, x in others)
    assert len({id(model) for model, _ in seen}) == 3


def test_the_logits_are_those_of_the_training_images(tiny_data, job, monkeypatch):
    """There are no test images, so they decide nothing."""
    own = tiny_data._replace(x_test=None, y_test=None)
    monkeypatch.setattr(training, "load_dataset", lambda name: own)
    seen = []

    def watched(forward, x):
        z = in_batches(forward, x)
        assert_allclose(z, forward(x / np.float32(255)), rtol=1e-4, atol=1e-5)
        seen.append(np.shares_memory(x, own.x_train) and len(x) == len(own.x_train))
        return z

    monkeypatch.setattr(training, "in_batches", watched)
    assert train_member(job).attempt == 0
    assert seen == [True]


def test_a_relu_on_the_logits_that_dies_is_seen(job):
    """A rate of 1 kills it; with plain logits, no class is dead."""
    fast = replace(job, lr=1.0, attempts=2)
    literal = replace(fast, architecture="mnist-cnn-literal")
    assert (train_member(literal).attempt, train_member(fast).attempt) == (1, 0)


@pytest.mark.parametrize("writes", range(1, 6))
def test_interrupted_anywhere_it_ends_in_the_same_bits(
    job, after_epoch_one, monkeypatch, tmp_path, writes
):
    """After so many writes: three first epochs, and two restarts between them."""
    by_attempt = DEAD, DEAD, ALIVE
    after_epoch_one(*by_attempt)
    whole = train_member(job)
    keep, done = Progress.keep, []

    def interrupt(self):
        keep(self)
        done.append((self.attempt, len(self.losses)))
        if len(done) == writes:
            raise Interrupted

    with monkeypatch.context() as context:
        context.setattr(Progress, "keep", interrupt)
        after_epoch_one(*by_attempt)
        with pytest.raises(Interrupted):
            train_member(job, tmp_path)
    assert done[-1] == [(0, 1), (1, 0), (1, 1), (2, 0), (2, 1)][writes - 1]
    after_epoch_one(*by_attempt[done[-1][0] :])
    again = train_member(job, tmp_path)
    assert again.attempt == 2
    assert_same(again, whole)


def test_a_finished_member_says_which_attempt_it_is(job, after_epoch_one, tmp_path):
    after_epoch_one(DEAD, ALIVE)
    training.train_members([job], folder=tmp_path, workers=1)
    path = member_path(job, tmp_path)
    assert read_member(path, job).attempt == 1
    assert not partial_path(path).exists()
    with pytest.raises(ValueError, match="attempts is 4, wanted"):
        read_member(path, replace(job, attempts=1))


def test_jobs_of_one_attempt_have_the_keys_that_they_had_before():
    [job] = random_init(1, 0, "cifar10")
    assert "attempts" not in to_json(job)
    assert member_path(job, "").name == "random-init-0-957bff604aba.npz"
    assert key_of(job)[:16] == "ee36e680ed295637"
    other = replace(job, attempts=2)
    assert '"attempts": 2' in to_json(other)
    assert member_path(other, Path()) != member_path(job, Path())


@pytest.mark.parametrize("seed", [0, 3, 2**64 - 1, 2**80])
def test_the_first_attempts_bits_are_those_of_the_seed_and_the_stream(seed):
    job = MemberJob("random-init", 0, seed, "mnist", "mnist-cnn", attempts=3)
    draws = [job.generator("training", a).random() for a in range(3)]
    assert draws[0] == np.random.default_rng([seed, 2]).random()
    assert draws[1] == np.random.default_rng([seed, 2, 1]).random()
    assert len({*draws}) == 3
