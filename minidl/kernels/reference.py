"""The kernels in plain NumPy (or CuPy): the specification that all others must meet.

Loops run over the few positions of a window; each step moves whole arrays. Memory is
spent freely: `im2col` copies every pixel once for each window that contains it.
Letters: see `minidl.kernels`.
"""

import math

from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.kernels.random_bits import MASK_BITS, drop_threshold, random_bits
from minidl.kernels.shapes import (
    ImageShape,
    Window,
    offsets,
    output_size,
    pair,
    view_at,
)


def im2col(x: Array, kernel_size: int | Window, stride: int = 1, pad: int = 0) -> Array:
    """Return all windows as rows of a matrix: col[n oh ow, kh kw c].

    Shapes: x (N, H, W, C), col (N*OH*OW, KH*KW*C).
    """
    xp, window = get_array_module(x), pair(kernel_size)
    N, H, W, C = x.shape
    OH, OW = output_size((H, W), window, stride, pad)
    x = xp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    col = xp.empty((N, OH, OW, *window, C), x.dtype)
    for i, j in offsets(window):
        col[:, :, :, i, j] = view_at(x, i, j, OH, OW, stride)
    return col.reshape(N * OH * OW, math.prod(window) * C)


def col2im(
    col: Array,
    x_shape: ImageShape,
    kernel_size: int | Window,
    stride: int = 1,
    pad: int = 0,
) -> Array:
    """Add every window back to where it was taken: the transpose of `im2col`.

    Shapes: col (N*OH*OW, KH*KW*C), result x_shape = (N, H, W, C).
    """
    xp, window = get_array_module(col), pair(kernel_size)
    N, H, W, C = x_shape
    OH, OW = output_size((H, W), window, stride, pad)
    col = col.reshape(N, OH, OW, *window, C)
    x = xp.zeros((N, H + 2 * pad, W + 2 * pad, C), col.dtype)
    for i, j in offsets(window):
        view = view_at(x, i, j, OH, OW, stride)
        view += col[:, :, :, i, j]
    return x[:, pad : pad + H, pad : pad + W].copy()


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
    """Return the convolution as one matrix product, out = im2col(x) W + b.

    With relu, return max(out, 0). `algorithm` has no effect: it is always im2col here.
    b is never None here, because the dispatcher sets a missing bias to 0.
    Shapes: x (N, H, W, C), W (KH, KW, C, F), b (F,), out (N, OH, OW, F).
    """
    *kernel_size, _, F = W.shape
    OH, OW = output_size(x.shape[1:3], kernel_size, stride, pad)
    out = im2col(x, kernel_size, stride, pad) @ W.reshape(-1, F) + b
    out = out.reshape(len(x), OH, OW, F)
    return get_array_module(x).maximum(out, 0) if relu else out


def conv2d_pool(
    x: Array,
    W: Array,
    b: Array | None = None,
    stride: int = 1,
    pad: int = 0,
    algorithm: str = "auto",
    relu: bool = False,
) -> tuple[Array, Array]:
    """Return the maxima of 2x2 windows of `conv2d`, and their positions."""
    return max_pool(conv2d(x, W, b, stride, pad, algorithm, relu), 2, 2)


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
    """dJ/dx = col2im(dout W^T), dJ/dW = im2col(x)^T dout; None where not requested.

    With argmax, dout is the gradient of what `conv2d_pool` returned. With after_relu,
    x = max(u, 0) and the first result is dJ/du.
    Shapes: x (N, H, W, C), dout (N, OH, OW, F), W (KH, KW, C, F); results like x, W.
    """
    *kernel_size, _, F = W.shape
    if argmax is not None:
        size = output_size(x.shape[1:3], kernel_size, stride, pad)
        dout = max_pool_grad(dout, argmax, (len(x), *size, F), 2, 2)
    rows = dout.reshape(-1, F)  # (N*OH*OW, F)
    dx = dW = None
    if input_grad:
        dcol = rows @ W.reshape(-1, F).T
        dx = col2im(dcol, x.shape, kernel_size, stride, pad)
        dx = relu_grad(dx, x) if after_relu else dx
    if param_grads:
        col = im2col(x, kernel_size, stride, pad)
        dW = (col.T @ rows).reshape(W.shape)  # (KH, KW, C, F)
    return dx, dW


