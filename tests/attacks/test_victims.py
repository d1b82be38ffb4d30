"""Forward passes and their backward passes, against differences and ensembles."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import (
    dlr,
    ensemble_loss,
    log_mean_probability,
    logits_of,
    loss_of,
    margin,
    mean_logits,
    mean_probability,
    model_loss,
    network,
    sum_gradient,
    vjp_of,
)
from attacks.forwards import log_mean, mean_of
from attacks.losses import cross_entropy
from ensembles import Ensemble
from tests.work_array import in_work_array

KINDS = {
    "network": lambda members: network(members[0]),
    "mean_logits": mean_logits,
    "mean_probability": mean_probability,
    "log_mean_probability": log_mean_probability,
}
EACH = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def forward(kind, members):
    return KINDS[kind](members)


def differences(function, x, rng, h=1e-6):
    """A direction, and the derivative of each image's values along it."""
    direction = rng.standard_normal(x.shape)
    up, down = function(x + h * direction), function(x - h * direction)
    return direction, (up - down) / (2 * h)


@EACH
def test_back_is_the_derivative(forward, kind, x, rng):
    dz = rng.standard_normal((8, 4))
    z, _ = forward(x)
    direction, slope = differences(lambda v: forward(v)[0], x, rng)
    found = (vjp_of(forward)(x, dz) * direction).sum(axis=(1, 2, 3))
    assert_allclose(found, (dz * slope).sum(axis=1), atol=1e-7)
    assert_array_equal(logits_of(forward)(x), z)


def in_work_arrays(forward):
    """A forward pass whose z, and whose gradients, are overwritten by its next ones."""

    def one_after_another(x):
        z, back = forward(x)
        return in_work_array(lambda: z)(), in_work_array(back)

    return one_after_another


def test_a_jacobians_rows_may_share_one_work_array(cnn, x):
    forward, dz = network(cnn), np.eye(4)[:, None].repeat(8, axis=1)
    found = vjp_of(in_work_arrays(forward))(x, dz)
    for row, dz_row in zip(found, dz, strict=True):
        assert_array_equal(row, forward(x)[1](dz_row))


@pytest.mark.parametrize("mean", [mean_of, log_mean])
def test_members_logits_may_share_one_work_array(members, x, rng, mean):
    forwards, dz = [network(member) for member in members], rng.random((8, 4))
    z, back = mean([in_work_arrays(forward) for forward in forwards])(x)
    expected_z, expected_back = mean(forwards)(x)
    assert_array_equal(z, expected_z)
    assert_array_equal(back(dz), expected_back(dz))


class Shifted:
    """A model of another class, around a network that others use, too."""

    def __init__(self, net, shift):
        self.net, self.shift = net, shift

    def forward(self, x):
        return self.net.forward(x + self.shift)

    def backward(self, dz, param_grads=True):
        return self.net.backward(dz, param_grads)


def test_models_around_one_network_keep_their_own_passes(cnn, x, y, rng):
    loss = ensemble_loss([Shifted(cnn, -0.9), Shifted(Shifted(cnn, 0.5), 0.4)])
    direction, slope = differences(lambda v: loss(v, y)[0], x, rng)
    assert_allclose((loss(x, y)[1] * direction).sum(axis=(1, 2, 3)), slope, atol=1e-7)


@EACH
def test_several_rows_at_once(forward, kind, x, rng):
    dz, vjp = rng.standard_normal((3, 8, 4)), vjp_of(forward)
    found = vjp(x, dz)
    assert found.shape == (3, *x.shape)
    for row, expected in zip(found, dz, strict=True):
        assert_allclose(row, vjp(x, expected), rtol=1e-12, atol=1e-14)


