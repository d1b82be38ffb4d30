"""The page's engine against minidl in float64, with the same weights."""

import numpy as np
import pytest

from attacks import (
    bim,
    mean_probability_gradient,
    member_gradient,
    model_gradient,
    sum_gradient,
)
from attacks.evaluation.intervals import wilson
from ensembles import Ensemble
from minidl import accuracy, kernels
from minidl.data import load_mnist_sample
from minidl.losses import cross_entropy
from tests.oracles import assert_close
from tutorials.playground import committee, image, images, rounded

EPS, STEPS = 0.2, 8
CLOSE = 1e-9  # both are float64


@pytest.fixture(scope="module")
def networks():
    return committee("plain") + committee("noise")


@pytest.fixture(scope="module")
def noisy():
    """Digits with a little noise: on a constant background rounding decides ties."""
    x, y = images()
    return 0.9 * x + np.random.default_rng(0).uniform(0, 0.1, x.shape), y


def test_logits_and_gradients_of_all_networks(engine, networks, noisy):
    x, y = noisy
    for i, network in enumerate(networks):
        one, label = x[i : i + 1], y[i : i + 1]
        found = engine(
            "([i, x, y]) => { const net = nets[i];"
            "return [[...engine.forward(net, x)], [...engine.cost(net, x, y).dx],"
            "engine.cost(net, x, y).J] }",
            [i, one.ravel().tolist(), int(label[0])],
        )
        z, dx, J = map(np.array, found)
        expected = model_gradient(network)(one, label).ravel()
        assert abs(z - network.forward(one)).max() < 1e-4
        assert abs(dx - expected).max() < 1e-4 * abs(expected).max()
        assert_close(J, cross_entropy(network.forward(one), label)[0][0], CLOSE)


@pytest.mark.parametrize(
    ("whose", "rule"),
    [("sum", sum_gradient), ("own", mean_probability_gradient), (3, member_gradient)],
)
def test_bim_takes_the_same_steps(engine, networks, noisy, whose, rule):
    team, (x, y), n = networks[:10], noisy, 13
    gradient = rule(team, 3) if rule is member_gradient else rule(team)
    with kernels.use("reference"):  # where a gradient is 0, Winograd's is rounding
        expected = bim(gradient, x[n : n + 1], y[n : n + 1], EPS, EPS / 4, STEPS)
    found = engine(
        "([x, y, whose, eps, steps]) => { const team = whose === 3 ? [nets[3]] :"
        "nets.slice(0, 10); x = Float64Array.from(x);"
        "return [...engine.bim((v) => engine.gradient(team, v, y, whose, 1), x,"
        "eps, eps / 4, steps)[steps]] }",
        [x[n].ravel().tolist(), int(y[n]), whose, EPS, STEPS],
    )
    same = abs(np.array(found) - expected.ravel()) < 1e-9
    assert same.mean() >= 0.95


POOL = """(a) => { const out = new Float64Array(12 * 12 * 8);
const where = new Int32Array(out.length); engine.maxPool(a, out, where);
return [[...out], [...where]] }"""


@pytest.mark.parametrize("shades", [1, 2, 3])  # of 1 a window is constant
def test_the_first_of_equals_wins_in_pooling(engine, shades):
    a = np.random.default_rng(1).integers(shades, size=(1, 24, 24, 8)) + 0.5
    out, where = engine(POOL, a.ravel().tolist())
    expected, argmax = kernels.max_pool(a, 2, 2)
    assert out == expected.ravel().tolist()
    pixel = np.array(where) // 8
    in_window = pixel // 24 % 2 * 2 + pixel % 2
    assert in_window.tolist() == argmax.ravel().tolist()
    assert (np.array(where) % 8 == np.tile(np.arange(8), 144)).all()


