"""minidl: deep networks small enough to read and fast enough to use.

Arrays in, arrays out: no computational graph and no automatic differentiation.
Each layer is a pair of twin methods, `forward` and `backward`, and a network's
gradient is the product of its layers' derivatives, taken from the last layer to
the first:

    z = model.forward(x)                   # logits
    costs, dz = cross_entropy(z, y)        # each image's own
    dx = model.backward(dz)                # dJ/dx; dJ/dW lies in each p.grad
"""

from minidl.backend import Array, get_array_module, to_device, to_numpy
from minidl.initializers import glorot, he
from minidl.inspection import TraceStep, summary, trace
from minidl.kernels import col2im, im2col
from minidl.layers import (
    Conv2D,
    Dropout,
    Flatten,
    Layer,
    Linear,
    MaxPool2D,
    Normalize,
    Parameter,
    ReLU,
    Round,
    Sequential,
    Softmax,
    Upsample2D,
)
from minidl.losses import cross_entropy, soft_cross_entropy, squared_error
from minidl.models import cifar10_cnn, mnist_cnn
from minidl.optimizers import SGD, Adadelta, Adam, Optimizer, RMSprop
from minidl.store.checkpoints import load_checkpoint, save_checkpoint
from minidl.torch_state import load_torch_state
from minidl.training import accuracy, train

__version__ = "0.2.0"

__all__ = [
    "SGD",
    "Adadelta",
    "Adam",
    "Array",
    "Conv2D",
    "Dropout",
    "Flatten",
    "Layer",
    "Linear",
    "MaxPool2D",
    "Normalize",
    "Optimizer",
    "Parameter",
    "RMSprop",
    "ReLU",
    "Round",
    "Sequential",
    "Softmax",
    "TraceStep",
    "Upsample2D",
    "accuracy",
    "cifar10_cnn",
    "col2im",
    "cross_entropy",
    "get_array_module",
    "glorot",
    "he",
    "im2col",
    "load_checkpoint",
    "load_torch_state",
    "mnist_cnn",
    "save_checkpoint",
    "soft_cross_entropy",
    "squared_error",
    "summary",
    "to_device",
    "to_numpy",
    "trace",
    "train",
]
