"""The layers of a network, one concept per file."""

from minidl.layers.activations import ReLU, Softmax, softmax
from minidl.layers.base import Layer
from minidl.layers.conv import Conv2D
from minidl.layers.dropout import Dropout
from minidl.layers.flatten import Flatten
from minidl.layers.linear import Linear
from minidl.layers.normalize import Normalize
from minidl.layers.parameter import Parameter
from minidl.layers.pooling import MaxPool2D
from minidl.layers.rounding import Round
from minidl.layers.sequential import Sequential
from minidl.layers.upsampling import Upsample2D

__all__ = [
    "Conv2D",
    "Dropout",
    "Flatten",
    "Layer",
    "Linear",
    "MaxPool2D",
    "Normalize",
    "Parameter",
    "ReLU",
    "Round",
    "Sequential",
    "Softmax",
    "Upsample2D",
    "softmax",
]