@pytest.mark.slow
def test_real_digits_fall_as_often_and_stay_in_the_ball(engine, networks):
    data, team = load_mnist_sample(), networks[8:11]
    x, y = data.x_test[:200] / 255, data.y_test[:200]
    x_adv = bim(sum_gradient(team), x, y, EPS, EPS / STEPS, STEPS)
    ours = accuracy(Ensemble(team), x_adv, y)
    found = engine(
        "([all, y, eps, steps]) => { const team = nets.slice(8, 11);"
        "return all.map((x, n) => { x = Float64Array.from(x); const end = engine.bim("
        "(v) => engine.gradient(team, v, y[n], 'sum', 1), x, eps, eps / steps, steps)"
        "[steps]; return [engine.see(team, end, 1), [...end]] }) }",
        [x.reshape(200, -1).tolist(), y.tolist(), EPS, STEPS],
    )
    seen, ends = (np.array(part) for part in zip(*found, strict=True))
    assert abs((seen == y).mean() - ours) <= 0.02
    assert 0 <= ends.min() <= ends.max() <= 1
    assert abs(ends - x.reshape(200, -1)).max() <= EPS + 1e-12


def test_saved_images_have_the_same_shades(engine):
    x = image(5)
    noise = np.random.default_rng(2).choice([-0.1, 0.03, 0.1], x.shape)
    x_adv = np.clip(x + noise, 0, 1)
    found = engine(
        "([a, x]) => engine.rounded(a, x, 0.1)",
        [x_adv.ravel().tolist(), x.ravel().tolist()],
    )
    assert_close(np.array(found), rounded(x_adv, x, 0.1).ravel(), CLOSE)


def test_intervals_are_wilsons(engine):
    for right, n in (0, 40), (7, 40), (40, 40), (123, 1000):
        found = engine("([right, n]) => engine.wilson(right, n)", [right, n])
        assert_close(np.array(found), np.array(wilson(right / n, n)[1:]), 1e-12)


def test_the_numbers_inside_are_those_of_the_layers(engine, networks, noisy):
    """Each layer's output and its gradient, by minidl's layers one by one."""
    (x, y), network = noisy, networks[4]
    values, a = [x[:1]], x[:1]
    for layer in network.layers:
        values.append(a := layer.forward(a))
    g = cross_entropy(a, y[:1])[1]
    slopes = [g]
    for layer in reversed(network.layers):
        slopes.append(g := layer.backward(g))
    slopes.reverse()
    shown = engine(
        "([x, y]) => engine.inside(nets[4], Float64Array.from(x), y, 1)"
        ".map(({ values, slopes }) => [[...values], [...slopes]])",
        [x[0].ravel().tolist(), int(y[0])],
    )
    for place, (value, slope) in zip((0, 2, 4, 5, 8, 10), shown, strict=True):
        assert_close(np.array(value), values[place].ravel(), CLOSE)
        mask = 1 if place in (0, 10) else values[place].ravel() > 0  # behind a ReLU
        assert_close(np.array(slope) * mask, slopes[place].ravel() * mask, CLOSE)


def test_a_drawing_is_centred_as_mnists_digits_are(engine):
    drawing = np.zeros((224, 224))
    drawing[20:180, 30:60] = 1  # a bar with a foot, in a corner
    drawing[160:180, 30:110] = 1
    found = engine("(d) => [...engine.centred(d, 224)]", drawing.ravel().tolist())
    x = np.array(found).reshape(28, 28)
    rows, columns = (np.flatnonzero(x.sum(axis=axis) > 0.05) for axis in (1, 0))
    assert rows.size in (20, 21)  # the longer side; half pixels at both ends
    assert columns.size in (10, 11)
    middle = np.arange(28) + 0.5
    centre = [(x.sum(axis=axis) * middle).sum() / x.sum() for axis in (1, 0)]
    assert_close(np.array(centre), np.array([14.0, 14.0]), 0.02)
    blank = engine("() => [...engine.centred(new Float64Array(224 * 224), 224)]")
    assert not np.any(blank)
