"""The ten variants of each table: all different, and the first is the table."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ensembles.architectures import architecture_names, build_architecture
from minidl import (
    Conv2D,
    Dropout,
    Normalize,
    Sequential,
    cifar10_cnn,
    cross_entropy,
    mnist_cnn,
)
from minidl.models import build, dropout, linear, max_pool, relu_conv, relu_linear
from tests.oracles import same_bits


def table1_twin(filters, units, rng):
    """Table 1's rows with other numbers."""
    convolutions = [relu_conv(filters), relu_conv(filters)]
    rows = [*convolutions, max_pool(), relu_linear(units), dropout(0.5), linear(10)]
    return build((28, 28, 1), rows, rng, 0)


PLAIN = {"mnist-cnn": mnist_cnn, "cifar10-cnn": cifar10_cnn}
LITERAL = {f"{t}-literal": partial(f, relu_logits=True) for t, f in PLAIN.items()}
CENTRED = {f"{t}-centred": partial(lambda t, g: centred(PLAIN[t](g)), t) for t in PLAIN}
TABLES = PLAIN | LITERAL | CENTRED | {"mnist-cnn-small": partial(table1_twin, 8, 32)}
TABLE = pytest.mark.parametrize("table", TABLES)
NAMES = [f"{table}/{i}" for table in TABLES for i in range(10)]


def centred(model):
    return Sequential([Normalize(0.5, 0.5), *model.layers], model.input_shape)


def new_model(name, seed=3):
    return build_architecture(name, np.random.default_rng(seed))


def size(model):
    return sum(p.data.size for p in model.params)


@TABLE
@pytest.mark.parametrize("variant", ["", "/0"])
def test_a_name_alone_and_variant_0_are_the_table(table, variant):
    expected, found = (
        TABLES[table](np.random.default_rng(3)),
        new_model(table + variant),
    )
    assert [repr(a) for a in found.layers] == [repr(a) for a in expected.layers]
    assert same_bits(found.params, expected.params)


@TABLE
def test_ten_variants_have_ten_different_structures(table):
    models = [new_model(f"{table}/{i}") for i in range(10)]
    assert len({str(model.layers) for model in models}) == 10


@TABLE
def test_variants_are_similar(table):
    """Extra filters or an extra convolution, not another kind of network."""
    expected = TABLES[table](np.random.default_rng(3))
    rates = [layer.rate for layer in expected.layers if isinstance(layer, Dropout)]
    for i in range(1, 10):
        layers = new_model(f"{table}/{i}").layers
        assert [d.rate for d in layers if isinstance(d, Dropout)] == rates
        extra = [layer for layer in layers if isinstance(layer, Conv2D)][
            sum(isinstance(layer, Conv2D) for layer in expected.layers) :
        ]
        assert len(extra) <= 2
        assert all(c.kernel_size == (3, 3) for c in extra)
        assert 0.5 < size(new_model(f"{table}/{i}")) / size(expected) < 2


@pytest.mark.parametrize("name", [n for n in NAMES if "literal" in n])
def test_literal_networks_differ_from_the_plain_ones_in_the_logits_relu(name, rng):
    literal, plain = new_model(name), new_model(name.replace("-literal", ""))
    x = rng.random((2, *plain.input_shape), np.float32)
    assert_array_equal(literal.forward(x), np.maximum(plain.forward(x), 0))


@pytest.mark.parametrize("name", [n for n in NAMES if "centred" in n])
def test_centred_networks_see_pixels_from_minus_1_to_1(name, rng):
    own, plain = new_model(name), new_model(name.replace("-centred", ""))
    x = rng.random((2, *plain.input_shape), np.float32)
    np.testing.assert_allclose(own.forward(x), plain.forward(2 * x - 1), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_every_variant_runs_forward_and_backward(name, rng):
    model = new_model(name)
    x, y = rng.random((2, *model.input_shape), np.float32), np.array([1, 9])
    z = model.forward(x)
    dx = model.backward(cross_entropy(z, y)[1])
    assert (z.shape, dx.shape) == ((2, 10), x.shape)
    for gradient in (dx, *(p.grad for p in model.params)):
        assert np.isfinite(gradient).all()
        assert gradient.any()


@TABLE
def test_the_names(table):
    assert architecture_names(table) == [table, *(f"{table}/{i}" for i in range(10))]


@pytest.mark.parametrize(
    "name",
    [
        *("resnet", "mnist-cnn/10", "mnist-cnn/-1", "mnist-cnn/", "mnist-cnn/00", ""),
        *("-literal", "mnist-cnn-literal/10", "mnist-cnn/3-literal"),
    ],
)
def test_an_unknown_name(name):
    message = f"^architecture must be one of {', '.join(TABLES)}, or .*got '{name}'$"
    with pytest.raises(ValueError, match=message):
        new_model(name)
