"""BPDA against derivatives, and EOT against draws by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import bpda, eot, loss_of, margin, model_loss, network, pgd, vjp_of
from minidl import Conv2D, ReLU, Sequential

LEVELS = 4


def rounded(x):
    return np.round(x * LEVELS) / LEVELS


def noise(sigma):
    """Return the loss of a network behind noise, from a generator."""

    def of(model):
        def make_loss(rng):
            noisy = lambda x: x + sigma * rng.standard_normal(x.shape)  # noqa: E731
            return loss_of(bpda(network(model), noisy))

        return make_loss

    return of


def test_forward_through_the_defence_backward_as_if_it_were_not_there(cnn, x, y):
    values, gradient = loss_of(bpda(network(cnn), rounded))(x, y)
    expected = model_loss(cnn)(rounded(x), y)
    assert_array_equal(values, expected[0])
    assert_array_equal(gradient, expected[1])
    assert abs(gradient).max() > 0


def test_with_its_own_derivative_it_is_the_chain_rule(cnn, x, y, rng):
    """t(x) = x^2 has the vjp 2 x g; central differences of the whole agree."""
    loss = loss_of(bpda(network(cnn), lambda x: x**2, lambda x, g: 2 * x * g), margin)
    direction, h = rng.standard_normal(x.shape), 1e-6
    slope = (loss(x + h * direction, y)[0] - loss(x - h * direction, y)[0]) / (2 * h)
    inner = (loss(x, y)[1] * direction).sum(axis=(1, 2, 3))
    assert_allclose(inner, slope, rtol=1e-6, atol=1e-8)


def test_a_network_of_images_can_be_the_replacement(cnn, x, y, rng):
    """Its own vjp is the chain rule through it; the vjp of several rows, row by row."""
    layers = [Conv2D(2, 3, 3, pad=1, rng=rng), ReLU(), Conv2D(3, 2, 3, pad=1, rng=rng)]
    decoder = Sequential(layers, (6, 6, 2)).astype(np.float64)
    vjp = vjp_of(network(decoder))
    loss = loss_of(bpda(network(cnn), decoder.forward, vjp))
    both = Sequential([decoder, *cnn.layers], (6, 6, 2))
    assert_allclose(loss(x, y)[1], model_loss(both)(x, y)[1], rtol=1e-9, atol=1e-15)
    rows = rng.standard_normal((2, *x.shape))
    assert_array_equal(vjp(x, rows), [vjp(x, row) for row in rows])


def test_a_defence_may_change_the_shape_if_its_replacement_changes_it_back(cnn, x, y):
    wide = np.repeat(x, 2, axis=1)
    loss = loss_of(
        bpda(network(cnn), lambda x: x[:, ::2], lambda x, g: np.repeat(g, 2, axis=1))
    )
    assert_array_equal(loss(wide, y)[1][:, ::2], model_loss(cnn)(x, y)[1])
    with pytest.raises(ValueError, match="defence must return an array of shape"):
        bpda(network(cnn), lambda x: x[:, ::2])(wide)


@pytest.mark.parametrize(
    ("defence", "backward", "error", "match"),
    [
        (lambda x: x * np.nan, None, ValueError, "defence must return finite numbers"),
        (lambda x: x[:1], None, ValueError, "defence must return an array of shape"),
        (lambda x: x[:1], lambda x, g: g, ValueError, "defence must return an array"),
        (lambda x: x, lambda x, g: g[:1], ValueError, "backward must return an array"),
        (lambda x: x.clip(0, 0.5, out=x), None, ValueError, "defence must leave its"),
    ],
)
def test_what_a_defence_may_return(cnn, x, y, defence, backward, error, match):
    with pytest.raises(error, match=match):
        loss_of(bpda(network(cnn), defence, backward))(x, y)


def test_types_stay_what_they_were(cnn, x):
    x = x.astype(np.float32)
    z, back = bpda(network(cnn.astype(np.float32)), lambda x: x * np.float64(0.5))(x)
    assert z.dtype == back(z).dtype == np.float32


def test_the_mean_is_that_of_the_same_draws_by_hand(cnn, x, y):
    """Each draw by hand, with a generator in the same state."""
    loss = eot(noise(0.2)(cnn), 5, np.random.default_rng(3))
    by_hand = np.random.default_rng(3)
    for _ in range(2):  # the second call draws anew
        draws = [
            model_loss(cnn)(x + 0.2 * by_hand.standard_normal(x.shape), y)
            for _ in range(5)
        ]
        values, gradient = loss(x, y)
        assert_allclose(values, np.mean([v for v, _ in draws], axis=0), rtol=1e-12)
        expected = np.mean([g for _, g in draws], axis=0)
        assert_allclose(gradient, expected, rtol=1e-12, atol=1e-15)


def test_a_defence_may_draw_once_for_a_loss(x, y):
    """In make_loss itself: each draw of the mean is a new loss."""

    def make_loss(rng):
        s = rng.random()
        return lambda x, y: (np.full(len(x), s), np.full_like(x, s))

    values, gradient = eot(make_loss, 4, np.random.default_rng(0))(x, y)
    expected = np.random.default_rng(0).random(4).mean()
    assert_allclose(values, expected, rtol=1e-12)
    assert_allclose(gradient, expected, rtol=1e-12)


def test_same_seed_same_bits_and_one_draw_of_no_chance_is_the_loss(cnn, x, y):
    attack = lambda seed: pgd(  # noqa: E731
        eot(noise(0.1)(cnn), 3, np.random.default_rng(seed)), x, y, 0.2, 0.05, 5
    )
    assert_array_equal(attack(0), attack(0))
    assert (attack(0) != attack(1)).any()
    plain = eot(lambda rng: model_loss(cnn), 1, np.random.default_rng(0))
    for found, expected in zip(plain(x, y), model_loss(cnn)(x, y), strict=True):
        assert_array_equal(found, expected)


def test_a_draw_that_is_no_loss_is_named(cnn, x, y):
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match="make_loss must be a function"):
        eot(lambda rng: 3, 2, rng)(x, y)
    with pytest.raises(ValueError, match="make_loss must return numbers, got NaN"):
        eot(lambda rng: lambda x, y: (y * np.nan, x * 0), 2, rng)(x, y)
