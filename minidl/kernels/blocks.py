"""Blocks of layers as one operation: see `minidl.fusion`, which runs them.

These consist of an implementation's other operations and serve CPUs and float64. A GPU
has its own, because each operation costs it the launch of a kernel.
"""

import numpy as np

from minidl.backend import Array, device_of, get_array_module, rounds_to_zero
from minidl.kernels.dispatch import implementation


def conv2d_block(
    x: Array,
    W: Array,
    b: Array | None = None,
    stride: int = 1,
    pad: int = 0,
    algorithm: str = "auto",
    pool: bool = True,
    rate: float = 0.0,
    seed: int = 0,
    keep: bool = False,
) -> tuple[Array, Array | None, Array | None]:
    """Return max(conv2d(x), 0), with `pool` pooled by 2x2, and after dropout.

    Also return the maxima's positions, None without `pool`, and im2col(x), None unless
    the implementation has it and should `keep` it for the gradient of W.
    """
    run, how = implementation(x), (stride, pad, algorithm, True)
    if pool:
        out, argmax = run.conv2d_pool(x, W, b, *how)
    else:
        out, argmax = run.conv2d(x, W, b, *how), None
    return dropped_out(out, rate, seed), argmax, None


def conv2d_block_grads(
    x: Array,
    dout: Array,
    W: Array,
    stride: int = 1,
    pad: int = 0,
    algorithm: str = "auto",
    dW: Array | None = None,
    db: Array | None = None,
    input_grad: bool = True,
    relu_out: Array | None = None,
    argmax: Array | None = None,
    col: Array | None = None,
    factor: float = 1.0,
    after_relu: bool = False,
) -> Array | None:
    """Fill dW and db of `conv2d_block`, if given, and return its dJ/dx, if requested.

    relu_out, argmax and col are the block's results, None for a step that it lacks, and
    factor is dropout's 1 / (1 - rate). With after_relu, x = max(u, 0), and dJ/du is
    returned. Shapes: dW like W, db (F,).
    """
    run, asked = implementation(x), (dW is not None, input_grad)
    if relu_out is not None:
        dout = run.relu_grad(dout, relu_out, factor)
    how = stride, pad, algorithm, *asked, argmax, after_relu
    dx, found = run.conv2d_grads(x, dout, W, *how)
    if dW is not None:
        dW[...] = found
    if db is not None:
        sum_over_pixels(dout, out=db)
    return dx


@rounds_to_zero
def bias_relu(u: Array, b: Array, rate: float = 0.0, seed: int = 0) -> Array:
    """Return max(u + b, 0), after dropout. Shapes: u (..., F), b (F,)."""
    xp = get_array_module(u)
    return dropped_out(xp.maximum(u + b, 0), rate, seed)


@rounds_to_zero
def dropped_out(x: Array, rate: float, seed: int) -> Array:
    """Return x times dropout's mask, which is 1 at rate 0."""
    return x * implementation(x).dropout_mask(x, rate, seed) if rate else x


def sum_over_pixels(dout: Array, out: Array) -> None:
    """Fill out with the sum of dout over images, rows and columns: a bias's gradient.

    On a CPU, it is a product with ones, which is faster than `sum` and more accurate,
    because each image is summed first. Shapes: dout (N, OH, OW, F), out (F,).
    """
    N, OH, OW, F = dout.shape
    pixels = dout.reshape(N, OH * OW, F)
    if device_of(dout) == "cpu":
        ones = np.ones(pixels.shape[1], dout.dtype)
        run = implementation(dout)
        sums = run.matmul(pixels.swapaxes(1, 2), ones, None)  # (N, F)
    else:
        sums = pixels.sum(axis=1)  # cuBLAS would first copy the pixels, transposed
    sums.sum(axis=0, out=out)
