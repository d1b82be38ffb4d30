"""The few operations that need more than NumPy, and the one place that dispatches.

| module        | runs on              | role                                        |
|---------------|----------------------|---------------------------------------------|
| reference.py  | NumPy or CuPy        | the specification: slices and whole arrays  |
| numba_cpu.py  | CPU, compiled        | the default where Numba is installed        |
| winograd.py   | CPU, compiled        | 3x3 convolutions of 8 and more channels and |
|               |                      | filters, stride 1, padding 0 or 1           |
| few_channels.py | CPU, compiled      | convolutions of images with 1 to 7 channels |
| cupy_gpu.py   | GPU                  | float32 there, in CUDA: see cuda/*.cu       |

Each has the reference's functions, or only its convolutions, and from finite numbers
the same results to rounding. Before one is chosen, `arguments.py` checks all arguments:
TypeError or ValueError names what doesn't fit.
Notation used by all of them, with `n`, `h`, `w`, ... as the running indices:

    N       images in the batch          KH KW   height and width of a window
    H W     height and width of images   OH OW   height and width of the output
    C       channels in                  s p     stride and padding
    F       filters, channels out        D M     features in and out
"""

import importlib
import importlib.util
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from minidl.backend import Array, device_of, get_array_module, rounds_to_zero
from minidl.checks import check_choice, check_floats, check_shape
from minidl.kernels.arguments import check_algorithm as check_algorithm
from minidl.kernels.arguments import (
    check_arrays,
    check_convolution,
    check_image_shape,
    check_mask,
    check_numbers,
    check_places,
    check_pool,
    check_product,
    check_step,
    fits_winograd,
)
from minidl.kernels.arguments import check_gradient as check_gradient
from minidl.kernels.arguments import check_window as check_window
from minidl.kernels.shapes import ImageShape, output_size

__all__ = [
    "adam_step",
    "col2im",
    "conv2d",
    "conv2d_grads",
    "conv2d_pool",
    "dropout_mask",
    "im2col",
    "matmul",
    "max_pool",
    "max_pool_grad",
    "output_size",
    "relu_grad",
    "sgd_step",
    "use",
    "warm_up",
]

IMPLEMENTATIONS = ("auto", "reference", "numba")
FEW_CHANNELS = 8  # below it, Winograd's transforms cost more than they save

_chosen = os.environ.get("MINIDL_KERNELS", "auto")


def check_environment() -> None:
    """Raise ValueError for an unknown MINIDL_KERNELS: when used, not when imported.

    A program can then say so in one line.
    """
    check_choice("MINIDL_KERNELS", _chosen, IMPLEMENTATIONS)


@contextmanager
def use(name: str) -> Iterator[None]:
    """Run a block with the implementation "reference", "numba" or "auto".

    The environment variable MINIDL_KERNELS does the same for a whole process.
    """
    global _chosen
    check_choice("name", name, IMPLEMENTATIONS)
    before, _chosen = _chosen, name
    try:
        yield
    finally:
        _chosen = before


def implementation(x: Array) -> ModuleType:
    """Return the module whose kernels take x."""
    check_environment()
    if device_of(x) == "gpu":
        fast = _chosen != "reference" and x.dtype == np.float32
        name = "cupy_gpu" if fast else "reference"
    else:
        # The search for Numba reads folders until it is imported: only if asked.
        compiled = _chosen == "numba" or (
            _chosen == "auto" and importlib.util.find_spec("numba") is not None
        )
        name = "numba_cpu" if compiled else "reference"
    return importlib.import_module(f"minidl.kernels.{name}")


def gpu_kernel(name: str, x: Array) -> Callable[..., Any] | None:
    """Return a kernel that only `cupy_gpu` has, None where x isn't one for it.

    What it computes in one pass is a few plain expressions everywhere else.
    """
    on_cpu = device_of(x) == "cpu"
    return None if on_cpu else getattr(implementation(x), name, None)


def im2col(
    x: Array, kernel_size: int | tuple[int, int], stride: int = 1, pad: int = 0
) -> Array:
    """Return all windows of the images as rows of a matrix.

    Shapes: x (N, H, W, C), result (N*OH*OW, KH*KW*C).
    """
    check_arrays(x=(x, "N H W C"))
    window = check_window(kernel_size, stride, pad)
    return implementation(x).im2col(contiguous(x), window, stride, pad)


def col2im(
    col: Array,
    x_shape: ImageShape,
    kernel_size: int | tuple[int, int],
    stride: int = 1,
    pad: int = 0,
) -> Array:
    """Add all windows back into images: <im2col(x), c> = <x, col2im(c)>.

    Shapes: col (N*OH*OW, KH*KW*C), result x_shape = (N, H, W, C).
    """
    check_floats("col", col)
    check_image_shape("x_shape", x_shape)
    window = check_window(kernel_size, stride, pad)
    N, H, W, C = x_shape
    OH, OW = output_size((H, W), window, stride, pad)
    check_shape("col", col, (N * OH * OW, math.prod(window) * C))
    return implementation(col).col2im(contiguous(col), x_shape, window, stride, pad)


