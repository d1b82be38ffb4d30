"""A substitute: how many queries it takes, of which images, and what it learns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import fgsm, model_gradient, train_substitute
from attacks.substitute import neighbours
from minidl import Flatten, Linear, ReLU, Sequential
from tests.attacks.conftest import LinearVictim, Recorded
from tests.oracles import differences


def new_model(seed=0):
    rng = np.random.default_rng(seed)
    layers = [Flatten(), Linear(72, 16, rng=rng), ReLU(), Linear(16, 4, rng=rng)]
    return Sequential(layers, (6, 6, 2)).astype(np.float64)


@pytest.fixture
def victim():
    return LinearVictim(images=40)


@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_each_round_doubles_the_questions(victim, rounds):
    predict = Recorded(victim.model.predict)
    rng = np.random.default_rng(0)
    model = new_model()
    found = train_substitute(predict, model, victim.x, rng, rounds, epochs=1)
    assert found is model
    assert sum(map(len, predict.seen)) == 40 * 2 ** (rounds - 1)
    assert_array_equal(predict.seen[0], victim.x)


def test_new_questions_are_a_step_away(victim):
    """x + step sign(dF_k/dx): towards the class k that the victim answered."""
    model, y, h = new_model(), victim.y, 1e-6
    new = neighbours(model, victim.x, y, 0.1)
    assert_allclose(abs(new - victim.x), 0.1, atol=1e-9)
    rows = np.arange(40)
    up, down = (model.forward(victim.x + s * (new - victim.x)) for s in (h, -h))
    slope = (up - down)[rows, y] / (2 * h)
    steepest = differences(lambda: model.forward(victim.x)[rows, y].sum(), victim.x)
    best = abs(steepest).sum(axis=(1, 2, 3))
    assert_allclose(slope, 0.1 * best, rtol=1e-5)


def test_questions_stay_within_the_range_of_pixels(victim):
    predict = Recorded(victim.model.predict)
    rng = np.random.default_rng(0)
    train_substitute(predict, new_model(), victim.x.round(), rng, 2, 0.3, epochs=1)
    assert predict.seen[1].min() >= 0
    assert predict.seen[1].max() <= 1


def test_a_victim_with_more_classes_is_named(victim):
    with pytest.raises(
        ValueError, match=r"^what predict returns must be 0 to 3, got 4"
    ):
        train_substitute(
            lambda x: np.full(len(x), 4),
            new_model(),
            victim.x,
            np.random.default_rng(0),
        )


def test_it_learns_to_agree_and_to_attack(victim):
    """On new images, of which noise of the same size fools few."""
    x = np.random.default_rng(8).random((60, 6, 6, 2))
    other = np.random.default_rng(9).random((200, 6, 6, 2))
    predict, model, rng = victim.model.predict, new_model(), np.random.default_rng(0)
    victim.model.params[1].data[:] = 0
    answers = predict(other)
    assert (model.predict(other) == answers).mean() < 0.4
    train_substitute(predict, model, x, rng, 5, epochs=15)
    assert (model.predict(other) == answers).mean() > 0.7
    x_adv = fgsm(model_gradient(model), other, answers, 0.1)
    noise = (other + 0.1 * rng.choice([-1, 1], other.shape)).clip(0, 1)
    assert (predict(x_adv) != answers).mean() > 0.5
    assert (predict(noise) != answers).mean() < 0.2
