"""The papers' networks in PyTorch with our weights: same gradients, same attacks."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from attacks import bim, fgsm, input_gradient, model_gradient, sum_gradient
from minidl import Conv2D, Linear, MaxPool2D, ReLU, cifar10_cnn, mnist_cnn

REASON = "PyTorch isn't installed (its default build is gigabytes)"
NETWORKS = pytest.mark.parametrize("network", [mnist_cnn, cifar10_cnn])


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason=REASON)


def torch_logits(torch, model, x):
    """Our network's layers, in evaluation mode, as PyTorch's functions on NCHW."""
    functional = torch.nn.functional
    out = x.permute(0, 3, 1, 2)  # (N, C, H, W)
    for layer in model.layers:
        weights = [torch.from_numpy(p.data) for p in layer.params]
        if isinstance(layer, Conv2D):
            W = weights[0].permute(3, 2, 0, 1)  # (F, C, KH, KW)
            out = functional.conv2d(out, W, weights[1], layer.stride, layer.pad)
        elif isinstance(layer, Linear):
            if out.ndim == 4:  # flattened as NHWC, so that our weights fit
                out = out.permute(0, 2, 3, 1).flatten(1)  # (N, H*W*C)
            out = out @ weights[0] + weights[1]
        elif isinstance(layer, MaxPool2D):
            out = functional.max_pool2d(out, layer.size, layer.stride)
        elif isinstance(layer, ReLU):
            out = torch.relu(out)
    return out


def torch_gradient(torch, models, x, y):
    """dJ/dx of the sum of J over images and models, by automatic differentiation."""
    x, y = torch.tensor(x, requires_grad=True), torch.from_numpy(y)
    loss = torch.nn.functional.cross_entropy
    sum(loss(torch_logits(torch, m, x), y, reduction="sum") for m in models).backward()
    return x.grad.numpy()


def draw_images(network, rng, dtype):
    model = network(rng).astype(dtype)
    x = rng.random((3, *model.input_shape)).astype(dtype)
    return model, x, rng.integers(10, size=3)


@NETWORKS
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_input_gradient(torch, network, rng, dtype, rtol):
    model, x, y = draw_images(network, rng, dtype)
    expected = torch_gradient(torch, [model], x, y)
    atol = rtol * np.abs(expected).max()
    assert_allclose(input_gradient(model, x, y), expected, rtol=0, atol=atol)


@NETWORKS
@pytest.mark.parametrize("eps", [0.3, 0.03])
def test_fgsm(torch, network, rng, eps):
    model, x, y = draw_images(network, rng, np.float64)
    step = eps * np.sign(torch_gradient(torch, [model], x, y))
    x_adv = fgsm(model_gradient(model), x, y, eps)
    assert_allclose(x_adv, (x + step).clip(0, 1), rtol=0, atol=1e-12)


def test_adv_2_bim(torch, rng):
    models = [draw_images(mnist_cnn, rng, np.float64)[0] for _ in range(2)]
    _, x, y = draw_images(mnist_cnn, rng, np.float64)
    expected = x
    for _ in range(3):
        moved = expected + 0.05 * np.sign(torch_gradient(torch, models, expected, y))
        expected = moved.clip(x - 0.12, x + 0.12).clip(0, 1)
    x_adv = bim(sum_gradient(models), x, y, 0.12, 0.05, 3)
    assert_allclose(x_adv, expected, rtol=0, atol=1e-12)
