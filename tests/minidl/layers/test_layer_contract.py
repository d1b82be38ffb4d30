"""What every layer promises: a true derivative, and hands off the caller's arrays."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from minidl import (
    Conv2D,
    Dropout,
    Flatten,
    Linear,
    MaxPool2D,
    Normalize,
    ReLU,
    Round,
    Sequential,
    Softmax,
    Upsample2D,
)
from minidl.layers import Layer
from tests.oracles import assert_close, differences, relative_error

RNG = np.random.default_rng(0)
SMALL_CNN_SHAPE = (6, 6, 2)


def small_cnn(rng):
    """Every kind of layer, alone and in a block."""
    layers = [
        Conv2D(2, 3, 3, pad=1, rng=rng),
        ReLU(),
        MaxPool2D(2),
        Dropout(0.25),
        Flatten(),
        *(Linear(27, 6, rng=rng), ReLU(), Linear(6, 4, rng=rng)),
    ]
    return Sequential(layers, SMALL_CNN_SHAPE)


def decoder(rng):
    """What an autoencoder ends in: an image, not logits."""
    layers = [
        Conv2D(2, 3, pad=1, rng=rng),
        ReLU(),
        Upsample2D(2),
        Conv2D(3, 1, pad=1, rng=rng),
    ]
    return Sequential(layers, (3, 2, 2))


class Case(NamedTuple):
    """A layer, the shape of a batch for it, and whether dropout is on."""

    make: Callable[[np.random.Generator], Layer]
    x_shape: tuple[int, ...]
    training: bool = False

    def layer(self, dtype=np.float64):
        """The layer with random parameters: zero biases would hide mistakes."""
        rng = np.random.default_rng(1)
        layer = self.make(rng).astype(dtype)
        for p in layer.params:
            p.data[...] = rng.standard_normal(p.data.shape)
        return layer

    def x(self, dtype=np.float64):
        return np.random.default_rng(2).standard_normal(self.x_shape).astype(dtype)

    def forward(self, layer, x):
        return layer.forward(x, np.random.default_rng(3) if self.training else None)

    def dout(self, layer, dtype=np.float64):
        shape = self.forward(layer, self.x(dtype)).shape
        return np.random.default_rng(4).standard_normal(shape).astype(dtype)


CASES = {
    "Linear": Case(lambda rng: Linear(4, 3, rng=rng), (5, 4)),
    "Linear, one image": Case(lambda rng: Linear(4, 3, rng=rng), (1, 4)),
    "Conv2D": Case(lambda rng: Conv2D(2, 3, rng=rng), (2, 5, 6, 2)),
    "Conv2D, same": Case(lambda rng: Conv2D(2, 2, pad=1, rng=rng), (2, 4, 4, 2)),
    "Conv2D, stride": Case(
        lambda rng: Conv2D(1, 2, (3, 2), 2, 1, rng=rng), (2, 6, 5, 1)
    ),
    "Conv2D, 1x1": Case(lambda rng: Conv2D(3, 2, 1, rng=rng), (2, 3, 3, 3)),
    "MaxPool2D": Case(lambda rng: MaxPool2D(2), (2, 5, 6, 2)),
    "MaxPool2D, overlapping": Case(lambda rng: MaxPool2D(3, 1), (2, 5, 5, 2)),
    "MaxPool2D, with gaps": Case(lambda rng: MaxPool2D(2, 3), (2, 6, 6, 1)),
    "ReLU": Case(lambda rng: ReLU(), (4, 7)),
    "ReLU of images": Case(lambda rng: ReLU(), (2, 3, 3, 2)),
    "Round": Case(lambda rng: Round(4), (3, 5)),
    "Upsample2D": Case(lambda rng: Upsample2D(2), (2, 3, 4, 2)),
    "Upsample2D, 3x3": Case(lambda rng: Upsample2D(3), (1, 2, 1, 3)),
    "Decoder": Case(decoder, (2, 3, 2, 2)),
    "Softmax": Case(lambda rng: Softmax(), (4, 5)),
    "Normalize": Case(lambda rng: Normalize(0.3, 2), (2, 3, 4, 2)),
    "Normalize, channels": Case(
        lambda rng: Normalize([0.5, -1, 0], (0.25, 2, 1)), (2, 4, 3, 3)
    ),
    "Flatten": Case(lambda rng: Flatten(), (2, 3, 4, 2)),
    "Dropout": Case(lambda rng: Dropout(0.4), (4, 6), training=True),
    "Dropout, evaluation": Case(lambda rng: Dropout(0.4), (4, 6)),
    "Sequential": Case(small_cnn, (2, *SMALL_CNN_SHAPE)),
    "Sequential, training": Case(small_cnn, (2, *SMALL_CNN_SHAPE), training=True),
}


LEARNED = [name for name, case in CASES.items() if case.layer().params]


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request):
    return request.param


def passed(case, layer, x, dout):
    """The output, dJ/dx and the parameters' gradients."""
    out = case.forward(layer, x)
    return [out, layer.backward(dout), *(p.grad for p in layer.params)]


