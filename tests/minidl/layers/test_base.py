"""Parameter and Layer, and moving them to another type or device."""

import numpy as np
import pytest

from minidl import Adam, Layer, Linear, Parameter, Sequential


class Plain(Layer):
    """A layer that defines nothing."""


def test_replace_starts_with_a_zero_gradient():
    p = Parameter(np.ones(3, np.float32))
    p.grad += 1
    data = np.array([1.0, 2.0, 3.0])
    p.replace(data)
    assert p.data.tolist() == [1, 2, 3]
    assert p.grad.tolist() == [0, 0, 0]
    assert p.grad.dtype == np.float64
    p.grad += 1
    p.data += 1
    assert data.tolist() == [1, 2, 3]


def test_an_assigned_array_is_copied():
    """Two networks that shared one would train each other."""
    one, two = (Parameter(np.full(3, value)) for value in (1.0, 2.0))
    two.grad += 5
    two.data = one.data
    two.data += 1
    assert one.data.tolist() == [1, 1, 1]
    assert two.grad.tolist() == [5, 5, 5]
    two.data = np.zeros(3, np.float32)
    assert two.grad.dtype == np.float32
    two.data = np.zeros((2, 2), np.float32)
    assert two.grad.shape == (2, 2)
    assert two.grad.dtype == np.float32
    assert not two.grad.any()


def test_an_assigned_gradient_is_written_into_the_parameters_own():
    """An optimizer on a GPU sees that array."""
    p, g = Parameter(np.ones(3, np.float32)), np.full(3, 2.0)
    held = p.grad
    p.grad = g
    p.grad *= 2
    assert p.grad is held
    assert held.tolist() == [4, 4, 4]
    assert g.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("grad", "message"),
    [
        (np.ones(1), r"^grad must have shape \(3,\), got \(1,\)"),
        (np.ones((1, 3)), r"^grad must have shape .*, got \(1, 3\)"),
        (np.ones(3, int), "^grad must be float32 or float64, got int64"),
        ([1.0, 1.0, 1.0], "^grad must be a NumPy or CuPy array, got list"),
        (1.0, "^grad must be a NumPy or CuPy array, got float"),
    ],
)
def test_a_value_that_is_not_a_gradient_is_named(grad, message):
    p = Parameter(np.ones(3))
    with pytest.raises((TypeError, ValueError), match=message):
        p.grad = grad
    assert not p.grad.any()


@pytest.mark.parametrize("dtype", ["int64", "float16", ">f4", "complex64", bool, "O"])
def test_parameters_are_floats_in_native_byte_order(dtype):
    data = np.ones(3, dtype)
    for make in (Parameter, Parameter(np.ones(3)).replace):
        with pytest.raises(TypeError, match=r"^data must be float32 or float64, got"):
            make(data)


@pytest.mark.parametrize(
    "dtype", [int, "int8", "float16", ">f8", complex, bool, None, "nonsense", object]
)
def test_a_cast_to_another_type_than_floats_is_refused(rng, dtype):
    layer = Linear(3, 2, rng=rng)
    before = layer.W.data
    with pytest.raises(TypeError, match=r"^dtype must be float32 or float64, got"):
        layer.astype(dtype)
    assert layer.W.data is before


def test_a_cast_to_infinity_converts_nothing(rng):
    layer = Linear(3, 2, rng=rng).astype(np.float64)
    layer.b.data[1] = 1e300
    message = r"^params\[1\] must be finite in float32, got 1e\+300"
    with pytest.raises(ValueError, match=message):
        layer.astype(np.float32)
    assert layer.W.data.dtype == layer.b.data.dtype == np.float64
    layer.b.data[1] = np.inf
    assert layer.astype(np.float32).b.data[1] == np.inf


def test_a_parameter_that_is_replaced_is_the_layers(rng):
    layer = Linear(3, 2, rng=rng)
    W = layer.W = Parameter(np.zeros((3, 2)))
    assert layer.params == (W, layer.b)
    with pytest.raises(AttributeError, match="params"):
        layer.params = (W,)


class Residual(Layer):
    """A layer of a user's own: a network, a list, and two things under two names."""

    def __init__(self, rng):
        self.inner = Sequential([Linear(2, 2, rng=rng)], (2,))
        self.scales = [Parameter(np.ones(2)), {"shift": Parameter(np.zeros(2))}]
        self.first = self.scales[0], self.inner.layers[0]


def test_parameters_are_found_in_lists_and_layers(rng):
    layer = Residual(rng)
    inner = layer.inner.layers[0]
    scale, shift = layer.scales[0], layer.scales[1]["shift"]
    assert layer.params == (inner.W, inner.b, scale, shift)
    layer.scales.append(Parameter(np.ones(1)))
    assert layer.params[-1] is layer.scales[-1]


def test_astype_converts_the_layers_own_parameters(rng):
    layer = Linear(3, 2, rng=rng)
    W, before = layer.W, layer.W.data.copy()
    assert layer.astype(np.float64) is layer
    assert layer.W is W
    assert layer.params == (layer.W, layer.b)
    assert W.data.dtype == W.grad.dtype == layer.b.data.dtype == np.float64
    assert np.array_equal(W.data, before)


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
