"""Planted faults are named; a healthy attack passes; each number is what it says."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from attacks import (
    clip_to_ball,
    diagnose,
    mean_probability_gradient,
    model_gradient,
    report,
)
from attacks.losses import cross_entropy
from ensembles import Ensemble
from minidl import Adam, mnist_cnn, train
from minidl.data import load_dataset

EPS = 0.3


@pytest.fixture(scope="module")
def data():
    data = load_dataset("mnist-sample")
    return (data.x_test[:60] / 255).astype(np.float32), data.y_test[:60]


@pytest.fixture(scope="module")
def model():
    data, rng = load_dataset("mnist-sample"), np.random.default_rng(0)
    model = mnist_cnn(rng)
    train(model, data.x_train, data.y_train, Adam(model.params), 4, 32, rng)
    return model


@pytest.fixture(scope="module")
def sure(model):
    """The same network with logits three times as large: never in doubt."""
    twin = mnist_cnn(np.random.default_rng(0))
    for p, q in zip(twin.params, model.params, strict=True):
        p.data[:] = q.data
    for p in twin.params[-2:]:
        p.data *= 3
    return twin


def failures(findings):
    return [finding.name for finding in findings if finding.failed]


def test_a_healthy_attack_passes(model, data):
    findings = diagnose(model.predict_proba, model_gradient(model), *data, EPS)
    assert failures(findings) == []
    assert report(findings).endswith("nothing wrong was found")
    assert len(findings) == 12


def test_a_sure_network_is_no_fault(sure, data):
    """Its gradients are tiny, but have a direction: J is taken from the logits."""
    assert not failures(diagnose(sure.predict_proba, model_gradient(sure), *data, EPS))


def test_the_ensembles_own_gradient_passes(model, sure, data):
    members = [model, sure]
    gradient = mean_probability_gradient(members)
    predict_proba = Ensemble(members).predict_proba
    assert not failures(diagnose(predict_proba, gradient, *data, EPS))


def clipped(model):
    """The gradient of -log(clip(p_y, 1e-7, 1 - 1e-7))."""

    def gradient(x, y):
        p = model.predict_proba(x)
        p_y = p[np.arange(len(y)), y]
        _, dz = cross_entropy(model.forward(x), y)
        dz[(p_y < 1e-7) | (p_y > 1 - 1e-7)] = 0
        return model.backward(dz, param_grads=False)

    return gradient


def stale(model):
    """Dropout's mask of training, again and again."""

    def gradient(x, y):
        z = model.forward(x, np.random.default_rng(5))
        return model.backward(cross_entropy(z, y)[1], param_grads=False)

    return gradient


def random_dropout(model):
    rng = np.random.default_rng(5)

    def gradient(x, y):
        z = model.forward(x, rng)
        return model.backward(cross_entropy(z, y)[1], param_grads=False)

    return gradient


def downhill(model):
    gradient = model_gradient(model)
    return lambda x, y: -gradient(x, y)


def rounded(model):
    gradient = model_gradient(model)
    return lambda x, y: gradient(x, y).astype(np.float16).astype(np.float32)


def of_another_label(model):
    gradient = model_gradient(model)
    return lambda x, y: gradient(x, (y + 1) % 10)


@pytest.mark.parametrize(
    ("plant", "name"),
    [
        (clipped, "masked gradient"),
        (stale, "another gradient"),
        (random_dropout, "random gradient"),
        (downhill, "wrong sign"),
        (rounded, "float16"),
        (of_another_label, "wrong sign"),
    ],
)
def test_a_planted_fault_is_named_first(sure, data, plant, name):
    findings = diagnose(sure.predict_proba, plant(sure), *data, EPS)
    assert failures(findings)[0] == name
    assert report(findings).endswith(f"look first at: {name}")


def walk(clip):
    def attack(gradient, x, y, eps):
        x_adv = x
        for _ in range(10):
            step = np.float32(eps / 4) * np.sign(gradient(x_adv, y))
            x_adv = clip(x_adv + step, x, eps)
        return x_adv

    return attack


@pytest.mark.parametrize(
    "clip",
    [
        lambda x_adv, x, eps: x_adv.clip(0, 1),  # not to the ball
        clip_to_ball,  # not to the range
    ],
)
def test_a_forgotten_clip_is_named(model, data, clip):
    findings = diagnose(
        model.predict_proba, model_gradient(model), *data, EPS, walk(clip)
    )
    assert failures(findings) == ["forgotten clip"]


def test_half_precision_anywhere(model, data):
    def probabilities(x):
        return model.predict_proba(x).astype(np.float16).astype(np.float32)

    findings = diagnose(probabilities, model_gradient(model), *data, EPS)
    assert failures(findings)[0] == "float16"


