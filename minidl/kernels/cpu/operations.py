"""Every operation on a CPU, compiled, and the choice of a convolution's algorithm.

| module          | convolutions                                                      |
|-----------------|-------------------------------------------------------------------|
| winograd.py     | of 3x3 windows, stride 1, padding 0 or 1, 8 channels or more      |
| few_channels.py | of 1 to 7 channels, stride 1                                      |
| windows.py      | all others                                                        |
"""

from types import ModuleType

import numpy as np

from minidl.backend import Array, rounds_to_zero
from minidl.kernels.cpu import few_channels, windows, winograd
from minidl.kernels.cpu.elementwise import adam_step as adam_step
from minidl.kernels.cpu.elementwise import dropout_mask as dropout_mask
from minidl.kernels.cpu.elementwise import relu_grad as relu_grad
from minidl.kernels.cpu.memory import keep_freed_memory
from minidl.kernels.cpu.pooling import max_pool as max_pool
from minidl.kernels.cpu.pooling import max_pool_grad as max_pool_grad
from minidl.kernels.cpu.threads import FEW_PRODUCTS, over_images
from minidl.kernels.cpu.windows import col2im as col2im
from minidl.kernels.cpu.windows import im2col as im2col
from minidl.kernels.reference import cross_entropy as cross_entropy
from minidl.kernels.reference import sgd_step as sgd_step
from minidl.kernels.reference import sign_step as sign_step
from minidl.kernels.shapes import fits_winograd, output_size

FEW_CHANNELS = 8  # below it, Winograd's transforms cost more than they save

keep_freed_memory()


def convolution(W: Array, stride: int, pad: int, algorithm: str) -> ModuleType:
    """Return the module whose `conv2d` is fastest for W, or that `algorithm` names."""
    *kernel_size, C, F = W.shape
    fast = min(C, F) >= FEW_CHANNELS and fits_winograd(kernel_size, stride, pad)
    if algorithm == "winograd" or (algorithm == "auto" and fast):
        return winograd
    return few_channels if stride == 1 and C < FEW_CHANNELS else windows


@rounds_to_zero
def conv2d(
    x: Array, W: Array, b: Array, stride: int, pad: int, algorithm: str, relu: bool
) -> Array:
    """Convolve, add the bias, apply ReLU; see `reference.conv2d`."""
    module = convolution(W, stride, pad, algorithm)
    return module.conv2d(x, W, b, stride, pad, relu)


@rounds_to_zero
def conv2d_pool(
    x: Array, W: Array, b: Array, stride: int, pad: int, algorithm: str, relu: bool
) -> tuple[Array, Array]:
    """Convolve and pool, with Winograd's algorithm in one pass; see `reference`."""
    module = convolution(W, stride, pad, algorithm)
    if module is winograd:
        return winograd.conv2d_pool(x, W, b, stride, pad, relu)
    return max_pool(module.conv2d(x, W, b, stride, pad, relu), 2, 2)


@rounds_to_zero
def conv2d_grads(
    x: Array,
    dout: Array,
    W: Array,
    stride: int,
    pad: int,
    algorithm: str,
    param_grads: bool,
    input_grad: bool,
    argmax: Array | None,
    after_relu: bool,
) -> tuple[Array | None, Array | None]:
    """dJ/dx and dJ/dW, with Winograd's algorithm in one pass; see `reference`."""
    module = convolution(W, stride, pad, algorithm)
    how = stride, pad, param_grads, input_grad
    if module is winograd:
        return winograd.conv2d_grads(x, dout, W, *how, argmax, after_relu)
    if argmax is not None:
        size = output_size(x.shape[1:3], W.shape[:2], stride, pad)
        dout = max_pool_grad(dout, argmax, (len(x), *size, W.shape[3]), 2, 2)
    dx, dW = module.conv2d_grads(x, dout, W, *how)
    return relu_grad(dx, x, 1.0) if after_relu and input_grad else dx, dW


@rounds_to_zero
def matmul(a: Array, b: Array, out: Array | None) -> Array:
    """a @ b; its rows or columns, whichever are more, are divided among threads.

    Each thread reads the whole other factor. BLAS's own threads aren't used, because
    they would compete with those of convolutions, see `threads.py`.
    """
    if out is None:
        out = np.empty(a.shape[:-1] + b.shape[1:], np.result_type(a, b))
    if a.ndim == b.ndim == 2 and len(a) < b.shape[1]:
        fill_product(b.T, a.T, out.T)  # (a b)^T = b^T a^T
    else:
        fill_product(a, b, out)
    return out


def fill_product(a: Array, b: Array, out: Array) -> None:
    """out = a @ b, where each thread takes some rows of a."""
    few = 1 + FEW_PRODUCTS // max(1, b.size)  # rows of a
    over_images(lambda rows: np.matmul(a[rows], b, out=out[rows]), len(a), few)
