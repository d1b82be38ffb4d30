"""Planted faults are named; a healthy attack passes; each number is what it says."""

import copy
from itertools import count
from types import SimpleNamespace

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
from attacks.diagnosis.subject import Finding
from ensembles import Ensemble
from minidl import Adam, Dropout, Flatten, Linear, ReLU, Sequential, train
from minidl.losses import cross_entropy

EPS = 0.3
CENTRES = np.random.default_rng(1).random((10, 8, 8, 1)).round()


def draw(rng, N):
    """Images of ten classes: a pattern of black and white each, and much noise."""
    y = rng.integers(10, size=N)
    x = 0.5 * CENTRES[y] + 0.5 * rng.random((N, 8, 8, 1))
    return x.astype(np.float32), y


@pytest.fixture(scope="module")
def data():
    return draw(np.random.default_rng(2), 60)


@pytest.fixture(scope="module")
def model():
    """A small network that classifies all images correctly, and isn't too sure."""
    rng = np.random.default_rng(0)
    layers = [Flatten(), Linear(64, 48, rng=rng), ReLU(), Dropout(0.5)]
    model = Sequential([*layers, Linear(48, 10, rng=rng)], (8, 8, 1))
    train(model, *draw(rng, 1000), Adam(model.params, 0.01), 3, 32, rng)
    return model


@pytest.fixture(scope="module")
def sure(model):
    """The same network with logits four times as large."""
    twin = copy.deepcopy(model)
    for p in twin.params[-2:]:
        p.data *= 4
    return twin


def failures(findings):
    return [finding.name for finding in findings if finding.failed]


def diagnosed(model, data, gradient=None, attack=None, **settings):
    """Return the names of the checks that fail, of all thirteen."""
    gradient = gradient or model_gradient(model)
    settings = {"eps": EPS, "attack": attack} | settings
    findings = diagnose(model.predict_proba, gradient, *data, **settings)
    assert len(findings) == 13
    return failures(findings)


@pytest.mark.parametrize("eps", [0.25, 0.3])
def test_a_healthy_attack_passes(model, data, eps):
    """An eps of a quarter is exact in float16, which must not look like a fault."""
    assert diagnosed(model, data, eps=eps) == []


def test_a_confident_network_passes(sure, data):
    """Its gradients are tiny, but J of the logits gives them a direction."""
    assert diagnosed(sure, data) == []


def test_the_ensembles_own_gradient_passes(model, sure, data):
    members = [model, sure]
    gradient = mean_probability_gradient(members)
    assert diagnosed(Ensemble(members), data, gradient) == []


def test_a_report_names_the_first_failure():
    fine = Finding("one", 0.5, "part of what", 0.5, "Why.", "What to do.")
    assert report([fine]) == (
        "ok    one: 0.5 (part of what, at most 0.5)\nnothing wrong was found"
    )
    failed = Finding("two", 0.1, "part of that", 0.5, "Why.", "What to do.", True)
    assert report([fine, failed]).splitlines()[1:] == [
        "FAIL  two: 0.1 (part of that, at least 0.5)",
        "      Why.",
        "      What to do.",
        "look first at: two",
    ]
    assert Finding("three", np.nan, "", 1, "", "").failed  # a NaN is too much


def clipped(model):
    """The gradient of -log(clip(p_y, 1e-7, 1 - 1e-7))."""

    def gradient(x, y):
        p = model.predict_proba(x)
        p_y = p[np.arange(len(y)), y]
        _, dz = cross_entropy(model.forward(x), y)
        dz[(p_y < 1e-7) | (p_y > 1 - 1e-7)] = 0
        return model.backward(dz, param_grads=False)

    return gradient


def dropped(model, new_rng):
    """In training mode: its masks are those that new_rng() gives."""

    def gradient(x, y):
        z = model.forward(x, new_rng())
        return model.backward(cross_entropy(z, y)[1], param_grads=False)

    return gradient


def changed(model, change):
    gradient = model_gradient(model)
    return lambda x, y: change(gradient(x, y))


FIVE = np.random.default_rng(5)
FAULTS = [  # the first finding, and what the gradient is instead
    ("masked gradient", clipped),
    ("masked gradient", lambda m: changed(m, with_nan)),
    ("another gradient", lambda m: dropped(m, lambda: np.random.default_rng(5))),
    ("random gradient", lambda m: dropped(m, lambda: FIVE)),
    ("wrong sign", lambda m: changed(m, np.negative)),
    ("wrong sign", lambda m: lambda x, y: model_gradient(m)(x, (y + 1) % 10)),
    ("float16", lambda m: changed(m, rounded)),
]


def rounded(a):
    return a.astype(np.float16).astype(np.float32)


