"""Random initial weights whose scale keeps signals alive through many layers.

A weight tensor's fans are the numbers of terms in the sums it takes part in: fan_in
in each output of the forward pass, fan_out in each output of the backward pass.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from minidl.backend import Array
from minidl.checks import check_generator

Initializer: TypeAlias = Callable[[tuple[int, ...], np.random.Generator], Array]


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (fan_in, fan_out) of weights (D, M) or (KH, KW, C, F)."""
    if not isinstance(shape, tuple) or len(shape) not in (2, 4):
        raise ValueError(f"shape must be (D, M) or (KH, KW, C, F), got {shape}")
    *window, inputs, outputs = shape
    taps = math.prod(window)
    return taps * inputs, taps * outputs


def he(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Normal with variance 2 / fan_in, which preserves the forward variance of ReLUs.

    Shapes: (D, M) or (KH, KW, C, F), float32.
    Source: He et al., Delving Deep into Rectifiers, 2015, equation 10.
    """
    check_generator("rng", rng)
    fan_in, _ = fans(shape)
    return rng.normal(0, math.sqrt(2 / fan_in), shape).astype(np.float32)


def glorot(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Uniform with variance 2 / (fan_in + fan_out), a compromise between both passes.

    Shapes: (D, M) or (KH, KW, C, F), float32.
    Source: Glorot & Bengio, Understanding the Difficulty of Training Deep
    Feedforward Neural Networks, 2010, equation 16.
    """
    check_generator("rng", rng)
    fan_in, fan_out = fans(shape)
    limit = math.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, shape).astype(np.float32)