@rounds_to_zero
def matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return a @ b, in `out` if given. Shapes: a (n, ..., k), b (k, ...)."""
    if out is None:
        return a @ b
    if out.flags.c_contiguous and out.dtype == a.dtype == b.dtype:
        return get_array_module(a).dot(a, b, out=out)
    out[...] = a @ b  # `dot` converts no types
    return out


def max_pool(x: Array, size: int, stride: int) -> tuple[Array, Array]:
    """Return each window's maximum and its position i * size + j, the first of equals.

    A NaN counts as larger than any number, so that it isn't lost on the way to J.
    Shapes: x (N, H, W, C), both results (N, OH, OW, C), positions uint8.
    """
    xp = get_array_module(x)
    OH, OW = output_size(x.shape[1:3], (size, size), stride, 0)
    out = view_at(x, 0, 0, OH, OW, stride).copy()
    argmax = xp.zeros(out.shape, xp.uint8)
    for i, j in offsets((size, size)):
        candidate = view_at(x, i, j, OH, OW, stride)
        larger = ~(candidate <= out) & (out == out)  # also if candidate alone is NaN
        argmax[larger] = i * size + j
        out = xp.where(larger, candidate, out)
    return out, argmax


def max_pool_grad(
    dout: Array, argmax: Array, x_shape: ImageShape, size: int, stride: int
) -> Array:
    """Add each dout to dJ/dx at its window's maximum.

    Shapes: dout and argmax (N, OH, OW, C), result x_shape = (N, H, W, C).
    """
    OH, OW = dout.shape[1:3]
    xp, zero = get_array_module(dout), dout.dtype.type(0)
    dx = xp.zeros(x_shape, dout.dtype)
    for i, j in offsets((size, size)):
        window = view_at(dx, i, j, OH, OW, stride)
        window += xp.where(argmax == i * size + j, dout, zero)
    return dx


@rounds_to_zero
def relu_grad(dout: Array, out: Array, factor: float = 1.0) -> Array:
    """Return factor dout where out > 0, else 0. Shapes: all equal."""
    real = dout.dtype.type
    return get_array_module(dout).where(out > 0, real(factor) * dout, real(0))


@rounds_to_zero
def sgd_step(p: Array, g: Array, v: Array, lr: float, momentum: float) -> None:
    """v = momentum v + g; p -= lr v, all in place. Shapes: all equal."""
    v *= momentum
    v += g
    p -= lr * v


@rounds_to_zero
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
    """Let m and v follow g and g^2, then p -= step m / (sqrt(correction v) + eps).

    All in place; rates are (1 - beta1, 1 - beta2). Shapes: p, g, m, v equal.
    """
    m += rates[0] * (g - m)
    v += rates[1] * (g * g - v)
    p -= step * m / (get_array_module(p).sqrt(correction * v) + eps)


def dropout_mask(x: Array, rate: float, seed: int) -> Array:
    """Return a mask like x: 0 with probability `rate`, else 1 / (1 - rate)."""
    xp = get_array_module(x)
    bits = random_bits(seed, x.size, xp) >> xp.uint64(64 - MASK_BITS)
    kept = bits >= drop_threshold(rate)
    return (kept * (1 / (1 - rate))).astype(x.dtype).reshape(x.shape)


@rounds_to_zero
def log_softmax(z: Array) -> Array:
    """Return z_k - log(sum_j exp z_j) for each row. Shapes: z and result (N, K)."""
    xp = get_array_module(z)
    z = z - z.max(axis=1, keepdims=True)  # the result is the same, exp can't overflow
    return z - xp.log(xp.exp(z).sum(axis=1, keepdims=True))


@rounds_to_zero
def cross_entropy(z: Array, y: Array) -> tuple[Array, Array]:
    """Return costs = log(sum_k exp z_k) - z_y, and dz = p - onehot(y) of their sum.

    Shapes: z and dz (N, K), y and costs (N,).
    """
    xp = get_array_module(z)
    rows, log_p = xp.arange(len(z)), log_softmax(z)
    dz = xp.exp(log_p)
    # p_y - 1 is minus the sum of the other p_k. In float32, 1 - p_y is exactly 0 once
    # the logits' gap exceeds 17 to 19, and the gradient that lowers z_y would be lost.
    dz[rows, y] = 0
    dz[rows, y] = -dz.sum(axis=1)
    return -log_p[rows, y], dz


def sign_step(
    x_adv: Array,
    g: Array,
    x: Array,
    alpha: float,
    eps: float,
    bounds: tuple[float, float] | None,
) -> Array:
    """Return clip_{x,eps}(x_adv + alpha sign(g)), then clipped to bounds.

    Shapes: all equal.
    """
    xp = get_array_module(x)
    x_adv = xp.clip(x_adv + alpha * xp.sign(g), x - eps, x + eps)
    return x_adv if bounds is None else xp.clip(x_adv, *bounds)
