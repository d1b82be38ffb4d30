"""Attacks that seek the nearest image, beside Foolbox's and ART's.

DeepFool takes Foolbox's steps, and ART's where the algorithms agree. Foolbox's is ours:
the overshoot is applied at each step, what was clipped isn't forgotten, and 1e-4 is
added to each distance so that a step doesn't end on the border. ART adds nothing, which
takes more and more tiny steps to cross a border in floating point; it applies the
overshoot once, at the end; and it forgets what was clipped. Both know no label and
start from the class that is predicted.

Carlini and Wagner: Foolbox's is the same algorithm, with Adam in tanh space, and gives
the same images. ART's descends with line searches instead of Adam, doubles c instead of
multiplying it by ten, and is compared by successes and distances.

JSMA: ART's takes the two pixels of largest dz_t/dx, whatever they do to other classes.
That is the published search if all pixels have the same effect on the others, and
if there are two classes with opposite logits; else it needs more pixels. Its gamma
limits the number of different pixels, ours that of pairs that are taken: they differ
where theta is small and pixels are chosen again.
"""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import (
    carlini_wagner,
    deepfool,
    distance,
    jsma,
    log_mean_probability,
    logits_of,
    loss_of,
    margin,
    model_loss,
    network,
    vjp_of,
)
from minidl import Flatten, Linear, Sequential
from tests.attacks import peers


@pytest.mark.parametrize("searches", [1, 3, 6])
def test_carlini_wagner_is_foolboxs(monkeypatch, cnn, x, searches):
    loss, y = model_loss(cnn, margin), cnn.predict(x)
    settings = {"binary_search_steps": searches, "stepsize": 0.01, "steps": 100}
    theirs = peers.foolbox_carlini_wagner(
        monkeypatch, loss, cnn, x, y, **settings, initial_const=0.1
    )
    found = carlini_wagner(loss, x, y, c=0.1, searches=searches, steps=100, lr=0.01)
    reached = cnn.predict(found) != y
    assert_array_equal(cnn.predict(theirs)[reached] != y[reached], True)
    # Foolbox measures from the image that its tanh gives back, a millionth off.
    assert_allclose(found[reached], theirs[reached], rtol=0, atol=1e-4)
    assert reached.mean() > 0.5 or searches == 1


@pytest.mark.parametrize("kind", ["network", "ensemble"])
def test_carlini_wagner_finds_no_longer_distances_than_arts(members, x, kind):
    members, x = [m.astype(np.float32) for m in members], x.astype(np.float32)
    one = kind == "network"
    forward = network(members[0]) if one else log_mean_probability(members)
    predict, x = logits_of(forward), x[:4]
    y = predict(x).argmax(axis=1)
    settings = {"binary_search_steps": 6, "max_iter": 15, "initial_const": 0.1}
    art = peers.art_classifier(members[0], forward)
    theirs = peers.art("CarliniL2Method", art, x, y, batch_size=4, **settings)
    found = carlini_wagner(
        loss_of(forward, margin), x, y, c=0.1, searches=6, steps=200, lr=0.02
    )
    reached = predict(theirs).argmax(axis=1) != y
    assert reached.mean() > 0.5
    assert (predict(found).argmax(axis=1) != y)[reached].all()
    ratio = (distance(found, x, "L2") / distance(theirs, x, "L2"))[reached]
    assert 0.7 < np.median(ratio) < 1.02


def linear(weights):
    """A linear classifier of 12 grey pixels, from its weights (12, K)."""
    layer = Linear(*weights.shape, rng=np.random.default_rng(0))
    model = Sequential([Flatten(), layer], (3, 4, 1))
    model.params[0].data[:] = weights
    model.params[1].data[:] = 0
    return model.astype(np.float32)


def both_jsma(model, x, target, theta, gamma=1.0):
    found = jsma(
        logits_of(network(model)), vjp_of(network(model)), x, target, theta, gamma
    )
    art = peers.art_classifier(model)
    settings = {"theta": theta, "gamma": gamma, "batch_size": len(x)}
    return found, peers.art("SaliencyMapMethod", art, x, target, **settings)


@pytest.mark.parametrize("theta", [0.25, 1.0, -0.25, -1.0])
@pytest.mark.parametrize("others", ["opposite", "even"])
def test_jsma_is_arts_where_the_other_classes_do_not_matter(rng, theta, others):
    a, x = rng.normal(size=12), (0.2 + 0.6 * rng.random((20, 3, 4, 1)))
    rest = -a if others == "opposite" else np.full(12, -np.sign(theta) * 0.3)
    model, x = linear(np.stack([a, rest], axis=1)), x.astype(np.float32)
    z = model.forward(x)
    model.params[1].data[1] = (z[:, 0] - z[:, 1]).max() + 0.1  # is predicted for all
    target = np.zeros(20, int)
    found, theirs = both_jsma(model, x, target, theta)
    reached = model.predict(found) == target
    assert reached.any()
    assert_allclose(found[reached], theirs[reached], rtol=0, atol=1e-6)


