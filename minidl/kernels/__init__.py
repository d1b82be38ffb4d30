"""The few operations that need more than NumPy, and the one place that dispatches.

| module       | runs on       | role                                            |
|--------------|---------------|-------------------------------------------------|
| reference.py | NumPy or CuPy | the specification: slices and whole arrays      |
| cpu/         | CPU           | compiled; the default where Numba is installed  |
| gpu/         | GPU           | CUDA, for float32                               |

Each has every operation, and from finite numbers the same results to rounding. Before
one is chosen, `arguments.py` checks all arguments: TypeError or ValueError names what
doesn't fit. Notation used by all of them, with `n`, `h`, `w`, ... as the indices:

    N       images in the batch          KH KW   height and width of a window
    H W     height and width of images   OH OW   height and width of the output
    C       channels in                  s p     stride and padding
    F       filters, channels out        D M     features in and out
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType

import numpy as np

from minidl.backend import Array, device_of, rounds_to_zero
from minidl.checks import check_choice
from minidl.kernels import arguments, reference
from minidl.kernels.arguments import check_algorithm as check_algorithm
from minidl.kernels.arguments import check_window as check_window
from minidl.kernels.shapes import ImageShape, output_size

__all__ = [
    "adam_step",
    "col2im",
    "conv2d",
    "conv2d_grads",
    "conv2d_pool",
    "cross_entropy",
    "dropout_mask",
    "im2col",
    "matmul",
    "max_pool",
    "max_pool_grad",
    "output_size",
    "relu_grad",
    "sgd_step",
    "sign_step",
    "use",
    "warm_up",
]

IMPLEMENTATIONS = ("auto", "reference", "numba")

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
    """Return the module whose kernels take x; Numba is imported if it is needed."""
    check_environment()
    if _chosen == "reference":
        return reference
    if device_of(x) == "gpu":
        from minidl.kernels.gpu import operations as on_gpu

        return on_gpu if x.dtype == np.float32 else reference
    if _chosen == "auto" and find_spec("numba") is None:
        return reference
    from minidl.kernels.cpu import operations as on_cpu

    return on_cpu


def im2col(
    x: Array, kernel_size: int | tuple[int, int], stride: int = 1, pad: int = 0
) -> Array:
    """Return all windows of the images as rows of a matrix.

    Shapes: x (N, H, W, C), result (N*OH*OW, KH*KW*C).
    """
    x, window = arguments.im2col(x, kernel_size, stride, pad)
    return implementation(x).im2col(x, window, stride, pad)


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
    col, window = arguments.col2im(col, x_shape, kernel_size, stride, pad)
    return implementation(col).col2im(col, x_shape, window, stride, pad)


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
    x, W, b = arguments.conv2d(x, W, b, stride, pad, algorithm)
    return implementation(x).conv2d(x, W, b, stride, pad, algorithm, relu)


@rounds_to_zero
def conv2d_pool(
    x: Array,
    W: Array,
    b: Array | None = None,
    stride: int = 1,
    pad: int = 0,
    algorithm: str = "auto",
    relu: bool = False,
) -> tuple[Array, Array]:
    """`conv2d`, then `max_pool` with 2x2 windows, in one pass where that is possible.

    Shapes: both results (N, OH // 2, OW // 2, F).
    """
    x, W, b = arguments.conv2d(x, W, b, stride, pad, algorithm)
    return implementation(x).conv2d_pool(x, W, b, stride, pad, algorithm, relu)


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
    x, dout, W, argmax = arguments.conv2d_grads(
        x, dout, W, stride, pad, algorithm, argmax
    )
    how = stride, pad, algorithm, param_grads, input_grad, argmax, after_relu
    return implementation(x).conv2d_grads(x, dout, W, *how)


@rounds_to_zero
def matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """a @ b, into `out` if given. Shapes: a (n, ..., k), b (k, ...), out (n, ...)."""
    arguments.matmul(a, b, out)
    return implementation(a).matmul(a, b, out)


def max_pool(x: Array, size: int, stride: int) -> tuple[Array, Array]:
    """Maximum of each window, and its position i * size + j within the window.

    Shapes: x (N, H, W, C), both results (N, OH, OW, C).
    """
    x = arguments.max_pool(x, size, stride)
    return implementation(x).max_pool(x, size, stride)


def max_pool_grad(
    dout: Array, argmax: Array, x_shape: ImageShape, size: int, stride: int
) -> Array:
    """dJ/dx of `max_pool`. Shapes: dout (N, OH, OW, C), result x_shape."""
    dout, argmax = arguments.max_pool_grad(dout, argmax, x_shape, size, stride)
    return implementation(dout).max_pool_grad(dout, argmax, x_shape, size, stride)


def relu_grad(dout: Array, out: Array) -> Array:
    """dJ/dx of out = max(x, 0): dout where out > 0, else 0. Shapes: all equal."""
    dout, out = arguments.relu_grad(dout, out)
    return implementation(dout).relu_grad(dout, out)


def dropout_mask(x: Array, rate: float, seed: int) -> Array:
    """Mask like x: 0 at probability `rate`, else 1 / (1 - rate)."""
    arguments.dropout_mask(x, rate, seed)
    return implementation(x).dropout_mask(x, rate, seed)


def cross_entropy(z: Array, y: Array) -> tuple[Array, Array]:
    """Each image's cost -log p_y, and the gradient dz of their sum.

    A label that is no class gives NaN on a GPU, which would have to be waited for.
    Shapes: z and dz (N, K), y and costs (N,).
    """
    module = implementation(z)
    can_read = device_of(z) == "cpu" or module is reference
    arguments.cross_entropy(z, y, can_read)
    return module.cross_entropy(z, y)


def sign_step(
    x_adv: Array,
    g: Array,
    x: Array,
    alpha: float,
    eps: float,
    bounds: tuple[float, float] | None,
) -> Array:
    """x_adv + alpha sign(g), clipped to within eps of x, then to bounds.

    Shapes: all equal. The result has x's type.
    """
    checked = arguments.sign_step(x_adv, g, x, alpha, eps, bounds)
    return implementation(x).sign_step(*checked)


def sgd_step(p: Array, g: Array, v: Array, lr: float, momentum: float) -> None:
    """One step of SGD in place; see `reference.sgd_step`. Shapes: all equal."""
    g = arguments.step(p, g, v=v)
    arguments.check_numbers(lr=lr, momentum=momentum)
    implementation(p).sgd_step(p, g, v, lr, momentum)


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
    g = arguments.step(p, g, m=m, v=v)
    first, second = rates
    arguments.check_numbers(
        rate1=first, rate2=second, step=step, correction=correction, eps=eps
    )
    implementation(p).adam_step(p, g, m, v, rates, step, correction, eps)


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
