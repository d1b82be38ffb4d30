"""Layers, training and votes on a device give what they give on the host."""

from copy import deepcopy

import numpy as np
import pytest

from ensembles import Ensemble, adp
from minidl import (
    SGD,
    Adam,
    Conv2D,
    Dropout,
    Flatten,
    Linear,
    MaxPool2D,
    ReLU,
    Sequential,
    accuracy,
    cross_entropy,
    soft_cross_entropy,
    squared_error,
    to_device,
    to_numpy,
    train,
)
from minidl.backend import device_of
from minidl.gradcheck import check_layer
from minidl.layers import softmax
from minidl.optimizers import OPTIMIZERS
from tests.benchmarks.agreement import distance
from tests.minidl.layers.test_layer_contract import CASES
from tests.oracles import assert_close

RNG = np.random.default_rng(5)
X = RNG.integers(256, size=(40, 10, 8, 2), dtype=np.uint8)
Y = RNG.integers(3, size=40)
FLOAT = X.astype(np.float32) / 255


def network(seed=0, dtype=np.float32):
    """Blocks with and without pooling, and a layer of every kind."""
    rng = np.random.default_rng(seed)
    layers = [
        Conv2D(2, 4, pad=1, rng=rng),
        ReLU(),
        Conv2D(4, 4, pad=1, rng=rng),
        ReLU(),
        MaxPool2D(2),
        Dropout(0.25),
        Conv2D(4, 6, pad=1, rng=rng),
        Flatten(),
        Linear(120, 12, rng=rng),
        ReLU(),
        Linear(12, 3, rng=rng),
    ]
    return Sequential(layers, (10, 8, 2)).astype(dtype)


def results(layer, case, x, dout):
    """Output and all gradients of a layer."""
    out = case.forward(layer, x)
    return [out, layer.backward(dout), *(p.grad for p in layer.params)]


@pytest.mark.parametrize(("dtype", "tolerance"), [("f4", 5e-6), ("f8", 1e-13)])
@pytest.mark.parametrize("name", CASES)
def test_a_layer_computes_what_it_does_on_the_host(gpu, name, dtype, tolerance):
    case = CASES[name]
    x, dout = case.x(dtype), case.dout(case.layer(dtype), dtype)
    expected = results(case.layer(dtype), case, x, dout)
    layer = case.layer(dtype).to_device("gpu")
    there = [to_device(a, "gpu") for a in (x, dout)]
    found = results(layer, case, *there)
    for ours, theirs in zip(found, expected, strict=True):
        assert device_of(ours) == "gpu"
        assert ours.dtype == theirs.dtype
        assert_close(to_numpy(ours), theirs, tolerance)
    assert np.array_equal(to_numpy(there[0]), x), "an argument was changed"
    kept = [to_numpy(a) for a in found[:2]]
    again = results(layer, case, *there)
    for one, two in zip(kept, again, strict=False):
        assert np.array_equal(one, to_numpy(two)), "the same call gives other bits"
    if layer.params:
        for p in layer.params:
            p.grad[...] = 77
        dx = layer.backward(there[1], param_grads=False)
        assert np.array_equal(to_numpy(dx), kept[1])
        assert all((to_numpy(p.grad) == 77).all() for p in layer.params)
        assert layer.backward(there[1], input_grad=False) is None
    results(layer, case, there[0] * 3, there[1] * 2)
    for array, before in zip(found[:2], kept, strict=True):
        assert np.array_equal(to_numpy(array), before), "a result was overwritten"


@pytest.mark.parametrize(("dtype", "tolerance"), [("f4", 5e-6), ("f8", 1e-13)])
def test_losses_are_those_of_the_host(gpu, dtype, tolerance):
    z = np.random.default_rng(0).standard_normal((6, 3)).astype(dtype)
    q = softmax(z[::-1].copy())
    for loss, target in [
        (lambda z, y: cross_entropy(z, y, 20), Y[:6]),
        (lambda z, q: soft_cross_entropy(z, q, 20), q),
        (squared_error, q),
    ]:
        found = loss(to_device(z, "gpu"), to_device(target, "gpu"))
        for ours, theirs in zip(found, loss(z, target), strict=True):
            assert device_of(ours) == "gpu"
            assert ours.dtype == theirs.dtype
            assert_close(to_numpy(ours), theirs, tolerance)


def test_diversity_as_a_loss_is_that_of_the_host(gpu):
    z = np.random.default_rng(0).standard_normal((3, 6, 5)).astype(np.float32)
    found = adp([to_device(z_i, "gpu") for z_i in z], to_device(Y[:6], "gpu"))
    for ours, theirs in zip(found, adp(z, Y[:6]), strict=True):
        assert device_of(ours) == "gpu"
        assert_close(to_numpy(ours), theirs, 5e-6)


def flat(arrays):
    return np.concatenate([a.ravel() for a in arrays])


