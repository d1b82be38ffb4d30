"""Neighbouring layers that run as one, because memory is slower than arithmetic.

A ReLU or a pooling of its own reads and writes every number once more. Right behind a
convolution they cost next to nothing: each block of images is rectified and pooled
while it is still in the cache. `Sequential` runs these blocks; its `layers`, `trace`
and `summary` keep to the layers as they were given.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from minidl import kernels
from minidl.backend import Array
from minidl.layers.activations import ReLU
from minidl.layers.base import Layer
from minidl.layers.conv import Conv2D
from minidl.layers.pooling import MaxPool2D


class ConvBlock(Layer):
    """Convolution, ReLU and, if asked for, 2x2 max pooling.

    Behind a block without pooling, before another block, lies a ReLU, out = max(u, 0).
    Its derivative is taken where dJ/dout is computed, in the second block: `after_relu`
    there, and `before_block` here, which leaves it out.
    Shapes: x (N, H, W, C), out (N, OH, OW, F), or pooled (N, OH // 2, OW // 2, F).
    """

    def __init__(self, conv: Conv2D, pool: bool) -> None:
        self.conv, self.pool = conv, pool
        self.after_relu = self.before_block = False

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return max(x * W + b, 0), or the maxima of its 2x2 windows."""
        conv, argmax = self.conv, None
        arguments = (x, conv.W.data, conv.b.data, *conv.how)
        if self.pool:
            out, argmax = kernels.conv2d_pool(*arguments, relu=True)
        else:
            out = kernels.conv2d(*arguments, relu=True)
        return self.remember(out, (x, out, argmax))

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Any:
        """Derivative of ReLU first, which commutes with pooling, then of the others."""
        x, out, argmax = self.recall(dout)
        if not self.before_block:
            dout = kernels.relu_grad(dout, out)
        return self.conv.gradients(
            x, dout, param_grads, input_grad, argmax, self.after_relu
        )

    def __repr__(self) -> str:
        return f"{self.conv}, ReLU(){', MaxPool2D(2x2)' if self.pool else ''}"


def fuse(layers: Sequence[Layer]) -> list[Layer]:
    """Return blocks that compute the same as the layers one after another."""
    blocks = merged(layers)
    for first, second in pairwise(blocks):
        if isinstance(first, ConvBlock) and isinstance(second, ConvBlock):
            first.before_block = second.after_relu = not first.pool
    return blocks


def merged(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers with each Conv2D, ReLU (, MaxPool2D(2)) made one block."""
    kinds = [type(layer) for layer in layers]  # a subclass's `forward` may be another
    pooled = kinds[:3] == [Conv2D, ReLU, MaxPool2D]
    match layers:
        case [Conv2D() as conv, _, MaxPool2D(size=2, stride=2), *rest] if pooled:
            return [ConvBlock(conv, pool=True), *merged(rest)]
        case [Conv2D() as conv, _, *rest] if kinds[:2] == [Conv2D, ReLU]:
            return [ConvBlock(conv, pool=False), *merged(rest)]
        case [first, *rest]:
            return [first, *merged(rest)]
    return []
