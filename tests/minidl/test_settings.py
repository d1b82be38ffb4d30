"""Settings are checked whenever they are assigned; some are fixed."""

import pickle
from copy import deepcopy

import numpy as np
import pytest

from minidl import Conv2D, Dropout, Linear, MaxPool2D, Round, Upsample2D

RNG = np.random.default_rng(0)


def conv(**options):
    return Conv2D(8, 8, 3, rng=RNG, **options)


@pytest.mark.parametrize(
    ("layer", "name", "value"),
    [
        (conv(stride=2), "stride", 1),
        (conv(pad=1), "pad", 0),
        (conv(stride=2), "algorithm", "winograd"),
        (MaxPool2D(2), "size", 3),
        (MaxPool2D(2), "stride", 1),
        (Upsample2D(3), "size", 2),
        (Round(4), "levels", 2),
    ],
)
def test_what_others_depend_on_is_fixed(layer, name, value):
    """Shapes, fused blocks and the algorithm depend on it."""
    before = getattr(layer, name)
    kind = type(layer).__name__
    with pytest.raises(TypeError, match=rf"^{name} of {kind} can't be changed, got "):
        setattr(layer, name, value)
    assert getattr(layer, name) == before


def test_the_kernels_size_is_that_of_the_weights():
    layer = conv()
    assert layer.kernel_size == (3, 3)
    with pytest.raises(AttributeError, match="kernel_size"):
        layer.kernel_size = 5


@pytest.mark.parametrize("copy", [deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_keep_their_settings(copy):
    layer = copy(conv(stride=2, pad=1, algorithm="im2col"))
    assert layer.how == (2, 1, "im2col")
    with pytest.raises(TypeError, match="stride of Conv2D can't be changed"):
        layer.stride = 1
    dropout = copy(Dropout(0.25))
    dropout.rate = 0.5
    assert dropout.rate == 0.5


@pytest.mark.parametrize("make", [conv, lambda: Linear(8, 8, rng=RNG)])
@pytest.mark.parametrize("name", ["W", "b"])
@pytest.mark.parametrize("value", [None, np.zeros((3, 3, 8, 8), np.float32), 1.0])
def test_a_value_that_is_not_a_parameter_is_named(make, name, value):
    layer = make()
    before = getattr(layer, name)
    kind = type(value).__name__
    with pytest.raises(
        TypeError, match=rf"^{name} must be of type Parameter, got {kind}"
    ):
        setattr(layer, name, value)
    assert getattr(layer, name) is before


def test_numbers_of_numpys_types_are_pythons():
    layer = conv(stride=np.int64(2), pad=np.uint8(1))
    pool = MaxPool2D(np.int64(2), np.int32(3))
    numbers = [layer.stride, layer.pad, *layer.kernel_size, pool.size, pool.stride]
    assert {type(n) for n in numbers} == {int}
    for rate in (np.float32(0.25), np.float64(0.25)):
        assert type(Dropout(rate).rate) is float
    assert type(Dropout(0).rate) is float
