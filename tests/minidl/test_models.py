"""The paper's networks: their rows, their sizes and their gradients."""

import numpy as np
import pytest

from minidl import cifar10_cnn, cross_entropy, mnist_cnn
from tests import oracles

TABLE1 = """
Conv2D(1, 32, 3x3)  ReLU()
Conv2D(32, 32, 3x3)  ReLU()
MaxPool2D(2x2)
Flatten()  Linear(4608, 128)  ReLU()
Dropout(0.5)
Linear(128, 10)
"""
TABLE3 = """
Conv2D(3, 32, 3x3, pad=1)  ReLU()
Conv2D(32, 32, 3x3, pad=1)  ReLU()
MaxPool2D(2x2)
Dropout(0.2)
Conv2D(32, 64, 3x3, pad=1)  ReLU()
Conv2D(64, 64, 3x3, pad=1)  ReLU()
MaxPool2D(2x2)
Dropout(0.3)
Conv2D(64, 128, 3x3, pad=1)  ReLU()
Conv2D(128, 128, 3x3, pad=1)  ReLU()
MaxPool2D(2x2)
Dropout(0.4)
Flatten()  Linear(2048, 512)  ReLU()
Dropout(0.5)
Linear(512, 10)
"""
NETWORKS = {mnist_cnn: (TABLE1, 600_810), cifar10_cnn: (TABLE3, 1_341_226)}


def layer_names(table):
    return [name for line in table.splitlines() for name in line.split("  ") if name]


@pytest.fixture(params=NETWORKS)
def network(request):
    return request.param


@pytest.fixture
def model(network):
    return network(np.random.default_rng(0))


def test_layers_are_the_tables_rows(network, model):
    table, parameters = NETWORKS[network]
    assert [str(layer) for layer in model.layers] == layer_names(table)
    assert sum(p.data.size for p in model.params) == parameters
    assert model.shapes[-1] == (10,)


def test_relu_logits_is_the_literal_table(network):
    literal = network(np.random.default_rng(0), relu_logits=True)
    plain = network(np.random.default_rng(0))
    names = [str(layer) for layer in literal.layers]
    assert names == [*(str(layer) for layer in plain.layers), "ReLU()"]
    x = np.random.default_rng(1).random((3, *plain.input_shape), np.float32)
    assert np.array_equal(literal.forward(x), np.maximum(plain.forward(x), 0))


def test_table_1_with_padding_keeps_the_images_size():
    model = mnist_cnn(np.random.default_rng(0), pad=1)
    assert model.shapes[4] == (28, 28, 32)
    assert model.shapes[5] == (14, 14, 32)


def test_table_3_without_padding_is_impossible():
    with pytest.raises(ValueError, match="window doesn't fit into an image of 1x1"):
        cifar10_cnn(np.random.default_rng(0), pad=0)


@pytest.fixture
def problem(network):
    """A network in float64, images, labels, and J as a function of nothing."""
    rng = np.random.default_rng(5)
    model = network(rng).astype(np.float64)
    x = rng.random((2, *model.input_shape))
    y = np.array([3, 8])
    return model, x, y, lambda: oracles.cross_entropy(model.forward(x), y)


def check_slopes(cost, array, gradient, directions):
    """Compare the gradient with the slopes of the cost along random directions."""
    rng = np.random.default_rng(6)
    for _ in range(directions):
        v = rng.standard_normal(array.shape)
        v /= np.linalg.norm(v)
        numeric = oracles.slope(cost, array, v, h=1e-6)
        scale = np.linalg.norm(gradient) / np.sqrt(array.size)
        assert abs(np.vdot(gradient, v) - numeric) <= 1e-6 * max(abs(numeric), scale)


def test_gradients_along_random_directions(problem):
    model, x, y, cost = problem
    dx = model.backward(cross_entropy(model.forward(x), y)[1] / len(x))
    check_slopes(cost, x, dx, directions=3)
    for p in model.params:
        check_slopes(cost, p.data, p.grad.copy(), directions=1)
