"""Trained networks of Table 1, and modules of PyTorch with the same weights.

Other libraries' attacks take such a module. For an ensemble it returns the log of the
mean probability, whose softmax is what the ensemble predicts. Trajectories are compared
in float64, so that signs of small gradients don't differ by rounding.
"""

from functools import cache

import numpy as np
import torch

from minidl import Adam, mnist_cnn, train
from minidl.data import load_mnist_sample
from tests.benchmarks.torch_convert import convert

IMAGES = 100
torch.set_num_threads(1)  # its threads would fight for the cores with ours


@cache
def trained(members):
    """Return quickly trained networks, in float64."""
    data, models = load_mnist_sample(), []
    for seed in range(members):
        rng = np.random.default_rng(seed)
        model = mnist_cnn(rng)
        optimizer = Adam(model.params)
        train(model, data.x_train, data.y_train, optimizer, 1, batch_size=32, rng=rng)
        models.append(model.astype(np.float64))
    return models


def test_images():
    """Return the first test images and their labels."""
    data = load_mnist_sample()
    return data.x_test[:IMAGES] / 255.0, data.y_test[:IMAGES].astype(int)


def noisy(x):
    """Grey, noisy images: in a black background, all values of a pooling window tie.

    Which of them gets the gradient is then decided by rounding, here and there.
    """
    noise = np.random.default_rng(0).random(x.shape)
    return 0.25 + 0.4 * x + 0.1 * noise


class Twin(torch.nn.Module):
    """One network's logits, or log of the mean of several networks' probabilities."""

    def __init__(self, models):
        super().__init__()
        self.members = torch.nn.ModuleList(convert(model) for model in models)
        if models[0].params[0].data.dtype == np.float64:
            self.double()
        self.eval()

    def forward(self, x):
        """(N, C, H, W) -> (N, K)."""
        z = [member(x) for member in self.members]
        if len(z) > 1:
            log_p = torch.stack([torch.log_softmax(z_i, 1) for z_i in z])
            z = [torch.logsumexp(log_p, 0) - np.log(len(z))]
        return z[0]


def to_torch(x):
    """(N, H, W, C) -> (N, C, H, W)."""
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()


def to_numpy(x):
    """(N, C, H, W) -> (N, H, W, C)."""
    return x.detach().permute(0, 2, 3, 1).numpy()
