"""The paper's networks and the optimizers against PyTorch's, with the same weights."""

import numpy as np
import pytest

from minidl import (
    SGD,
    Adadelta,
    Adam,
    Conv2D,
    Dropout,
    Flatten,
    Linear,
    MaxPool2D,
    Parameter,
    ReLU,
    RMSprop,
    cifar10_cnn,
    cross_entropy,
    mnist_cnn,
)
from tests.oracles import assert_close

torch = pytest.importorskip("torch", reason="PyTorch, an oracle, isn't installed")
F = torch.nn.functional


def forward(model, x, leaves):
    """The network's layers in PyTorch's words, without dropout; leaves are NHWC."""
    leaves, x = iter(leaves), x.permute(0, 3, 1, 2)
    for layer in model.layers:
        match layer:
            case Conv2D():
                W = next(leaves).permute(3, 2, 0, 1)  # (F, C, KH, KW)
                x = F.conv2d(x, W, next(leaves), layer.stride, layer.pad)
            case MaxPool2D():
                x = F.max_pool2d(x, layer.size, layer.stride)
            case ReLU():
                x = torch.relu(x)
            case Flatten():
                x = x.permute(0, 2, 3, 1).flatten(1)
            case Linear():
                x = x @ next(leaves) + next(leaves)
            case Dropout():
                pass
    return x


@pytest.mark.parametrize("network", [mnist_cnn, cifar10_cnn])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float64, 1e-11), (np.float32, 1e-4)]
)
def test_networks(network, dtype, tolerance):
    rng = np.random.default_rng(0)
    model = network(rng).astype(dtype)
    x = rng.random((3, *model.input_shape)).astype(dtype)
    y = np.array([1, 5, 9])
    z = model.forward(x)
    costs, dz = cross_entropy(z, y)
    dx = model.backward(dz)

    arrays = [x, *(p.data for p in model.params)]
    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    their_z = forward(model, leaves[0], leaves[1:])
    their_cost = F.cross_entropy(their_z, torch.tensor(y), reduction="none")
    their_cost.sum().backward()

    assert_close(z, their_z.detach(), tolerance)
    assert_close(costs, their_cost.detach(), tolerance)
    gradients = [dx, *(p.grad for p in model.params)]
    for gradient, leaf in zip(gradients, leaves, strict=True):
        assert_close(gradient, leaf.grad, tolerance)


OPTIMIZERS = [
    (SGD, torch.optim.SGD, {"lr": 0.1}, {}),
    (SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}, {}),
    (Adam, torch.optim.Adam, {}, {}),
    (
        Adam,
        torch.optim.Adam,
        {"lr": 0.1, "beta1": 0.7, "beta2": 0.8, "eps": 0.1},
        {"betas": (0.7, 0.8)},
    ),
    (RMSprop, torch.optim.RMSprop, {}, {"lr": 1e-3, "alpha": 0.9}),
    (RMSprop, torch.optim.RMSprop, {"lr": 0.1, "rho": 0.6, "eps": 0.1}, {"alpha": 0.6}),
    (Adadelta, torch.optim.Adadelta, {}, {"rho": 0.95}),
    (Adadelta, torch.optim.Adadelta, {"lr": 0.3, "rho": 0.6, "eps": 0.1}, {}),
]


@pytest.mark.parametrize(("ours", "theirs", "options", "renamed"), OPTIMIZERS)
def test_optimizers(rng, ours, theirs, options, renamed):
    start = rng.standard_normal((4, 3))
    p, leaf = Parameter(start.copy()), torch.tensor(start, requires_grad=True)
    optimizer = ours([p], **options)
    known = {k: v for k, v in options.items() if k not in ("beta1", "beta2")}
    if "alpha" in renamed:
        known.pop("rho", None)
    their_optimizer = theirs([leaf], **known | renamed)
    for _ in range(10):
        p.grad[...] = rng.standard_normal((4, 3))
        leaf.grad = torch.tensor(p.grad)
        optimizer.step()
        their_optimizer.step()
        assert_close(p.data, leaf.detach(), 1e-12)
