"""The few operations that need more than NumPy, and the one place that dispatches them.

| module       | runs on       | role                                            |
|--------------|---------------|-------------------------------------------------|
| reference.py | NumPy or CuPy | the specification: slices and whole arrays      |
| blocks.py    | either        | blocks of layers, made of the other operations  |
| cpu/         | CPU           | compiled; the default where Numba is installed  |
| gpu/         | GPU           | CUDA, for float32                               |

reference.py, cpu/ and gpu/ have every operation, except that only gpu/ has blocks of
its own. For finite numbers all agree to rounding. Rules check all arguments before an
implementation is chosen; a TypeError or ValueError names an argument that doesn't fit.
All use this notation, with indices `n`, `h`, `w`, ...:

    N       images in the batch          KH KW   height and width of a window
    H W     height and width of images   OH OW   height and width of the output
    C       channels in                  s p     stride and padding
    F       filters, channels out        D M     features in and out
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from minidl.checks.rules import Arguments, Rule
from minidl.kernels import arguments, blocks, reference
from minidl.kernels.dispatch import check_environment as check_environment
from minidl.kernels.dispatch import implementation as implementation
from minidl.kernels.dispatch import use
from minidl.kernels.shapes import output_size

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

__all__ = [
    "adam_step",
    "bias_relu",
    "col2im",
    "conv2d",
    "conv2d_block",
    "conv2d_block_grads",
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


def dispatched(
    specification: Callable[Parameters, Result], arrays: str = "", **rules: Rule
) -> Callable[Parameters, Result]:
    """Return an operation that runs on the device of its first argument.

    Arguments are checked by these rules, and by RULES for other names. Implementations
    get the `arrays` contiguous in memory and in the type of the first one, which is
    also the type of all results.
    """
    name, checked = (
        specification.__name__,
        Arguments(specification, arguments.RULES | rules),
    )
    first = next(iter(checked.defaults))
    main, *others = arrays.split() or [first]

    @wraps(specification)
    def operation(*args: Parameters.args, **named: Parameters.kwargs) -> Result:
        given = checked(args, named)
        if arrays:
            given[main] = a = arguments.contiguous(given[main])
            for other in others:
                given[other] = arguments.like(a, given[other])
        run: Any = getattr(implementation(given[first]), name, specification)
        result: Result = run(*given.values())
        return result

    return operation


im2col = dispatched(reference.im2col, "x")
col2im = dispatched(reference.col2im, "col")
conv2d = dispatched(reference.conv2d, "x W b")
conv2d_pool = dispatched(reference.conv2d_pool, "x W b")
conv2d_grads = dispatched(reference.conv2d_grads, "dout x W argmax")
conv2d_block = dispatched(blocks.conv2d_block, "x W b")
conv2d_block_grads = dispatched(
    blocks.conv2d_block_grads, "dout x W relu_out argmax col"
)
bias_relu = dispatched(blocks.bias_relu, "u b")
matmul = dispatched(reference.matmul, b=arguments.factor, out=arguments.product)
max_pool = dispatched(reference.max_pool, "x")
max_pool_grad = dispatched(reference.max_pool_grad, "dout argmax")
relu_grad = dispatched(reference.relu_grad, "dout out", out="...", dout="...")
dropout_mask = dispatched(reference.dropout_mask, x="...")
cross_entropy = dispatched(reference.cross_entropy)
sign_step = dispatched(
    reference.sign_step, "x x_adv g", x="...", g=arguments.direction, eps="number"
)
sgd_step = dispatched(reference.sgd_step)
adam_step = dispatched(reference.adam_step)


def warm_up() -> None:
    """Compile all kernels for float32, or load them from the cache on disk.

    Processes that are started afterwards find them compiled.
    """
    x, W = np.zeros((1, 6, 6, 8), np.float32), np.zeros((3, 3, 8, 8), np.float32)
    for channels, stride in [(8, 1), (1, 1), (8, 2)]:  # every convolution module
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
