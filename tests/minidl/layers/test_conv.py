"""The convolution layer; its kernels have tests of their own."""

import importlib

import numpy as np
import pytest

from minidl import Conv2D, kernels
from minidl.initializers import glorot
from tests import oracles
from tests.oracles import assert_close


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pad": 1},
        {"kernel_size": (2, 3), "stride": 2},
        {"kernel_size": 1},
        {"kernel_size": 5, "stride": 3, "pad": 2},
    ],
)
def test_forward_is_the_loop_plus_bias(each_implementation, rng, options):
    layer = Conv2D(2, 3, **options, rng=rng).astype(np.float64)
    layer.b.data[:] = [1, 2, 3]
    x = rng.standard_normal((2, 6, 7, 2))
    steps = options.get("stride", 1), options.get("pad", 0)
    expected = oracles.conv2d(x, layer.W.data, *steps) + layer.b.data
    assert_close(layer.forward(x), expected, 1e-13)


def test_shapes_and_initial_values():
    layer = Conv2D(2, 4, (3, 5), rng=np.random.default_rng(3))
    expected = glorot((3, 5, 2, 4), np.random.default_rng(3))
    assert np.array_equal(layer.W.data, expected)
    assert layer.b.data.tolist() == [0] * 4
    assert layer.params == (layer.W, layer.b)
    assert {p.data.dtype for p in layer.params} == {np.dtype(np.float32)}


def test_the_algorithm_reaches_each_kernel(rng, monkeypatch):
    calls = {}
    for name in ("conv2d", "conv2d_block_grads"):
        kernel = getattr(kernels, name)

        def spy(*args, kernel=kernel, name=name, **options):
            calls[name] = args[3:6]
            return kernel(*args, **options)

        monkeypatch.setattr(kernels, name, spy)
    layer = Conv2D(1, 1, 3, 2, 1, rng=rng, algorithm="im2col")
    out = layer.forward(np.ones((1, 5, 5, 1), np.float32))
    layer.backward(out)
    how = (2, 1, "im2col")
    assert calls == {"conv2d": how, "conv2d_block_grads": how}


@pytest.mark.parametrize(
    ("algorithm", "channels", "flag", "work"),
    [
        ("reference", 2, "param_grads", "reference.im2col"),
        ("reference", 2, "input_grad", "reference.col2im"),
        ("im2col", 8, "param_grads", "cpu.windows.gather_windows"),
        ("im2col", 8, "input_grad", "cpu.windows.scatter_windows"),
        ("im2col", 2, "param_grads", "cpu.few_channels.gather_taps"),
        ("im2col", 2, "input_grad", "cpu.few_channels.scatter_taps"),
        ("winograd", 8, "param_grads", "cpu.winograd.transform_input"),
        ("winograd", 8, "input_grad", "cpu.winograd.transform_input_grad"),
    ],
)
def test_a_gradient_not_asked_for_costs_nothing(
    rng, monkeypatch, algorithm, channels, flag, work
):
    name = "reference" if algorithm == "reference" else "numba"
    with kernels.use(name):
        how = "auto" if algorithm == "reference" else algorithm
        layer = Conv2D(channels, 8, rng=rng, algorithm=how)
        out = layer.forward(np.ones((1, 5, 5, channels), np.float32))

        def unwanted(*args):
            raise AssertionError(f"{work} was called")

        module = importlib.import_module(f"minidl.kernels.{work.rpartition('.')[0]}")
        if hasattr(module, "backward"):  # compiled: its plain Python can be watched
            monkeypatch.setattr(module, "backward", module.backward.py_func)
        monkeypatch.setattr(f"minidl.kernels.{work}", unwanted)
        layer.backward(out, **{flag: False})
        with pytest.raises(AssertionError, match="was called"):
            layer.backward(out)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "Conv2D(2, 4, 3x3)"),
        ({"kernel_size": (2, 5)}, "Conv2D(2, 4, 2x5)"),
        ({"stride": 2}, "Conv2D(2, 4, 3x3, stride=2)"),
        ({"pad": 1}, "Conv2D(2, 4, 3x3, pad=1)"),
        ({"stride": 3, "pad": 2}, "Conv2D(2, 4, 3x3, stride=3, pad=2)"),
    ],
)
def test_repr(rng, options, text):
    assert repr(Conv2D(2, 4, **options, rng=rng)) == text