def test_probabilities_that_stand_still(model, data):
    def one_hot(x):
        return np.eye(10, dtype=np.float32)[model.predict(x)]

    findings = diagnose(one_hot, model_gradient(model), *data, EPS)
    assert "saturated scores" in failures(findings)


def test_steps_too_small_to_get_anywhere(model, data):
    """FGSM does better, and no room helps: symptoms without a wrong gradient."""

    def crawl(gradient, x, y, eps):
        return walk(clip_to_ball)(gradient, x, y, 0.001).clip(0, 1)

    findings = diagnose(model.predict_proba, model_gradient(model), *data, EPS, crawl)
    assert {"one step beats many", "survives without bounds"} <= set(failures(findings))
    assert "black box beats white box" in failures(findings)


def test_a_classifier_with_holes_that_only_chance_finds():
    """In a tenth of all first pixels' values it is wrong; the gradient doesn't know."""

    def predict_proba(x):
        hole = np.floor(x[:, 0, 0, 0] * 1e4) % 10 == 0
        p = np.where(hole, 0.4, 0.9 + 0.01 * x.reshape(len(x), -1).mean(axis=1))
        return np.stack([p, 1 - p], axis=1)

    x, y = np.random.default_rng(0).random((60, 3, 3, 1)), np.zeros(60, int)
    findings = diagnose(predict_proba, lambda x, y: -np.ones_like(x), x, y, 0.1)
    [found] = [f for f in findings if f.name == "restarts still gain"]
    assert found.failed
    assert 0.02 < found.value < 0.2


def test_an_attack_that_gives_up_as_eps_grows(model, data):
    def fades(gradient, x, y, eps):
        return walk(clip_to_ball)(gradient, x, y, eps if eps <= EPS else 0).clip(0, 1)

    findings = diagnose(model.predict_proba, model_gradient(model), *data, EPS, fades)
    assert "accuracy rises with eps" in failures(findings)


def test_bad_arguments(model, data):
    x, y = data
    gradient = model_gradient(model)
    with pytest.raises(ValueError, match="eps must be above 0"):
        diagnose(model.predict_proba, gradient, x, y, 0.0)
    with pytest.raises(ValueError, match="all images are misread"):
        diagnose(model.predict_proba, gradient, x, (model.predict(x) + 1) % 10, EPS)
    with pytest.raises(ValueError, match="x must lie in"):
        diagnose(model.predict_proba, gradient, x + 1, y, EPS)
    with pytest.raises(ValueError, match="y must be 0 to 9, got 0 to 99"):
        diagnose(model.predict_proba, gradient, x, np.where(y == 1, 99, y), EPS)
    with pytest.raises(ValueError, match="seed must be at least 0"):
        diagnose(model.predict_proba, gradient, x, y, EPS, seed=-1)


@pytest.mark.parametrize("eps", [0.25, 0.3])
def test_round_numbers_are_not_half_precision(model, data, eps):
    """A quarter is exact in float16, and so is a black pixel plus a quarter."""
    findings = diagnose(model.predict_proba, model_gradient(model), *data, eps)
    assert failures(findings) == []


def test_images_in_half_precision(model, data):
    def rounds(gradient, x, y, eps):
        x_adv = walk(clip_to_ball)(gradient, x, y, 0.99 * eps).clip(0, 1)
        return x_adv.astype(np.float16).astype(np.float32)

    findings = diagnose(model.predict_proba, model_gradient(model), *data, EPS, rounds)
    assert failures(findings) == ["float16"]


def test_an_attack_in_place_is_compared_with_what_it_got(model, data):
    x, y = data[0].copy(), data[1].copy()

    def far(gradient, x, y, eps):
        x += np.float32(0.9)
        return x.clip(0, 1, out=x)

    findings = diagnose(model.predict_proba, model_gradient(model), x, y, EPS, far)
    assert "forgotten clip" in failures(findings)
    assert_array_equal(x, data[0])


@pytest.mark.parametrize("bounds", [(0.25, 0.75), np.array([0.25, 0.75])])
def test_the_default_attack_keeps_other_bounds(model, data, bounds):
    x, y = data[0].clip(0.25, 0.75), data[1]
    findings = diagnose(
        model.predict_proba, model_gradient(model), x, y, EPS, bounds=bounds
    )
    assert "forgotten clip" not in failures(findings)


def test_random_directions_need_finite_bounds(model, data):
    with pytest.raises(ValueError, match=r"bounds must be \(low, high\), both finite"):
        diagnose(
            model.predict_proba,
            model_gradient(model),
            *data,
            EPS,
            bounds=(0, np.inf),
        )


def test_a_gradient_that_is_no_number_is_not_random(model, data):
    gradient = model_gradient(model)

    def broken(x, y):
        g = gradient(x, y)
        g[:, 14] = np.nan
        return g

    findings = diagnose(model.predict_proba, broken, *data, EPS)
    assert failures(findings)[0] == "masked gradient"
