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

import numpy as np

from minidl.kernels import arguments, reference
from minidl.kernels.arguments import check_algorithm as check_algorithm
from minidl.kernels.arguments import check_window as check_window
from minidl.kernels.dispatch import check_environment as check_environment
from minidl.kernels.dispatch import dispatched, use
from minidl.kernels.dispatch import implementation as implementation
from minidl.kernels.shapes import output_size

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

im2col = dispatched(arguments.im2col, reference.im2col)
col2im = dispatched(arguments.col2im, reference.col2im)
conv2d = dispatched(arguments.conv2d, reference.conv2d)
conv2d_pool = dispatched(arguments.conv2d, reference.conv2d_pool)
conv2d_grads = dispatched(arguments.conv2d_grads, reference.conv2d_grads)
matmul = dispatched(arguments.matmul, reference.matmul)
max_pool = dispatched(arguments.max_pool, reference.max_pool)
max_pool_grad = dispatched(arguments.max_pool_grad, reference.max_pool_grad)
relu_grad = dispatched(arguments.relu_grad, reference.relu_grad)
dropout_mask = dispatched(arguments.dropout_mask, reference.dropout_mask)
cross_entropy = dispatched(arguments.cross_entropy, reference.cross_entropy)
sign_step = dispatched(arguments.sign_step, reference.sign_step)
sgd_step = dispatched(arguments.sgd_step, reference.sgd_step)
adam_step = dispatched(arguments.adam_step, reference.adam_step)


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
