"""DeepFool takes Foolbox's steps, and ART's where the algorithms agree.

Foolbox's is ours: the overshoot is applied at each step, what was clipped isn't
forgotten, and 1e-4 is added to each distance so that a step doesn't end on the border.
ART adds nothing, which takes more and more tiny steps to cross a border in floating
point; it applies the overshoot once, at the end; and it forgets what was clipped.
Both know no label and start from the class that is predicted.
"""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import deepfool, distance, log_mean_probability, logits_of, network, vjp_of
from tests.attacks import peers

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
    """One step with it; without it ART's end is on the border, here or there."""
    model, x = linear_model.astype(np.float32), inside(x).astype(np.float32)
    y = model.predict(x)
    found = ours(network(model), x, y, overshoot=0.0, steps=1)
    assert_array_equal(model.predict(found) != y, True)
    on_border = arts(network(model), model, x, y)
    difference = distance(found, on_border, "L2")
    assert_allclose(difference, 1e-4, rtol=0.1)


def test_art_applies_its_overshoot_at_the_end(linear_model, x):
    """On flat borders one step is enough, and it is the same but for our margin."""
    model, x = linear_model.astype(np.float32), inside(x).astype(np.float32)
    y = model.predict(x)
    found = ours(network(model), x, y, overshoot=0.1)
    assert_allclose(found, arts(network(model), model, x, y, 0.1), atol=3e-4)


def test_art_forgets_what_was_clipped(no_margin, cnn, x):
    """From images at the ends of the range: Foolbox's walk is ours, ART's isn't."""
    model, x = cnn.astype(np.float32), x.round().astype(np.float32)
    y = model.predict(x)
    found = ours(network(model), x, y, overshoot=0.0)
    assert abs(found - arts(network(model), model, x, y)).max() > 1e-3


def test_a_label_that_is_not_predicted_is_misread_already(monkeypatch, cnn, x):
    """We don't move such an image; the others walk away from what they predict."""
    wrong = (cnn.predict(x) + 1) % 4
    assert_array_equal(ours(network(cnn), x, wrong), x)
    theirs = peers.foolbox_deepfool(monkeypatch, "L2DeepFoolAttack", cnn, x, wrong)
    assert_array_equal(theirs, x)
    assert abs(arts(network(cnn), cnn, x, wrong) - x).max() > 1e-3
