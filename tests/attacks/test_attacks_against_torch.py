"""The papers' networks in PyTorch with our weights: the same attacks."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from attacks import bim, fgsm, model_gradient, sum_gradient
from minidl import cifar10_cnn, mnist_cnn

REASON = "PyTorch isn't installed (its default build is gigabytes)"
twins = pytest.importorskip("tests.attacks.torch_twins", reason=REASON)
NETWORKS = pytest.mark.parametrize("network", [mnist_cnn, cifar10_cnn])


def torch_gradient(models, x, y):
    """dJ/dx of the sum of J over images and models, by automatic differentiation."""
    leaf, y = twins.to_torch(x).requires_grad_(), twins.torch.from_numpy(y)
    loss = twins.torch.nn.CrossEntropyLoss(reduction="sum")
    sum(loss(twins.Twin([model])(leaf), y) for model in models).backward()
    return twins.to_numpy(leaf.grad)


def draw_images(network, rng):
    model = network(rng).astype(np.float64)
    return model, rng.random((3, *model.input_shape)), rng.integers(10, size=3)


@NETWORKS
@pytest.mark.parametrize("eps", [0.3, 0.03])
def test_fgsm(network, rng, eps):
    model, x, y = draw_images(network, rng)
    step = eps * np.sign(torch_gradient([model], x, y))
    x_adv = fgsm(model_gradient(model), x, y, eps)
    assert_allclose(x_adv, (x + step).clip(0, 1), rtol=0, atol=1e-12)


def test_adv_2_bim(rng):
    models = [draw_images(mnist_cnn, rng)[0] for _ in range(2)]
    _, x, y = draw_images(mnist_cnn, rng)
    expected = x
    for _ in range(3):
        moved = expected + 0.05 * np.sign(torch_gradient(models, expected, y))
        expected = moved.clip(x - 0.12, x + 0.12).clip(0, 1)
    x_adv = bim(sum_gradient(models), x, y, 0.12, 0.05, 3)
    assert_allclose(x_adv, expected, rtol=0, atol=1e-12)
