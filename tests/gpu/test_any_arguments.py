"""Operations take arrays of either type, in any layout, and of no images.

A kernel gets an array's address alone: a view with gaps, handed on as it is, would be
read as if it had none.
"""

import itertools

import numpy as np
import pytest

from minidl import kernels, to_device, to_numpy
from tests.gpu import emulator
from tests.gpu.both_devices import agree

RNG = np.random.default_rng(0)
TYPES = ("float32", "float64")
IMAGES = RNG.standard_normal((2, 6, 6, 3))
W, B = RNG.standard_normal((3, 3, 3, 4)), RNG.standard_normal(4)
DOUT, POOLED_DOUT = RNG.standard_normal((2, 6, 6, 4)), RNG.standard_normal((2, 3, 3, 4))


def with_gaps(a, device):
    """A view of every second number of a wider array."""
    wide = np.repeat(a, 2, axis=-1)
    wide[..., 1::2] = 77
    return to_device(wide, device)[..., ::2]


def transposed(a, device):
    return to_device(np.ascontiguousarray(a.T), device).T


LAYOUTS = {"plain": to_device, "gaps": with_gaps, "transposed": transposed}


def convolution(put, x, own):
    arguments = [put(a) for a in (x, W.astype(own), B.astype(own))]
    out = kernels.conv2d(*arguments, 1, 1, relu=True)
    return [out, *kernels.conv2d_pool(*arguments, 1, 1, relu=True)]


def without_bias(put, x, own):
    return [kernels.conv2d(put(x), put(W.astype(own)))]


def gradients(put, x, own):
    dout = DOUT[: len(x)].astype(own)
    arguments = (put(x), put(dout), put(W))
    return kernels.conv2d_grads(*arguments, 1, 1, after_relu=True)


def gradients_through_pooling(put, x, own):
    dout = POOLED_DOUT[: len(x)].astype(own)
    argmax = put((np.arange(dout.size) % 4).astype(np.uint8).reshape(dout.shape))
    return kernels.conv2d_grads(put(x), put(dout), put(W), 1, 1, argmax=argmax)


def pooling(put, x, own):
    out, argmax = kernels.max_pool(put(x), 3, 2)
    dout = put(to_numpy(out).astype(own))
    back = kernels.max_pool_grad(dout, put(to_numpy(argmax)), x.shape, 3, 2)
    return [out, argmax, back]


def windows(put, x, own):
    col = kernels.im2col(put(x), 3, 2, 1)
    return [col, kernels.col2im(put(to_numpy(col)), x.shape, 3, 2, 1)]


def numbers(put, x, own):
    relu = kernels.relu_grad(put(x), put(x.astype(own)[::-1]))
    return [relu, kernels.dropout_mask(put(x), 0.5, 3)]


def products(put, x, own):
    rows = x.reshape(len(x), 108)
    return [kernels.matmul(put(rows), put(IMAGES.reshape(108, 2).astype(own)))]


OPERATIONS = (
    convolution,
    without_bias,
    gradients,
    gradients_through_pooling,
    pooling,
    windows,
    numbers,
    products,
)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_computes_what_it_does_on_the_host(
    gpu, monkeypatch, operation, layout
):
    monkeypatch.setattr(emulator, "ORDERS", (emulator.forwards,))
    for N, of_images, own in itertools.product((0, 2), TYPES, TYPES):
        x = IMAGES[:N].astype(of_images)
        agree(
            lambda device, x=x, own=own: operation(
                lambda a: LAYOUTS[layout](a, device), x, own
            ),
            1e-4,
        )