def trained(kind, device, dtype=np.float32, data=lambda a: a):
    """A network after an epoch, and its loss."""
    model = network(dtype=dtype).to_device(device)
    x = X if dtype == np.float32 else FLOAT.astype(dtype)
    optimizer = OPTIMIZERS[kind](model.params, 1e-2)
    rng = np.random.default_rng(2)
    losses = train(model, data(x), data(Y), optimizer, 2, 16, rng)
    return losses, [to_numpy(p.data) for p in model.params]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_training_goes_as_on_the_host(gpu, kind):
    for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-2)):
        losses, params = trained(kind, "gpu", dtype)
        expected_losses, expected = trained(kind, "cpu", dtype)
        assert_close(losses, expected_losses, tolerance)
        assert {p.dtype for p in params} == {np.dtype(dtype)}
        assert distance(flat(params), flat(expected)) <= tolerance


def test_data_on_the_device_train_to_the_same_bits(gpu):
    losses, params = trained("adam", "gpu")
    same_losses, same = trained("adam", "gpu", data=lambda a: to_device(a, "gpu"))
    assert losses == same_losses
    assert all(np.array_equal(*pair) for pair in zip(params, same, strict=True))


def test_accuracy_and_votes_are_those_of_the_host(gpu):
    members = [network(seed) for seed in range(3)]
    ensemble = Ensemble(members, [1, 2, 3])
    expected = [accuracy(m, X, Y, 16) for m in (*members, ensemble)]
    p = ensemble.predict_proba(FLOAT)
    assert ensemble.to_device("gpu").device == "gpu"
    assert [accuracy(m, X, Y, 16) for m in (*members, ensemble)] == expected
    there = [to_device(a, "gpu") for a in (X, Y)]
    assert accuracy(ensemble, *there) == expected[-1]
    assert_close(to_numpy(ensemble.predict_proba(to_device(FLOAT, "gpu"))), p, 1e-5)
    assert ensemble.to_device("cpu").device == "cpu"
    assert_close(ensemble.predict_proba(FLOAT), p, 1e-6)


def test_a_classifier_that_names_no_device_gets_images_where_they_are(gpu):
    class Foreign:
        def predict_proba(self, x):
            assert device_of(x) == "gpu"
            return model.predict_proba(x)

    expected = accuracy(model := network(), X, Y)
    model.to_device("gpu")
    assert accuracy(Foreign(), *(to_device(a, "gpu") for a in (X, Y))) == expected


def test_an_optimizer_joins_all_parameters_once(gpu):
    """One kernel then moves them all; the joined arrays are kept from step to step."""
    model = network()
    optimizer = Adam(model.params, 0.1)
    assert len([*optimizer.pieces()]) == len(model.params)
    model.to_device("gpu")
    optimizer.to_device("gpu")
    step(model, optimizer, "gpu")
    joined = optimizer.flat
    step(model, optimizer, "gpu")
    assert len([*optimizer.pieces()]) == 1
    assert optimizer.flat is joined


def test_images_on_another_device_are_named(gpu):
    model = network().to_device("gpu")
    with pytest.raises(ValueError, match="x is on the cpu, the network on the gpu"):
        model.predict(FLOAT)
    there = to_device(FLOAT, "gpu")
    with pytest.raises(ValueError, match="x is on the gpu, the network on the cpu"):
        model.to_device("cpu").predict(there)


def step(model, optimizer, device):
    for p in model.params:
        p.grad[...] = to_device(np.sin(to_numpy(p.data) * 50), device)
    optimizer.step()


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_an_optimizer_moves_with_its_averages(gpu, kind):
    models = [network(), network()]
    optimizers = [kind(m.params, 0.1) for m in models]
    for i in range(6):
        device = "gpu" if i in (2, 3) else "cpu"
        models[1].to_device(device)
        optimizers[1].to_device(device)
        step(models[0], optimizers[0], "cpu")
        step(models[1], optimizers[1], device)
    for p, q in zip(*(m.params for m in models), strict=True):
        assert device_of(q.data) == device_of(q.grad) == "cpu"
        assert_close(q.data, p.data, 1e-4)
    assert optimizers[1].t == 6


def test_copies_of_a_network_and_its_optimizer_go_on_alone(gpu):
    original = network().to_device("gpu")
    optimizer = Adam(original.params, 0.1)
    step(original, optimizer, "gpu")
    model, copy = deepcopy((original, optimizer))
    before = [to_numpy(p.data) for p in original.params]
    step(model, copy, "gpu")
    for p, kept in zip(original.params, before, strict=True):
        assert np.array_equal(to_numpy(p.data), kept)
    step(original, optimizer, "gpu")
    for p, q in zip(original.params, model.params, strict=True):
        assert np.array_equal(to_numpy(p.data), to_numpy(q.data))


@pytest.mark.parametrize("name", ["Conv2D", "Linear", "MaxPool2D"])
def test_a_gradient_check_finds_the_same_there(gpu, name):
    rng = np.random.default_rng(0)
    layers = {
        "Conv2D": (Conv2D(2, 3, rng=rng), (2, 4, 4, 2)),
        "Linear": (Linear(5, 3, rng=rng), (2, 5)),
        "MaxPool2D": (MaxPool2D(2), (2, 4, 4, 2)),
    }
    layer, shape = layers[name]
    x = to_device(rng.standard_normal(shape), "gpu")
    kept = to_numpy(x).copy()
    layer.astype(np.float64).to_device("gpu")
    found = check_layer(layer, x, np.random.default_rng(1))
    assert max(found.values()) < 1e-7
    assert np.array_equal(to_numpy(x), kept)