def test_gradients_are_the_difference_quotients(each_implementation, case):
    layer, x = case.layer(), case.x()
    dout = case.dout(layer)
    _, *gradients = passed(case, layer, x, dout)
    arrays = [x, *(p.data for p in layer.params)]
    for gradient, array in zip(gradients, arrays, strict=True):
        kept = gradient.copy()
        numeric = differences(lambda: np.vdot(case.forward(layer, x), dout), array)
        assert relative_error(kept, numeric) <= 1e-6


def test_types_are_kept_and_float32_is_float64_to_rounding(each_implementation, case):
    results = {}
    for dtype in (np.float32, np.float64):
        layer = case.layer(dtype)
        found = passed(case, layer, case.x(dtype), case.dout(layer, dtype))
        assert {a.dtype for a in (*found, *(p.data for p in layer.params))} == {
            np.dtype(dtype)
        }
        results[dtype] = found
    for low, high in zip(*results.values(), strict=True):
        assert_close(low, high, 5e-6)


def test_arguments_and_parameters_are_untouched(each_implementation, case):
    layer, x = case.layer(), case.x()
    dout = case.dout(layer)
    arrays = [x, dout, *(p.data for p in layer.params)]
    before = [a.copy() for a in arrays]
    x.flags.writeable = dout.flags.writeable = False
    passed(case, layer, x, dout)
    for array, copy in zip(arrays, before, strict=True):
        assert np.array_equal(array, copy)


def test_returned_arrays_are_never_overwritten(each_implementation, case):
    layer, x = case.layer(), case.x()
    dout = case.dout(layer)
    out, dx, *_ = passed(case, layer, x, dout)
    kept_out, kept_dx = out.copy(), dx.copy()
    passed(case, layer, x[::-1] * 2, dout * 3)
    passed(case, layer, x[:1], dout[:1])
    assert np.array_equal(out, kept_out)
    assert np.array_equal(dx, kept_dx)


def test_the_same_call_gives_the_same_bits_in_the_same_arrays(
    each_implementation, case
):
    """Gradients are written in place, not added."""
    layer, x = case.layer(), case.x()
    dout = case.dout(layer)
    one = passed(case, layer, x, dout)
    bits = [a.tobytes() for a in one]
    two = passed(case, layer, x, dout)
    assert bits == [a.tobytes() for a in two]
    assert all(p is q for p, q in zip(one[2:], two[2:], strict=True))


@pytest.mark.parametrize("name", LEARNED)
def test_what_is_not_asked_for_stays_as_it_was(each_implementation, name):
    case = CASES[name]
    layer = case.layer()
    dout = case.dout(layer)
    _, dx, *gradients = passed(case, layer, case.x(), dout)
    expected = [g.copy() for g in gradients]
    for p in layer.params:
        p.grad[...] = 77
    assert np.array_equal(layer.backward(dout, param_grads=False), dx)
    assert all((p.grad == 77).all() for p in layer.params)
    assert layer.backward(dout, input_grad=False) is None
    for p, gradient in zip(layer.params, expected, strict=True):
        assert np.array_equal(p.grad, gradient)


