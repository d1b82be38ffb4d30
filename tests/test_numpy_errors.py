"""Correct computations raise nothing under a user's np.seterr(all="raise").

They round tiny numbers to 0: softmax, squared gradients, products with small weights.
"""

import numpy as np
import pytest

from attacks import bim, model_gradient, pgd
from attacks.gradients import model_loss
from ensembles import Ensemble
from minidl import (
    SGD,
    Adadelta,
    Adam,
    Conv2D,
    Dropout,
    Flatten,
    Linear,
    MaxPool2D,
    Normalize,
    Parameter,
    ReLU,
    RMSprop,
    Round,
    Sequential,
    Softmax,
    Upsample2D,
    cross_entropy,
    kernels,
    load_torch_state,
    train,
)
from tests.minidl.conftest import uncompiled

OPTIMIZERS = [Adam, RMSprop, Adadelta, lambda params: SGD(params, 0.1, 0.9)]
TINY = {np.float32: 1e-30, np.float64: 1e-250}  # their squares are 0


@pytest.fixture(autouse=True)
def _raise():
    with np.errstate(all="raise"):
        yield


@pytest.fixture(params=["reference", "numba"])
def _each(request):
    if request.param == "numba":
        pytest.importorskip("numba", reason="no Numba")
    with kernels.use(request.param):
        yield


def network(dtype):
    rng = np.random.default_rng(0)
    layers = [
        *(Conv2D(1, 8, rng=rng), ReLU(), Conv2D(8, 8, rng=rng), ReLU(), MaxPool2D(2)),
        *(Dropout(0.5), Flatten(), Linear(32, 4, rng=rng)),
    ]
    return Sequential(layers, (8, 8, 1)).astype(dtype)


def batch(dtype):
    rng = np.random.default_rng(1)
    return rng.random((6, 8, 8, 1)).astype(dtype), np.arange(6) % 4


@pytest.mark.parametrize("dtype", TINY)
@pytest.mark.usefixtures("_each")
def test_a_pass_through_tiny_weights(dtype):
    model, (x, y) = network(dtype), batch(dtype)
    for layer in (0, 2, 7):
        model.layers[layer].W.data[...] *= dtype(TINY[dtype])
        z = model.forward(x, np.random.default_rng(2))
        model.backward(cross_entropy(z, y)[1])
        assert np.isfinite(Ensemble([model, model]).predict_proba(x)).all()


@pytest.mark.parametrize("dtype", TINY)
@pytest.mark.usefixtures("_each")
def test_each_layer_alone(dtype):
    rng, tiny = np.random.default_rng(0), dtype(TINY[dtype])
    x = rng.random((4, 6, 6, 8)).astype(dtype) * tiny
    layers = [Conv2D(8, 8, rng=rng), Dropout(0.5), Linear(8, 3, rng=rng), Softmax()]
    layers += [Normalize(0, 10), MaxPool2D(2), Upsample2D(2), ReLU(), Round(256)]
    tiniest = np.full_like(x, np.finfo(dtype).tiny)
    inputs = x, x, x[:, 0, 0], x[:, 0, 0] / tiny, *[tiniest] * 5
    for layer, x_ in zip(layers, inputs, strict=True):
        layer.astype(dtype)
        for p in layer.params:
            p.data[...] *= tiny
        out = layer.forward(x_, rng)
        for size in (tiny, np.finfo(dtype).tiny):
            layer.backward(np.full_like(out, size))


@pytest.mark.parametrize("dtype", TINY)
@pytest.mark.usefixtures("_each")
def test_a_factor_of_tiny_gradients(dtype):
    tiny = np.full(3, np.finfo(dtype).tiny)
    assert (kernels.relu_grad(tiny, tiny, 0.1) < tiny).all()


def test_tiny_parameters_in_single_precision():
    model = Sequential([Linear(2, 2, rng=np.random.default_rng(0))], (2,))
    load_torch_state(model, {"W": np.full((2, 2), 1e-320), "b": np.zeros(2)})
    assert not model.params[0].data.any()
    model.astype(np.float64).params[0].data[...] = 1e-320
    assert not model.astype(np.float32).params[0].data.any()


def test_masks_of_kernels_that_are_not_compiled():
    with uncompiled(), np.errstate(all="raise"):
        assert set(kernels.dropout_mask(np.zeros(99), 0.5, 1).tolist()) == {0, 2}


@pytest.mark.parametrize("dtype", TINY)
def test_logits_far_apart(dtype):
    z = np.array([[1e4, 0, -1e4], [0, 90, 0], [-1e3, 0, 700]], dtype)
    softmax = Softmax()
    cross_entropy(z, np.array([0, 1, 2]))
    softmax.forward(z)
    softmax.backward(np.full_like(z, 1e-5))


@pytest.mark.parametrize("dtype", TINY)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.usefixtures("_each")
def test_gradients_that_vanish(optimizer, dtype):
    p = Parameter(np.ones(3, dtype))
    steps = optimizer([p])
    for size in (1, TINY[dtype], *[0] * 250):
        p.grad[:] = size
        steps.step()
    assert np.isfinite(p.data).all()


@pytest.mark.parametrize("dtype", TINY)
@pytest.mark.usefixtures("_each")
def test_training_and_attacks(dtype):
    model, (x, y) = network(dtype), batch(dtype)
    train(model, x, y, Adam(model.params), 1, 3, np.random.default_rng(2))
    model.layers[0].W.data[...] *= dtype(TINY[dtype])  # and so the images' gradient
    bim(model_gradient(model), x, y, 0.1, 0.02, 3)
    pgd(model_loss(model), x, y, 0.5, 0.1, 3, "L2", rng=np.random.default_rng(3))


@pytest.mark.usefixtures("_each")
def test_infinity_and_nan_in_pooling_and_relu():
    x = np.zeros((1, 6, 6, 1), np.float32)
    x[0, 0, 0], x[0, 1, 1], x[0, 3, 3] = np.inf, -np.inf, np.nan
    for size in (2, 3):
        out, argmax = kernels.max_pool(x, size, size)
        dx = kernels.max_pool_grad(out, argmax, x.shape, size, size)
        assert np.isinf(dx).sum() == np.isnan(dx).sum() == 1
    assert np.isinf(kernels.relu_grad(x, x)).sum() == 1
