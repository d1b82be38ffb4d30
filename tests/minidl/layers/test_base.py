"""Parameter and Layer, and moving them to another type or device."""

import numpy as np
import pytest

from minidl import Adam, Layer, Linear, Parameter


class Plain(Layer):
    """A layer that defines nothing."""


def test_a_parameter_has_a_gradient_of_its_own():
    p = Parameter(np.ones((2, 3), np.float32))
    assert p.grad.shape == (2, 3)
    assert p.grad.dtype == np.float32
    assert not p.grad.any()
    assert not np.shares_memory(p.grad, p.data)


def test_training_leaves_the_array_a_parameter_was_made_from():
    data = np.ones(3, np.float32)
    Parameter(data).data += 1
    assert data.tolist() == [1, 1, 1]


def test_replace_starts_with_a_zero_gradient():
    p = Parameter(np.ones(3, np.float32))
    p.grad += 1
    data = np.array([1.0, 2.0, 3.0])
    p.replace(data)
    assert p.data is data
    assert p.grad.tolist() == [0, 0, 0]
    assert p.grad.dtype == np.float64
    p.grad += 1
    assert p.data.tolist() == [1, 2, 3]


def test_astype_converts_the_layers_own_parameters(rng):
    layer = Linear(3, 2, rng=rng)
    W, before = layer.W, layer.W.data.copy()
    assert layer.astype(np.float64) is layer
    assert layer.W is W
    assert layer.params == (layer.W, layer.b)
    assert W.data.dtype == W.grad.dtype == layer.b.data.dtype == np.float64
    assert np.array_equal(W.data, before)


def test_to_device_cpu_keeps_the_parameters(rng):
    layer = Linear(3, 2, rng=rng)
    before = layer.W.data
    assert layer.to_device("cpu") is layer
    assert layer.W.data is before


def test_to_device_names_an_unknown_device(rng):
    with pytest.raises(ValueError, match="device must be 'cpu' or 'gpu', got 'tpu'"):
        Linear(3, 2, rng=rng).to_device("tpu")


def test_a_layer_without_parameters_keeps_its_inputs_shape():
    assert Plain().params == ()
    assert Plain().output_shape((4, 5, 6)) == (4, 5, 6)
    assert repr(Plain()) == "Plain()"


def test_forward_and_backward_are_for_subclasses():
    with pytest.raises(NotImplementedError):
        Plain().forward(np.zeros(1))
    with pytest.raises(NotImplementedError):
        Plain().backward(np.zeros(1))


def test_an_array_that_is_assigned_is_trained():
    """Another library's weights, transposed, aren't contiguous: kernels need a copy."""
    theirs = np.random.default_rng(0).random((3, 4), np.float32)
    layer = Linear(4, 3, rng=np.random.default_rng(0))
    layer.W.data = theirs.T
    assert layer.W.data.flags.c_contiguous
    optimizer, before = Adam(layer.params), theirs.T.copy()
    layer.forward(np.ones((2, 4), np.float32))
    layer.backward(np.ones((2, 3), np.float32))
    optimizer.step()
    assert (layer.W.data != before).all()
    contiguous = before.copy()
    layer.W.data = contiguous
    assert layer.W.data is contiguous