def test_backward_belongs_to_the_latest_forward(each_implementation, case):
    layer, x = case.layer(), case.x()
    dout = case.dout(layer)
    expected = passed(case, case.layer(), x, dout)[1]
    case.forward(layer, x * 5 + 1)
    case.forward(layer, x)
    assert np.array_equal(layer.backward(dout), expected)


def test_backward_before_forward_is_named(case):
    layer = case.layer()
    dout = case.dout(case.layer())
    with pytest.raises(RuntimeError, match=r"^backward of .* needs a forward pass"):
        layer.backward(dout)


def test_the_gradient_of_another_batch_is_named(each_implementation, case):
    """It is neither broadcast nor multiplied by the latest batch's mask."""
    layer = case.layer()
    dout = case.dout(layer)
    more = np.concatenate([dout, dout])
    for other in (more, dout[:0], dout[0], dout[..., None], dout[..., :1]):
        if other.shape != dout.shape:
            with pytest.raises(ValueError, match=r"^dout must have the shape of th"):
                layer.backward(other)
    for other in (dout.tolist(), dout.astype(int)):
        with pytest.raises(TypeError, match=r"^dout must be "):
            layer.backward(other)


def test_empty_batches_and_lists_are_named(each_implementation, case):
    layer, x = case.layer(), case.x()
    for other in (x[:0], x.tolist(), x.astype(int)):
        with pytest.raises((TypeError, ValueError), match=r"^x must (not )?(be|have)"):
            layer.forward(other)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Linear(4, 3, rng=RNG), (5, 3)),
        (Linear(4, 3, rng=RNG), (4,)),
        (Linear(4, 3, rng=RNG), (5, 2, 4)),
        (Conv2D(2, 3, rng=RNG), (1, 5, 5, 3)),
        (Conv2D(2, 3, rng=RNG), (5, 5, 2)),
        (MaxPool2D(2), (5, 5, 2)),
        (MaxPool2D(2), (1, 4)),
        (Upsample2D(2), (5, 5, 2)),
        (Softmax(), (4,)),
        (Softmax(), (4, 2, 2)),
    ],
)
def test_inputs_of_another_shape_are_named(each_implementation, layer, shape):
    with pytest.raises(ValueError, match=r"^x must have .*, got (shape )?\(.*\)$"):
        layer.forward(np.zeros(shape))
    message = rf"^{re.escape(str(layer))} takes shape \(.*\), got \("
    with pytest.raises(ValueError, match=message):
        layer.output_shape(shape[1:])


@pytest.mark.parametrize("layer", [MaxPool2D(5), Conv2D(1, 1, 5, rng=RNG)])
def test_images_that_are_too_small_are_named(each_implementation, layer):
    message = "^a 5x5 window doesn't fit into an image of 4x4"
    with pytest.raises(ValueError, match=message):
        layer.forward(np.zeros((1, 4, 4, 1)))
    with pytest.raises(ValueError, match=message):
        Sequential([layer], (4, 4, 1))


# In training, an image's dropout mask depends on its place in the batch.
@pytest.mark.parametrize("name", [n for n, c in CASES.items() if not c.training])
def test_images_of_a_batch_do_not_mix(each_implementation, name):
    case = CASES[name]
    layer, x = case.layer(), case.x()
    dout = case.dout(layer)
    out = case.forward(layer, x)
    dx = layer.backward(dout)
    for n in range(len(x)):
        assert_close(case.forward(layer, x[n : n + 1]), out[n : n + 1], 1e-13)
        assert_close(layer.backward(dout[n : n + 1]), dx[n : n + 1], 1e-13)


def test_output_shape_says_what_forward_gives(case):
    layer = case.layer()
    shape = layer.output_shape(case.x_shape[1:])
    assert shape == case.forward(layer, case.x()).shape[1:]
    assert all(type(size) is int for size in shape)


def test_any_memory_layout_gives_the_same(each_implementation, case):
    layer, x = case.layer(), case.x()
    dout = case.dout(layer)
    out = case.forward(layer, x)
    dx = layer.backward(dout)
    assert_close(case.forward(layer, np.asfortranarray(x)), out, 1e-13)
    assert_close(layer.backward(np.asfortranarray(dout)), dx, 1e-13)