def with_nan(g):
    g[:, 4] = np.nan
    return g


@pytest.mark.parametrize(("name", "fault"), FAULTS)
def test_a_planted_fault_is_named_first(sure, data, name, fault):
    assert diagnosed(sure, data, fault(sure))[0] == name


def walk(clip):
    """BIM by hand, with a clip that may be forgotten."""

    def attack(gradient, x, y, eps):
        x_adv = x
        for _ in range(10):
            step = np.float32(eps / 4) * np.sign(gradient(x_adv, y))
            x_adv = clip(x_adv + step, x, eps)
        return x_adv

    return attack


right = walk(lambda x_adv, x, eps: clip_to_ball(x_adv, x, eps).clip(0, 1))


@pytest.mark.parametrize(
    "clip",
    [
        lambda x_adv, x, eps: x_adv.clip(0, 1),  # not to the ball
        clip_to_ball,  # not to the range
    ],
)
def test_a_forgotten_clip_is_named(model, data, clip):
    assert diagnosed(model, data, attack=walk(clip)) == ["forgotten clip"]


def test_half_precision_anywhere(model, data):
    """Of probabilities, or of images."""
    scores = SimpleNamespace(predict_proba=lambda x: rounded(model.predict_proba(x)))
    assert diagnosed(scores, data, model_gradient(model))[0] == "float16"
    images = lambda g, x, y, eps: rounded(right(g, x, y, 0.99 * eps))  # noqa: E731
    assert diagnosed(model, data, attack=images) == ["float16"]


@pytest.mark.parametrize("voters", [1, 4, 128])
def test_probabilities_that_do_not_change(model, data, voters):
    """All votes but one are for the model's class; float16 holds such fractions."""

    def votes(x):
        one_hot, own = np.eye(10, dtype=np.float32), model.predict(x)
        astray = np.float32(1 / voters if voters > 1 else 0)
        return (1 - astray) * one_hot[own] + astray * one_hot[own - 1]

    model_of_votes = SimpleNamespace(predict_proba=votes)
    for gradient in (model_gradient(model), lambda x, y: np.zeros_like(x)):
        found = diagnosed(model_of_votes, data, gradient)
        assert found[0] == "saturated scores"
        assert "masked gradient" not in found  # there is no gradient behind it


def test_steps_too_small_to_get_anywhere(model, data):
    """FGSM does better, and a larger ball doesn't help, with the right gradient."""
    crawl = lambda g, x, y, eps: right(g, x, y, 0.001)  # noqa: E731
    assert {
        "one step beats many",
        "survives without bounds",
        "black box beats white box",
    } <= {*diagnosed(model, data, attack=crawl)}


def test_an_attack_that_gives_up_as_eps_grows(model, data):
    fades = lambda g, x, y, eps: right(g, x, y, eps * (eps <= EPS))  # noqa: E731
    assert "accuracy rises with eps" in diagnosed(model, data, attack=fades)


def test_a_classifier_with_holes_that_only_chance_finds():
    """It is wrong for a tenth of the first pixel's values, unknown to the gradient."""

    def predict_proba(x):
        hole = np.floor(x[:, 0, 0, 0] * 1e4) % 10 == 0
        p = np.where(hole, 0.4, 0.9 + 0.01 * x.reshape(len(x), -1).mean(axis=1))
        return np.stack([p, 1 - p], axis=1)

    x, y = np.random.default_rng(0).random((60, 3, 3, 1)), np.zeros(60, int)
    findings = diagnose(predict_proba, lambda x, y: -np.ones_like(x), x, y, 0.1)
    [found] = [f for f in findings if f.name == "restarts still gain"]
    assert found.failed
    assert 0.02 < found.value < 0.2


@pytest.mark.parametrize("bounds", [None, (0, 1), (-0.25, 1.25)])
def test_the_symptoms_numbers_are_those_of_the_attack_at_each_radius(
    model, data, bounds
):
    """With an attack that fools ever fewer images; its steps ignore the bounds."""
    x, y = data
    kept, radii = np.arange(len(x)) % 7, []

    def attack(gradient, x, y, eps):
        radii.append(round(eps, 6))
        spoilt = kept[: len(x)] >= 2 + 4 * eps  # fewer, the larger eps is
        return np.where(spoilt[:, None, None, None], 2 - 3 * x, x)

    findings = diagnose(
        model.predict_proba, model_gradient(model), x, y, EPS, attack, bounds
    )
    found = {finding.name: finding for finding in findings}
    low, high = bounds or (0, 1)
    assert {*radii} == {EPS / 4, EPS / 2, EPS, 2 * EPS, high - low}

    def accuracy(eps):
        x_adv = attack(None, x, y, eps)
        x_adv = x_adv if bounds is None else x_adv.clip(*bounds)
        return (model.predict(x_adv) == y).mean()

    at = [accuracy(part * EPS) for part in (0.25, 0.5, 1, 2)]
    once = x + np.float32(EPS) * np.sign(model_gradient(model)(x, y))
    once = once if bounds is None else once.clip(*bounds)
    under = {
        "accuracy rises with eps": max(np.diff(at)),
        "survives without bounds": accuracy(high - low),
        "one step beats many": at[2] - (model.predict(once) == y).mean(),
    }
    for name, value in under.items():
        assert found[name].value == pytest.approx(value), name
        assert found[name].failed
    assert found["survives without bounds"].limit == pytest.approx(0.1 + 0.02)