def test_jsma_needs_fewer_pixels_than_arts(rng):
    """Two pixels raise the target most and a rival still more: ART takes them first."""
    weights = np.tile([0.3, -0.1, 0.0], (12, 1))  # every pixel helps class 0 a little
    weights[:2] = [0.5, 0.0, 1.0]  # two help it more, and class 2 most
    model = linear(weights)
    model.params[1].data[:] = [0, 1, 0]  # class 1 is predicted at first
    x, target = np.zeros((1, 3, 4, 1), np.float32), np.array([0])
    found, theirs = both_jsma(model, x, target, 1.0)
    assert model.predict(found) == target
    assert distance(found, x, "L0") < distance(theirs, x, "L0")
    assert_array_equal(found.ravel()[:2], 0)
    assert_array_equal(theirs.ravel()[:2], 1)


NORMS = pytest.mark.parametrize("norm", ["L2", "Linf"])


@pytest.fixture
def no_margin(monkeypatch):
    """A step ends on the border, as ART's; the module's name is also the function's."""
    monkeypatch.setattr(sys.modules["attacks.deepfool"], "MARGIN", 0.0)


def ours(forward, x, y, **settings):
    return deepfool(logits_of(forward), vjp_of(forward), x, y, **settings)


def inside(x):
    """Images that no attack needs to clip."""
    return 0.3 + 0.4 * x


@NORMS
@pytest.mark.parametrize("steps", [1, 2, 50])
@pytest.mark.parametrize("overshoot", [0.0, 0.02, 0.5])
@pytest.mark.parametrize("prepare", [np.round, inside])
def test_deepfool_is_foolboxs(monkeypatch, cnn, x, norm, steps, overshoot, prepare):
    """From images at the ends of the range too, where much is clipped."""
    x = prepare(x)
    y, name = cnn.predict(x), f"{norm}DeepFoolAttack"
    settings = {"steps": steps, "overshoot": overshoot}
    theirs = peers.foolbox_deepfool(monkeypatch, name, cnn, x, y, **settings)
    found = ours(network(cnn), x, y, norm=norm, **settings)
    # Foolbox adds 1e-8 to each length that it divides by.
    assert_allclose(found, theirs, rtol=0, atol=1e-6)


def arts(forward, model, x, y, overshoot=0.0):
    art = peers.art_classifier(model, forward)
    settings = {"max_iter": 50, "epsilon": overshoot, "batch_size": len(x)}
    return peers.art("DeepFool", art, x, y, **settings)


@pytest.mark.parametrize("kind", ["network", "ensemble"])
def test_deepfool_is_arts_without_overshoot(no_margin, members, x, kind):
    members, x = [m.astype(np.float32) for m in members], inside(x).astype(np.float32)
    one = kind == "network"
    forward = network(members[0]) if one else log_mean_probability(members)
    y = logits_of(forward)(x).argmax(axis=1)
    found = ours(forward, x, y, overshoot=0.0)
    assert_allclose(found, arts(forward, members[0], x, y), rtol=0, atol=1e-5)
    assert (abs(found - x).max(axis=(1, 2, 3)) > 1e-3).all()


def test_the_margin_is_what_carries_over_the_border(linear_model, x):
    """One step with it crosses; without it ART's end lies on the border."""
    model, x = linear_model.astype(np.float32), inside(x).astype(np.float32)
    y = model.predict(x)
    found = ours(network(model), x, y, overshoot=0.0, steps=1)
    assert_array_equal(model.predict(found) != y, True)
    on_border = arts(network(model), model, x, y)
    difference = distance(found, on_border, "L2")
    assert_allclose(difference, 1e-4, rtol=0.1)


def test_an_image_with_another_prediction_than_its_label_is_not_moved(
    monkeypatch, cnn, x
):
    """We don't move such an image; the others walk away from what they predict."""
    wrong = (cnn.predict(x) + 1) % 4
    assert_array_equal(ours(network(cnn), x, wrong), x)
    theirs = peers.foolbox_deepfool(monkeypatch, "L2DeepFoolAttack", cnn, x, wrong)
    assert_array_equal(theirs, x)
    assert abs(arts(network(cnn), cnn, x, wrong) - x).max() > 1e-3
