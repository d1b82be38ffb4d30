"""A denoising autoencoder in front of a network.

Gu & Rigazio, Towards Deep Neural Network Architectures Robust to Adversarial Examples,
arXiv 1412.5068, 2014. It is trained to remove noise from images. Autoencoder and
network together are one differentiable network: the adaptive attack follows the
gradient through both.
"""

import numpy as np

from minidl import (
    Adam,
    Conv2D,
    MaxPool2D,
    ReLU,
    Sequential,
    Upsample2D,
    squared_error,
    train,
)
from minidl.backend import Array
from minidl.batches import to_float
from minidl.layers.base import Shape
from tutorials.defences.kept import Train


def autoencoder(input_shape: Shape, rng: np.random.Generator) -> Sequential:
    """Return an untrained autoencoder, of half the height and width in the middle.

    Shapes: x and out (N, H, W, C), H and W even.
    """
    C = input_shape[-1]
    layers = [
        Conv2D(C, 16, pad=1, rng=rng),
        ReLU(),
        MaxPool2D(2),
        Conv2D(16, 16, pad=1, rng=rng),
        ReLU(),
        Upsample2D(2),
        Conv2D(16, C, pad=1, rng=rng),
    ]
    return Sequential(layers, input_shape)


def trained_autoencoder(
    x: Array,
    rng: np.random.Generator,
    sigma: float = 0.3,
    epochs: int = 5,
    batch_size: int = 32,
    train: Train = train,
) -> Sequential:
    """Train it to turn x + N(0, sigma^2), clipped to [0, 1], back into x."""
    model = autoencoder(x.shape[1:], rng)

    def noisy(x: Array, target: Array, rng: np.random.Generator) -> Array:
        noise = rng.standard_normal(x.shape).astype(x.dtype)
        return np.clip(x + x.dtype.type(sigma) * noise, 0, 1)

    target, optimizer = to_float(x), Adam(model.params)
    how = (epochs, batch_size, rng)
    train(model, x, target, optimizer, *how, perturb=noisy, loss=squared_error)
    return model