def test_images_that_cannot_be_diagnosed_are_refused(model, data):
    x, y = data
    for change, message in (
        ({"eps": 0.0}, "eps must be above 0"),
        ({"y": (model.predict(x) + 1) % 10}, "all images are misclassified"),
        ({"y": np.where(y == 1, 99, y)}, "y must be 0 to 9, got 0 to 99"),
        ({"bounds": (0, np.inf)}, r"bounds must be \(low, high\), both finite"),
    ):
        good = {"x": x, "y": y, "eps": EPS}
        with pytest.raises(ValueError, match=message):
            diagnose(model.predict_proba, model_gradient(model), **good | change)


def relabelled(model):
    """A gradient function that takes its label from the model's prediction."""
    own = model_gradient(model)
    return lambda x, y: own(x, model.predict(x))


def relabelling(model):
    """BIM, whose labels are predicted at each step."""

    def attack(gradient, x, y, eps):
        return right(lambda x_i, _: gradient(x_i, model.predict(x_i)), x, y, eps)

    return attack


@pytest.mark.parametrize("where", ["gradient", "attack"])
def test_a_label_that_changes_between_steps_is_named_first(model, data, where):
    """Both are the same attack, which undoes its own steps."""
    faults = {
        "gradient": {"gradient": relabelled(model)},
        "attack": {"attack": relabelling(model)},
    }
    found = diagnosed(model, data, **faults[where])
    assert found[0] == "changing label"
    assert "one step beats many" in found


def test_labels_that_stay_pass(model, data):
    """The first prediction, kept; images in parts; restarts; y known beforehand."""
    own = model_gradient(model)

    def first(gradient, x, y, eps):
        return right(gradient, x, model.predict(x), eps)

    def in_parts(gradient, x, y, eps):
        parts = np.array_split(np.arange(len(x))[::-1], 3)
        done = np.empty_like(x)
        for i in parts:
            done[i] = right(gradient, x[i], y[i], eps)
        return done

    def twice(gradient, x, y, eps):
        right(gradient, x, y, eps)
        return right(gradient, x, y, eps)

    for attack in (first, in_parts, twice):
        assert diagnosed(model, data, attack=attack) == []
    y = data[1][model.predict(data[0]) == data[1]]
    assert diagnosed(model, data, lambda x, _: own(x, y[: len(x)])) == []


def test_the_part_of_the_images_whose_label_changes_is_counted(model, data):
    """At the third step a quarter of them get another label, once."""

    def attack(gradient, x, y, eps):
        calls = count()

        def slips(x_i, y):
            wrong = (next(calls) == 2) & (np.arange(len(y)) % 4 == 0)
            return gradient(x_i, np.where(wrong, (y + 1) % 10, y))

        return right(slips, x, y, eps)

    findings = diagnose(model.predict_proba, model_gradient(model), *data, EPS, attack)
    [found] = [f for f in findings if f.name == "changing label"]
    N = (model.predict(data[0]) == data[1]).sum()
    assert found.value == pytest.approx(np.ceil(N / 4) / N)


def test_images_of_one_class_pass_the_check_of_labels(model, data):
    x, y = data
    alone = x[y == 3], y[y == 3]
    assert "changing label" not in diagnosed(model, alone)


def test_an_attack_in_place_is_compared_with_what_it_got(model, data):
    x, y = data[0].copy(), data[1].copy()

    def far(gradient, x, y, eps):
        x += np.float32(0.9)
        return x.clip(0, 1, out=x)

    assert "forgotten clip" in diagnosed(model, (x, y), attack=far)
    assert_array_equal(x, data[0])


@pytest.mark.parametrize("bounds", [(0.25, 0.75), np.array([0.25, 0.75])])
def test_the_default_attack_keeps_other_bounds(model, data, bounds):
    x, y = data[0].clip(0.25, 0.75), data[1]
    assert "forgotten clip" not in diagnosed(model, (x, y), bounds=bounds)
