"""The adapters give ART and Foolbox what our functions return."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import (
    Threat,
    dlr,
    interop,
    log_mean_probability,
    logits_of,
    loss_of,
    mean_probability_gradient,
    network,
    sum_gradient,
)
from tests.attacks import peers

KINDS = pytest.mark.parametrize("kind", ["network", "ensemble"])


@pytest.fixture
def forward(kind, members):
    return network(members[0]) if kind == "network" else log_mean_probability(members)


@pytest.fixture
def art(members, forward):
    return peers.art_classifier(members[0], forward, batch_size=3)


@KINDS
def test_art_gets_logits_in_batches(art, forward, x):
    assert_allclose(art.predict(x, batch_size=5), forward(x)[0], rtol=1e-12)


@KINDS
def test_art_gets_each_images_loss_and_gradient(art, forward, x, y):
    values, gradient = loss_of(forward)(x, y)
    for given in (y, np.eye(4)[y]):
        assert_allclose(art.compute_loss(x, given), values, rtol=1e-12)
        assert_allclose(art.loss_gradient(x, given), gradient, rtol=1e-9, atol=1e-12)
    assert art.compute_loss(x, y, reduction="mean") == pytest.approx(values.mean())
    assert art.compute_loss(x, y, reduction="sum") == pytest.approx(values.sum())


@KINDS
def test_art_gets_rows_of_the_jacobian(art, forward, x, y, rng):
    """By differences along a direction: all classes, one class, one for each image."""
    direction, h = rng.standard_normal(x.shape), 1e-6
    up, down = forward(x + h * direction)[0], forward(x - h * direction)[0]
    expected = (up - down) / (2 * h)  # (N, K)
    for label, wanted in (
        (None, expected),
        (2, expected[:, 2:3]),
        (y, expected[np.arange(8), y][:, None]),
        (list(y), expected[np.arange(8), y][:, None]),
    ):
        found = art.class_gradient(x, label)
        assert found.shape == (*wanted.shape, *x.shape[1:])
        assert_allclose((found * direction[:, None]).sum((2, 3, 4)), wanted, atol=1e-7)


def test_art_can_follow_another_loss(members, x, y):
    art = peers.art_classifier(members[0], loss=dlr)
    values, gradient = loss_of(network(members[0]), dlr)(x, y)
    assert_array_equal(art.compute_loss(x, y), values)
    assert_array_equal(art.loss_gradient(x, y), gradient)


def test_arts_ensemble_has_the_gradient_of_adv_2(members, x, y):
    found = peers.art_ensemble(members).loss_gradient(x, np.eye(4)[y])
    assert_allclose(found, sum_gradient(members)(x, y) / 3, rtol=1e-12)


def test_foolbox_attacks_that_ask_for_decisions(members, x):
    """Salt and pepper: noise until the ensemble errs, without a gradient."""
    foolbox = peers.import_peer("foolbox")
    logits = logits_of(log_mean_probability(members))
    y, model = logits(x).argmax(axis=1), interop.foolbox_model(logits)
    noise = foolbox.attacks.SaltAndPepperNoiseAttack(steps=50)
    raw, _, fooled = noise(model, x, y, epsilons=None)
    assert_array_equal(fooled, logits(raw).argmax(axis=1) != y)
    assert fooled.any()


def test_foolbox_descends_towards_a_target(members, x):
    foolbox = peers.import_peer("foolbox")
    logits = logits_of(log_mean_probability(members))
    target = logits(x).argsort(axis=1)[:, -2]  # the second choice
    attack = interop.foolbox_attack(
        foolbox.attacks.LinfPGD, mean_probability_gradient(members), steps=20
    )
    criterion = foolbox.criteria.TargetedMisclassification(target)
    model = interop.foolbox_model(logits)
    raw, _, reached = attack.repeat(2)(model, x, criterion, epsilons=0.3)
    assert reached.mean() > 0.5
    Threat("Linf", 0.3).check(raw, x)


def test_other_libraries_are_told_the_images_range(members, x):
    art = interop.art_ensemble(members, bounds=(-1, 2))
    parts = [art, *art.classifiers]
    assert all(np.array_equal(part.clip_values, (-1, 2)) for part in parts)
    assert all(part.input_shape == (6, 6, 2) for part in parts)
    assert interop.foolbox_model(len, bounds=(-1, 2)).bounds == (-1, 2)
    single = members[0].astype(np.float32)
    rows = peers.art_classifier(single).class_gradient(x.astype(np.float32), 2)
    assert rows.dtype == np.float32


def test_other_attacks_of_foolbox_are_refused(members):
    foolbox = peers.import_peer("foolbox")
    gradient = mean_probability_gradient(members)
    for attack in (foolbox.attacks.L2CarliniWagnerAttack, foolbox.attacks.LinfPGD()):
        with pytest.raises(TypeError, match="attack must be a gradient descent"):
            interop.foolbox_attack(attack, gradient)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"classes": 1}, "classes must be at least 2"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"bounds": (1, 0)}, "bounds must be"),
        ({"bounds": (0, np.inf)}, "bounds must be .* both finite"),
        ({"bounds": None}, "bounds must be .* both finite"),
    ],
)
def test_bad_settings_are_refused(cnn, settings, error):
    arguments = {"input_shape": (6, 6, 2), "classes": 4} | settings
    with pytest.raises(ValueError, match=error):
        interop.art_classifier(network(cnn), **arguments)
    if "bounds" in settings:
        with pytest.raises(ValueError, match=error):
            interop.foolbox_model(lambda x: x, **settings)


@pytest.mark.parametrize(
    ("method", "change", "message"),
    [
        ("loss_gradient", lambda x, y: (x, y[:, None]), r"y must have shape \(8,\)"),
        ("loss_gradient", lambda x, y: (x, y * 4 + 1), "y must be 0 to 3"),
        ("compute_loss", lambda x, y: (x, np.eye(3)[y % 3]), "y must hold integer"),
        ("predict", lambda x, y: (x[:0],), "x must not be empty"),
        ("class_gradient", lambda x, y: (x[:0],), "x must not be empty"),
    ],
)
@pytest.mark.parametrize("kind", ["network"])
def test_art_names_what_it_gets(art, x, y, method, change, message):
    """A column of labels would be taken for class 0."""
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        getattr(art, method)(*change(x, y))


def test_adapters_name_functions_that_return_something_else(members, x, y):
    model = members[0]
    with pytest.raises(TypeError, match=r"^forward must be a function, .* Sequential"):
        interop.art_classifier(model, (6, 6, 2), 4)
    art = peers.art_classifier(model, lambda x: (np.full((8, 4), np.nan), len))
    with pytest.raises(ValueError, match=r"^forward must return finite numbers"):
        art.predict(x)
    fool = pytest.importorskip("foolbox")
    attack = interop.foolbox_attack(
        fool.attacks.LinfPGD, lambda x, y: x[:1], steps=1, random_start=False
    )
    with pytest.raises(ValueError, match=r"^gradient must return an array of shape"):
        attack(interop.foolbox_model(logits_of(network(model))), x, y, epsilons=0.1)
