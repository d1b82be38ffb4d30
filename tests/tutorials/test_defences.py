"""Each defence is a classifier, and its forward pass is that of its adaptive attack."""

from copy import deepcopy

import numpy as np
import pytest

from attacks import bpda, cross_entropy, loss_of, margin, network, pgd
from attacks.forwards import log_mean_probability
from ensembles import Committee, Ensemble, adp, train_together
from minidl import Adam, Flatten, Linear, ReLU, Round, Sequential, accuracy, train
from minidl.checks.answers import probabilities
from minidl.layers import softmax
from tests.oracles import assert_close, differences
from tests.tutorials.quarters import EPS, SHAPE, K, images
from tutorials.defences.denoised import trained_autoencoder
from tutorials.defences.detector import trained_detector, undetected_margin
from tutorials.defences.distilled import distil, soft_labels


def build(rng):
    layers = [Flatten(), Linear(16, 24, rng=rng), ReLU(), Linear(24, K, rng=rng)]
    return Sequential(layers, SHAPE)


X, Y = images(0)
TEST, LABELS = images(1, 60)


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    model = build(rng)
    train(model, X, Y, Adam(model.params, 0.01), 10, 32, rng)
    return model


@pytest.fixture(scope="module")
def x_adv(model):
    return pgd(loss_of(network(model)), X, Y, EPS, EPS / 4, 8)


def robust(defence, forward, loss=cross_entropy):
    """The share of test images that are read correctly under PGD."""
    attacked = pgd(loss_of(forward, loss), TEST, LABELS, EPS, EPS / 4, 20)
    return (defence.predict_proba(attacked).argmax(axis=1) == LABELS).mean()


def check_forward(defence, x, loss=cross_entropy):
    """The forward pass gives the defence's classes, and its own derivative."""
    z, _ = defence.forward(x)
    p = probabilities(defence.predict_proba, x)
    assert np.array_equal(z.argmax(axis=1), p.argmax(axis=1))
    found = loss_of(defence.forward, loss)(x, LABELS[: len(x)])[1]

    def value():
        return loss_of(defence.forward, loss)(x, LABELS[: len(x)])[0].sum()

    assert_close(found, differences(value, x), 1e-6)


def in_float64(*models):
    for one in models:
        one.astype(np.float64)
    return TEST[:3].astype(np.float64)


def test_a_student_falls_to_an_attack_on_its_logits():
    rng = np.random.default_rng(0)
    student = distil(build, X, Y, rng, temperature=20, epochs=30, lr=0.02)
    assert accuracy(student, TEST, LABELS) > 0.9
    plain, adaptive = (
        robust(student, network(student), loss) for loss in (cross_entropy, margin)
    )
    assert plain > 0.7  # its gradient has rounded to 0
    assert adaptive < 0.2


def test_soft_labels_are_the_teachers_probabilities_at_a_temperature(model):
    z = model.forward(TEST)
    assert_close(soft_labels(model, TEST, 20), softmax(z / 20), 1e-6)


def test_rounding_falls_to_the_straight_through_gradient(model):
    defence = Sequential([Round(4), *model.layers], SHAPE)
    true, straight = network(defence), bpda(network(model), Round(4).forward)
    assert accuracy(defence, TEST, LABELS) > 0.9
    assert not loss_of(true)(TEST, LABELS)[1].any()
    assert robust(defence, true) > 0.9
    assert robust(defence, straight) < 0.2


def test_an_autoencoder_falls_to_the_gradient_through_it(model):
    rng = np.random.default_rng(0)
    encoder = trained_autoencoder(X, rng, 0.1, epochs=15)
    defence = Sequential([encoder, model], SHAPE)
    assert accuracy(defence, TEST, LABELS) > 0.9
    assert robust(defence, network(defence)) < 0.2


def test_a_detector_rejects_what_it_knows_and_falls_to_the_joint_attack(model, x_adv):
    rng = np.random.default_rng(0)
    defence = trained_detector(model, 3, X, x_adv, images(2)[0], rng, epochs=20)
    blind = pgd(loss_of(network(model)), TEST, LABELS, EPS, EPS / 4, 8)
    assert (defence.scores(TEST) > 0).mean() < 0.2
    assert (defence.scores(blind) > 0).mean() > 0.8
    joint = loss_of(defence.forward, undetected_margin)
    adaptive = pgd(joint, TEST, LABELS, EPS, EPS / 20, 60, restarts=3, rng=rng)
    assert defence.fooled(blind, LABELS).mean() < 0.2
    assert defence.fooled(adaptive, LABELS).mean() > 0.8


@pytest.mark.parametrize("share", [0, 0.05, 0.1])
def test_the_share_of_rejected_validation_images_is_what_was_asked(model, x_adv, share):
    clean, rng = images(2)[0], np.random.default_rng(0)
    defence = trained_detector(model, 3, X, x_adv, clean, rng, rejected=share, epochs=1)
    found = defence.predict_proba(clean).argmax(axis=1) == K
    assert np.array_equal(found, defence.scores(clean) > 0)
    assert found.sum() == round(share * len(clean))


def test_the_detectors_logits_have_their_derivative(model, x_adv):
    rng = np.random.default_rng(0)
    defence = trained_detector(model, 3, X, x_adv, images(2)[0], rng, epochs=1)
    twins = [deepcopy(part) for part in (defence.body, defence.rest, defence.head)]
    defence.body, defence.rest, defence.head = twins
    x = in_float64(*twins)
    for loss in (cross_entropy, undetected_margin):
        check_forward(defence, x, loss)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("x_validation", (X, X, None)),
        ("x_validation", (X, X, X[:0])),
        ("x", (X[:0], X, X)),
        ("x_adv", (X, X[:0], X)),
        ("x_adv", (X, X + 1, X)),
        ("x_adv", (X, X[:, :3], X)),
        ("x_validation", (X, X, X[None])),
    ],
)
def test_a_detector_without_data_is_refused(model, name, given):
    with pytest.raises(ValueError, match=rf"^{name} must "):
        trained_detector(model, 3, *given, np.random.default_rng(0))


@pytest.mark.parametrize("depth", [0, 1.5, 100, -100, None])
def test_a_depth_that_cuts_no_network_is_named(model, depth):
    with pytest.raises(ValueError, match=r"^depth must cut . layers in two"):
        trained_detector(model, depth, X, X, X, np.random.default_rng(0))


def test_the_network_is_left_as_it_was(model, x_adv):
    before = [p.data.copy() for p in model.params]
    trained_detector(
        model, 3, X, x_adv, images(2)[0], np.random.default_rng(0), epochs=1
    )
    for p, data in zip(model.params, before, strict=True):
        assert np.array_equal(p.data, data)


def test_diverse_members_learn_and_fall_to_their_own_loss():
    rng = np.random.default_rng(0)
    committee = Committee([build(rng) for _ in range(3)])
    optimizer = Adam(committee.params)
    losses = train_together(committee, X, Y, optimizer, 20, 32, rng, loss=adp)
    assert losses[-1] < losses[0]
    defence = Ensemble(committee.members)
    assert accuracy(defence, TEST, LABELS) > 0.9
    assert robust(defence, log_mean_probability(committee.members)) < 0.2
