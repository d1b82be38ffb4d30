"""FGSM and BIM give the same images as ART's and Foolbox's.

The two peers round differently: ART computes in float32 and clips to the range of
pixels before it projects to the ball, Foolbox projects x - x_0.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import bim, fgsm, model_gradient, sum_gradient
from tests.attacks import peers

SETTINGS = pytest.mark.parametrize(
    ("eps", "alpha", "steps"),
    [(0.2, 0.025, 8), (0.025, 0.0025, 10), (0.3, 0.1, 5), (0.1, 0.1, 1)],
)
EPS = pytest.mark.parametrize("eps", [0.3, 0.03, 1.0])


@pytest.fixture
def model(cnn):
    return cnn.astype(np.float32)


@pytest.fixture
def images(x):
    return x.astype(np.float32)


@pytest.fixture
def team(members):
    return [member.astype(np.float32) for member in members]


@EPS
def test_fgsm_is_arts(model, images, y, eps):
    expected = peers.art_fgsm(peers.art_classifier(model), images, y, eps)
    x_adv = fgsm(model_gradient(model), images, y, eps)
    assert_allclose(x_adv, expected, rtol=0, atol=1e-7)


@SETTINGS
def test_bim_is_arts(model, images, y, eps, alpha, steps):
    classifier = peers.art_classifier(model)
    expected = peers.art_bim(classifier, images, y, eps, alpha, steps)
    x_adv = bim(model_gradient(model), images, y, eps, alpha, steps)
    assert_allclose(x_adv, expected, rtol=0, atol=5e-7)


@EPS
def test_adv_2_fgsm_is_arts_on_an_ensemble(team, images, y, eps):
    expected = peers.art_fgsm(peers.art_ensemble(team), images, y, eps)
    x_adv = fgsm(sum_gradient(team), images, y, eps)
    assert_allclose(x_adv, expected, rtol=0, atol=1e-7)


@SETTINGS
def test_adv_2_bim_is_arts_on_an_ensemble(team, images, y, eps, alpha, steps):
    ensemble = peers.art_ensemble(team)
    expected = peers.art_bim(ensemble, images, y, eps, alpha, steps)
    x_adv = bim(sum_gradient(team), images, y, eps, alpha, steps)
    assert_allclose(x_adv, expected, rtol=0, atol=5e-7)


@EPS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fgsm_is_foolboxs(cnn, x, y, eps, dtype):
    model, x = cnn.astype(dtype), x.astype(dtype)
    gradient = model_gradient(model)
    expected = peers.foolbox_fgsm(gradient, model, x, y, eps)
    assert_array_equal(expected.dtype, dtype)
    atol = 4 * np.finfo(dtype).eps
    assert_allclose(fgsm(gradient, x, y, eps), expected, rtol=0, atol=atol)


@SETTINGS
def test_bim_is_foolboxs(cnn, x, y, eps, alpha, steps):
    gradient = model_gradient(cnn)
    expected = peers.foolbox_bim(gradient, cnn, x, y, eps, alpha, steps)
    x_adv = bim(gradient, x, y, eps, alpha, steps)
    assert_allclose(x_adv, expected, rtol=0, atol=1e-14)


@SETTINGS
def test_adv_2_bim_is_foolboxs_with_the_sum(members, x, y, eps, alpha, steps):
    gradient = sum_gradient(members)
    expected = peers.foolbox_bim(gradient, members[0], x, y, eps, alpha, steps)
    x_adv = bim(gradient, x, y, eps, alpha, steps)
    assert_allclose(x_adv, expected, rtol=0, atol=1e-14)