@rounds_to_zero
def conv2d(
    x: Array,
    W: Array,
    b: Array | None = None,
    stride: int = 1,
    pad: int = 0,
    algorithm: str = "auto",
    relu: bool = False,
) -> Array:
    """Convolution of x with the filters W, plus bias, and with relu max(out, 0).

    Shapes: x (N, H, W, C), W (KH, KW, C, F), b (F,), result (N, OH, OW, F).
    """
    bias = {} if b is None else {"b": (b, "F")}
    check_arrays(W=(W, "KH KW C F"), x=(x, "N H W C"), **bias)
    check_convolution(W, stride, pad, algorithm)
    module = convolution(x, W, stride, pad, algorithm)
    b = get_array_module(W).zeros(W.shape[3], W.dtype) if b is None else b
    return module.conv2d(contiguous(x), *like(x, W, b), stride, pad, relu)


@rounds_to_zero
def conv2d_pool(
    x: Array,
    W: Array,
    b: Array,
    stride: int = 1,
    pad: int = 0,
    algorithm: str = "auto",
    relu: bool = False,
) -> tuple[Array, Array]:
    """`conv2d`, then `max_pool` with 2x2 windows, in one pass where that is possible.

    Shapes: both results (N, OH // 2, OW // 2, F).
    """
    check_arrays(W=(W, "KH KW C F"), x=(x, "N H W C"), b=(b, "F"))
    check_convolution(W, stride, pad, algorithm)
    module = convolution(x, W, stride, pad, algorithm)
    arguments = (contiguous(x), *like(x, W, b), stride, pad, relu)
    if hasattr(module, "conv2d_pool"):
        return module.conv2d_pool(*arguments)
    return implementation(x).max_pool(module.conv2d(*arguments), 2, 2)


