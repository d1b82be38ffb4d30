"""Layers of a user's own whose functions can't be called as networks call them."""

from functools import wraps

import numpy as np
import pytest

from minidl import Layer, Linear, Parameter, ReLU, Sequential
from minidl.gradcheck import check_layer


class NoGenerator(ReLU):
    def forward(self, x: np.ndarray) -> np.ndarray:
        return super().forward(x)


class GeneratorByName(ReLU):
    def forward(self, x, *, rng=None):
        return super().forward(x)


class GradientAlone(Linear):
    def backward(self, dout):
        return super().backward(dout)


class OneQuestion(Layer):
    def __init__(self, *_, rng):
        self.parts = [{"scale": Parameter(np.ones(3))}]

    def backward(self, dout, param_grads=True):
        return dout


GRADIENTS = r"backward must take \(dout, param_grads, input_grad\), got "
REFUSED = {
    NoGenerator: r"forward must take \(x, rng\), got NoGenerator\.forward\(x\): netw",
    GeneratorByName: r"forward must take \(x, rng\), got .*forward\(x, \*, rng=None\)",
    GradientAlone: GRADIENTS + r"GradientAlone\.backward\(dout\)",
    OneQuestion: GRADIENTS + r"OneQuestion\.backward\(dout, param_grads=True\)",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_another_signature_is_named_when_a_network_is_made(kind):
    rng = np.random.default_rng(0)
    layer = kind() if issubclass(kind, ReLU) else kind(3, 3, rng=rng)
    with pytest.raises(TypeError, match=rf"^layers\[1\]\.{REFUSED[kind]}"):
        Sequential([ReLU(), layer], (3,))
    with pytest.raises(TypeError, match=rf"^layer\.{REFUSED[kind]}"):
        check_layer(layer, np.ones((2, 3)), rng)


def without_generator(function):
    @wraps(function)
    def forward(self, x, rng=None):
        return function(self, x)

    return forward


def test_a_wrapper_takes_what_it_takes_itself():
    class Wrapped(ReLU):
        @without_generator
        def forward(self, x):
            return super().forward(x)

    x = np.array([[1, -2, 3.0]])
    assert Sequential([Wrapped()], (3,)).forward(x).tolist() == [[1, 0, 3]]


def test_other_names_defaults_and_functions_of_an_object_pass():
    class Free(ReLU):
        def forward(self, images, generator, more=0):
            return super().forward(images)

        def backward(self, *arguments):
            return super().backward(*arguments)

    layer, changed = Free(), ReLU()
    changed.backward = np.positive
    network = Sequential([layer, changed], (3,))
    x = np.array([[1, -2, 3.0]])
    assert network.forward(x).tolist() == [[1, 0, 3]]
    assert network.backward(np.ones((1, 3))).tolist() == [[1, 0, 1]]
    changed.backward = max  # it has no signature
    Sequential([layer, changed], (3,))
    changed.backward = lambda: None
    with pytest.raises(TypeError, match=r"^layers\[1\]\.backward must take \(dout\)"):
        Sequential([layer, changed], (3,))
