"""Carlini and Wagner's attack and JSMA beside Foolbox's and ART's.

Carlini and Wagner: Foolbox's is the same algorithm, with Adam in tanh space, and gives
the same images. ART's descends with line searches instead of Adam, doubles c instead of
multiplying it by ten, and is compared by successes and distances.

JSMA: ART's takes the two pixels of largest dz_t/dx, whatever they do to other classes.
That is the published search if all pixels have the same effect on the others, and
if there are two classes with opposite logits; else it needs more pixels. Its gamma
limits the number of different pixels, ours that of pairs that are taken: they differ
where theta is small and pixels are chosen again.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import (
    carlini_wagner,
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
    theirs = peers.foolbox_carlini_wagner(
        monkeypatch,
        loss,
        cnn,
        x,
        y,
        binary_search_steps=searches,
        steps=100,
        stepsize=0.01,
        initial_const=0.1,
    )
    found = carlini_wagner(loss, x, y, c=0.1, searches=searches, steps=100, lr=0.01)
    reached = cnn.predict(found) != y
    assert_array_equal(cnn.predict(theirs)[reached] != y[reached], True)
    # Foolbox measures from the image that its tanh gives back, a millionth off.
    assert_allclose(found[reached], theirs[reached], rtol=0, atol=1e-4)
    assert reached.mean() > 0.5 or searches == 1


@pytest.mark.parametrize("kind", ["network", "ensemble"])
def test_carlini_wagner_finds_no_longer_ways_than_arts(members, x, kind):
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