def test_values_are_those_of_what_is_predicted(members, x, y):
    rows = np.arange(8)
    p = Ensemble(members).predict_proba(x)
    z = logits_of(log_mean_probability(members))(x)
    assert_allclose(z, np.log(p), rtol=1e-10)
    assert_allclose(logits_of(mean_probability(members))(x), p, rtol=1e-10)
    assert_allclose(ensemble_loss(members)(x, y)[0], -np.log(p[rows, y]), rtol=1e-10)
    others = p.copy()
    others[rows, y] = 0
    ratio = np.log(others.max(axis=1) / p[rows, y])
    assert_allclose(ensemble_loss(members, margin)(x, y)[0], ratio, rtol=1e-9)
    together = np.mean([m.forward(x) for m in members], axis=0)
    assert_allclose(logits_of(mean_logits(members))(x), together, rtol=1e-12)
    values, _ = model_loss(members[0])(x, y)
    assert_allclose(values, -np.log(members[0].predict_proba(x)[rows, y]), rtol=1e-10)


@pytest.mark.parametrize("weights", [[0.9, 0.05, 0.05], [5, 0, 1], [1, 1, 1]])
def test_weights_are_the_ensembles(members, weights, x, y, rng):
    """The value is that of a weighted ensemble; the gradient is the value's."""
    own = Ensemble(members[:3], weights)
    p_y = own.predict_proba(x)[np.arange(8), y]
    loss = ensemble_loss(own.members, weights=own.weights)
    assert_allclose(loss(x, y)[0], -np.log(p_y), rtol=1e-10)
    direction, slope = differences(lambda v: loss(v, y)[0], x, rng)
    found = (loss(x, y)[1] * direction).sum(axis=(1, 2, 3))
    assert_allclose(found, slope, atol=1e-6)


def test_sure_members_have_a_slope_in_single_precision(members, x, y):
    """Probabilities round to 1 and to 0, but margins and gradients don't."""
    for i, member in enumerate(members):
        member.params[-1].data[:] = 0
        member.params[-1].data[y[0]] = 120 + 10 * i
    sure = [member.astype(np.float32) for member in members]
    one, label = x[:1], y[:1]
    assert Ensemble(sure).predict_proba(one.astype(np.float32)).max() == 1
    for loss in (margin, dlr):
        values, found = ensemble_loss(sure, loss)(one.astype(np.float32), label)
        exact, expected = ensemble_loss(members, loss)(one, label)
        assert abs(expected).max() > 0
        assert_allclose(values, exact, rtol=1e-4)
        assert_allclose(found, expected, atol=1e-3 * abs(expected).max())


@EACH
def test_weights_and_their_gradients_are_left_alone(forward, kind, members, x, y):
    before = [(p.data.copy(), p.grad.copy()) for m in members for p in m.params]
    loss_of(forward)(x, y)
    after = [(p.data, p.grad) for m in members for p in m.params]
    for old, new in zip(before, after, strict=True):
        assert_array_equal(old[0], new[0])
        assert_array_equal(old[1], new[1])


@EACH
def test_labels_beyond_the_classes_are_refused(forward, kind, x, y):
    for loss in (cross_entropy, lambda z, y: (z[:, 0], z)):
        with pytest.raises(ValueError, match="y must be 0 to 3"):
            loss_of(forward, loss)(x, y + 4)


@pytest.mark.parametrize("answer", [lambda x: x, lambda x: (x, None), lambda x: None])
def test_a_users_forward_pass_must_return_back(x, y, answer):
    for use in (
        lambda: loss_of(answer)(x, y),
        lambda: logits_of(answer)(x),
        lambda: vjp_of(answer)(x, np.zeros((8, 4))),
    ):
        with pytest.raises(TypeError, match=r"^forward must return logits and a back"):
            use()


@pytest.mark.parametrize("use", [network, model_loss, sum_gradient, ensemble_loss])
def test_a_classifier_without_a_gradient_is_named(cnn, use):
    one = use in (network, model_loss)
    name = "model" if one else r"members\[1\]"
    message = rf"^{name} must be a network with a backward pass, .* or use square"
    scores = SimpleNamespace(predict_proba=cnn.predict_proba)
    with pytest.raises(TypeError, match=message):
        use(scores if one else [cnn, scores])
