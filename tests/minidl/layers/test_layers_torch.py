"""Layers against PyTorch's, with the same weights, in float64."""

import numpy as np
import pytest

from minidl import (
    Conv2D,
    Linear,
    MaxPool2D,
    ReLU,
    Softmax,
    cross_entropy,
)
from tests.oracles import assert_close

torch = pytest.importorskip("torch", reason="PyTorch, an oracle, isn't installed")
F = torch.nn.functional


def tensor(array):
    """A leaf of PyTorch's graph with a copy of the array."""
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def compare(layer, x, theirs):
    """Outputs and gradients of a layer, and of theirs(x, *parameters)."""
    layer.astype(np.float64)
    for p in layer.params:
        p.data[...] = np.random.default_rng(1).standard_normal(p.data.shape)
    out = layer.forward(x)
    dout = np.random.default_rng(2).standard_normal(out.shape)
    dx = layer.backward(dout)

    leaves = [tensor(x), *(tensor(p.data) for p in layer.params)]
    expected = theirs(*leaves)
    expected.backward(torch.tensor(dout))
    assert_close(out, expected.detach(), 1e-12)
    for ours, leaf in zip([dx, *(p.grad for p in layer.params)], leaves, strict=True):
        assert_close(ours, leaf.grad, 1e-12)


@pytest.mark.parametrize("window", [(3, 3), (1, 1), (2, 4), (5, 3)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pad", [0, 1, 2])
def test_conv2d(each_implementation, rng, window, stride, pad):
    layer = Conv2D(3, 4, window, stride, pad, rng=rng)

    def theirs(x, W, b):
        W = W.permute(3, 2, 0, 1)  # (F, C, KH, KW)
        return nhwc(F.conv2d(nchw(x), W, b, stride, pad))

    compare(layer, rng.standard_normal((2, 8, 7, 3)), theirs)


def test_linear(rng):
    layer = Linear(5, 4, rng=rng)
    compare(layer, rng.standard_normal((3, 5)), lambda x, W, b: x @ W + b)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (2, 1), (2, 3)])
def test_max_pool(each_implementation, rng, size, stride):
    def theirs(x):
        return nhwc(F.max_pool2d(nchw(x), size, stride))

    compare(MaxPool2D(size, stride), rng.standard_normal((2, 7, 8, 3)), theirs)


def test_max_pool_breaks_ties_alike(each_implementation, rng):
    x = rng.integers(0, 2, (2, 6, 6, 2)).astype(float)
    compare(MaxPool2D(2), x, lambda x: nhwc(F.max_pool2d(nchw(x), 2)))


def test_relu_and_its_gradient_at_zero(rng):
    x = rng.integers(-1, 2, (4, 6)).astype(float)
    compare(ReLU(), x, torch.relu)


def test_softmax(rng):
    compare(Softmax(), rng.standard_normal((4, 6)), lambda z: torch.softmax(z, 1))


@pytest.mark.parametrize("scale", [1, 100])
def test_cross_entropy(rng, scale):
    z, y = scale * rng.standard_normal((6, 10)), rng.integers(0, 10, 6)
    leaf = tensor(z)
    costs, dz = cross_entropy(z, y)
    expected = F.cross_entropy(leaf, torch.tensor(y), reduction="none")
    expected.sum().backward()
    assert_close(costs, expected.detach(), 1e-13)
    assert_close(dz, leaf.grad, 1e-13)
