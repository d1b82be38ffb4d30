"""The paper's networks, row by row.

Each row of Tables 1 and 3 is one function that makes the row's layers for the shape of
its input. `build` stacks rows, so that a network reads like its table. The last row,
softmax, belongs to `Sequential.predict_proba` and to the loss.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from minidl.layers import (
    Conv2D,
    Dropout,
    Flatten,
    Layer,
    Linear,
    MaxPool2D,
    Normalize,
    ReLU,
    Sequential,
)
from minidl.layers.base import Shape

# A row takes the shape of one input, the generator `rng` of the weights, and the
# convolutions' padding `pad`.
Row: TypeAlias = Callable[[Shape, np.random.Generator, int], list[Layer]]

MNIST_SHAPE = (28, 28, 1)
CIFAR10_SHAPE = (32, 32, 3)


def centred() -> Row:
    """Pixels in [-1, 1] instead of [0, 1]."""
    return lambda shape, rng, pad: [Normalize(0.5, 0.5)]


def relu_conv(filters: int) -> Row:
    """Relu Convolutional with this number of filters (3x3)."""
    return lambda shape, rng, pad: [
        Conv2D(shape[-1], filters, 3, pad=pad, rng=rng),
        ReLU(),
    ]


def max_pool() -> Row:
    """Max Pooling, 2x2."""
    return lambda shape, rng, pad: [MaxPool2D(2)]


def dropout(rate: float) -> Row:
    """Dropout at a rate."""
    return lambda shape, rng, pad: [Dropout(rate)]


def linear(units: int) -> Row:
    """Fully Connected with this number of units; images are flattened first."""

    def row(shape: Shape, rng: np.random.Generator, pad: int) -> list[Layer]:
        flatten: list[Layer] = [Flatten()] if len(shape) > 1 else []
        return [*flatten, Linear(int(np.prod(shape)), units, rng=rng)]

    return row


def relu_linear(units: int) -> Row:
    """Relu Fully Connected with this number of units."""
    return lambda shape, rng, pad: [*linear(units)(shape, rng, pad), ReLU()]


def build(
    input_shape: Shape, rows: Sequence[Row], rng: np.random.Generator, pad: int
) -> Sequential:
    """Stack the rows' layers, each made for its predecessor's output shape."""
    layers: list[Layer] = []
    shape = input_shape
    for row in rows:
        for layer in row(shape, rng, pad):
            layers.append(layer)
            shape = layer.output_shape(shape)
    return Sequential(layers, input_shape)


def mnist_cnn(
    rng: np.random.Generator, pad: int = 0, relu_logits: bool = False
) -> Sequential:
    """Table 1, the network for MNIST, 600,810 parameters.

    The table's last fully connected row has a ReLU, too. `relu_logits` takes the row
    literally; otherwise the logits are plain.
    Shapes: (N, 28, 28, 1) -> logits (N, 10).
    """
    rows = [
        relu_conv(32),
        relu_conv(32),
        max_pool(),
        relu_linear(128),
        dropout(0.5),
        relu_linear(10) if relu_logits else linear(10),
    ]
    return build(MNIST_SHAPE, rows, rng, pad)


def cifar10_cnn(
    rng: np.random.Generator, pad: int = 1, relu_logits: bool = False
) -> Sequential:
    """Table 3, the network for CIFAR-10, 1,341,226 parameters.

    Without padding the image would vanish before the last pooling. `relu_logits` is as
    in `mnist_cnn`.
    Shapes: (N, 32, 32, 3) -> logits (N, 10).
    """
    rows = [
        relu_conv(32),
        relu_conv(32),
        max_pool(),
        dropout(0.2),
        relu_conv(64),
        relu_conv(64),
        max_pool(),
        dropout(0.3),
        relu_conv(128),
        relu_conv(128),
        max_pool(),
        dropout(0.4),
        relu_linear(512),
        dropout(0.5),
        relu_linear(10) if relu_logits else linear(10),
    ]
    return build(CIFAR10_SHAPE, rows, rng, pad)