@rounds_to_zero
def conv2d_grads(
    x: Array,
    dout: Array,
    W: Array,
    stride: int = 1,
    pad: int = 0,
    algorithm: str = "auto",
    param_grads: bool = True,
    input_grad: bool = True,
    argmax: Array | None = None,
    after_relu: bool = False,
) -> tuple[Array | None, Array | None]:
    """dJ/dx and dJ/dW of `conv2d`; None for what isn't asked for.

    With argmax, dout and argmax belong to `conv2d_pool`. With after_relu, x = max(u, 0)
    and the first result is dJ/du.
    Shapes: x (N, H, W, C), dout (N, OH, OW, F), W (KH, KW, C, F); results like x, W.
    """
    check_arrays(W=(W, "KH KW C F"), x=(x, "N H W C"))
    check_convolution(W, stride, pad, algorithm)
    OH, OW = output_size(x.shape[1:3], W.shape[:2], stride, pad)
    N, F = len(x), W.shape[3]
    if argmax is None:
        check_gradient(dout, (N, OH, OW, F), x)
    else:
        check_gradient(dout, (N, OH // 2, OW // 2, F), x)
        check_places(argmax, dout, 2)
        argmax = contiguous(argmax)
    x, W = like(dout, x, W)
    module = convolution(x, W, stride, pad, algorithm)
    dout = contiguous(dout)
    how = (stride, pad, param_grads, input_grad)
    if hasattr(module, "conv2d_pool"):  # it then knows pooling's and ReLU's derivative
        return module.conv2d_grads(x, dout, W, *how, argmax, after_relu)
    if argmax is not None:
        dout = implementation(x).max_pool_grad(dout, argmax, (N, OH, OW, F), 2, 2)
    dx, dW = module.conv2d_grads(x, dout, W, *how)
    return relu_grad(dx, x) if after_relu and input_grad else dx, dW


def convolution(
    x: Array, W: Array, stride: int, pad: int, algorithm: str
) -> ModuleType:
    """Return the module whose `conv2d` suits x and W best, or as `algorithm` says.

    The reference has one algorithm only, and runs it whatever is asked for.
    """
    module = implementation(x)
    if module.__name__ != "minidl.kernels.numba_cpu":
        return module
    *kernel_size, C, F = W.shape
    fast = min(C, F) >= FEW_CHANNELS and fits_winograd(kernel_size, stride, pad)
    if algorithm == "winograd" or (algorithm == "auto" and fast):
        return importlib.import_module("minidl.kernels.winograd")
    if stride == 1 and C < FEW_CHANNELS:
        return importlib.import_module("minidl.kernels.few_channels")
    return module


def like(x: Array, *others: Array) -> tuple[Array, ...]:
    """Return the others in x's type, which is that of all results, and contiguous."""
    return tuple(contiguous(other.astype(x.dtype, copy=False)) for other in others)


def contiguous(x: Array) -> Array:
    """Return x with its rows one after another in memory, as kernels read it."""
    return get_array_module(x).ascontiguousarray(x)


@rounds_to_zero
def matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """a @ b, into `out` if given; its rows or columns are shared out among threads.

    Of the longer side: each thread reads the other factor as a whole. Not left to
    BLAS's own threads: they would fight with the convolutions', see
    `minidl.kernels.threads`. Shapes: a (n, ..., k), b (k, ...), out (n, ..., ...).
    """
    check_product(a, b, out)
    if implementation(a).__name__ != "minidl.kernels.numba_cpu":
        xp = get_array_module(a)
        if out is None:
            return a @ b
        if out.flags.c_contiguous and out.dtype == np.result_type(a.dtype, b.dtype):
            return xp.dot(a, b, out=out)
        out[...] = a @ b  # `dot` converts nothing
        return out
    if out is None:
        out = np.empty(a.shape[:-1] + b.shape[1:], np.result_type(a, b))
    if a.ndim == b.ndim == 2 and len(a) < b.shape[1]:
        fill_product(b.T, a.T, out.T)  # (a b)^T = b^T a^T
    else:
        fill_product(a, b, out)
    return out


def fill_product(a: Array, b: Array, out: Array) -> None:
    """out = a @ b, where each thread takes some rows of a."""
    from minidl.kernels.threads import FEW_PRODUCTS, over_images

    few = 1 + FEW_PRODUCTS // max(1, b.size)  # rows of a
    over_images(lambda rows: np.matmul(a[rows], b, out=out[rows]), len(a), few)


def max_pool(x: Array, size: int, stride: int) -> tuple[Array, Array]:
    """Maximum of each window, and its position i * size + j within the window.

    Shapes: x (N, H, W, C), both results (N, OH, OW, C).
    """
    check_arrays(x=(x, "N H W C"))
    check_pool(size, stride)
    return implementation(x).max_pool(contiguous(x), size, stride)


def max_pool_grad(
    dout: Array, argmax: Array, x_shape: ImageShape, size: int, stride: int
) -> Array:
    """dJ/dx of `max_pool`. Shapes: dout (N, OH, OW, C), result x_shape."""
    check_image_shape("x_shape", x_shape)
    check_pool(size, stride)
    N, H, W, C = x_shape
    out_shape = N, *output_size((H, W), (size, size), stride, 0), C
    check_gradient(dout, out_shape)
    check_places(argmax, dout, size)
    dout, argmax = contiguous(dout), contiguous(argmax)
    return implementation(dout).max_pool_grad(dout, argmax, x_shape, size, stride)


def relu_grad(dout: Array, out: Array) -> Array:
    """dJ/dx of out = max(x, 0): dout where out > 0, else 0. Shapes: all equal."""
    check_floats("out", out)
    check_gradient(dout, out.shape, out)
    return implementation(dout).relu_grad(contiguous(dout), *like(dout, out))


def sgd_step(p: Array, g: Array, v: Array, lr: float, momentum: float) -> None:
    """One step of SGD in place; see `reference.sgd_step`. Shapes: all equal."""
    check_step(p, g, v=v)
    check_numbers(lr=lr, momentum=momentum)
    implementation(p).sgd_step(p, contiguous(g), v, lr, momentum)


def adam_step(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    rates: tuple[float, float],
    step: float,
    correction: float,
    eps: float,
) -> None:
    """One step of Adam in place; see `reference.adam_step`. Shapes: all equal."""
    check_step(p, g, m=m, v=v)
    first, second = rates
    check_numbers(rate1=first, rate2=second, step=step, correction=correction, eps=eps)
    implementation(p).adam_step(p, contiguous(g), m, v, rates, step, correction, eps)


def dropout_mask(x: Array, rate: float, seed: int) -> Array:
    """Mask like x: 0 at probability `rate`, else 1 / (1 - rate)."""
    check_mask(x, rate, seed)
    return implementation(x).dropout_mask(x, rate, seed)


def warm_up() -> None:
    """Compile all kernels for float32, or load them from the disk's cache.

    Processes that are started afterwards find them compiled.
    """
    x, W = np.zeros((1, 6, 6, 8), np.float32), np.zeros((3, 3, 8, 8), np.float32)
    for channels, stride in [(8, 1), (1, 1), (8, 2)]:  # each module for convolutions
        x_, W_ = x[..., :channels].copy(), W[:, :, :channels].copy()
        out = conv2d(x_, W_, None, stride)
        conv2d_grads(x_, out, W_, stride)
    out, argmax = conv2d_pool(x, W, W[0, 0, 0])
    conv2d_grads(x, out, W, argmax=argmax, after_relu=True)
    for size in (2, 3):
        out, argmax = max_pool(x, size, size)
        max_pool_grad(out, argmax, x.shape, size, size)
    relu_grad(x, x)
    p, g, m, v = np.zeros((4, 2), np.float32)
    adam_step(p, g, m, v, (0.1, 0.1), 0.1, 1.0, 1e-8)
    dropout_mask(x, 0.5, 1)
