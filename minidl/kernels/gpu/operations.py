"""The kernels on a GPU, in float32: CUDA where NumPy's functions need many passes.

cuBLAS computes matrix products. Each step between them is one CUDA kernel, because
starting a kernel takes the host as long as a million multiplications take the GPU.
Nothing here waits for the GPU or copies to or from it.
Arrays are CuPy's, in float32; letters: see `minidl.kernels`.
"""

import numpy as np

from minidl.backend import Array, get_array_module
from minidl.kernels.gpu.launching import launch, launch_columns, launch_rows
from minidl.kernels.gpu.pooling import mask_of, pooled, unpooled
from minidl.kernels.gpu.pooling import max_pool as max_pool
from minidl.kernels.gpu.pooling import max_pool_grad as max_pool_grad
from minidl.kernels.gpu.windows import col2im as col2im
from minidl.kernels.gpu.windows import im2col as im2col
from minidl.kernels.gpu.windows import sum_windows
from minidl.kernels.reference import matmul as matmul  # cuBLAS's
from minidl.kernels.shapes import output_size

# Of columns at a time: enough for 128 images in the paper's networks. Larger batches go
# through in blocks, so that their columns needn't fit into memory.
BLOCK_BYTES = 2**28
IN_ONE_PASS = 2**22  # numbers: a sum of more is worth a second launch


def conv2d(
    x: Array, W: Array, b: Array, stride: int, pad: int, algorithm: str, relu: bool
) -> Array:
    """out = im2col(x) W + b, with relu max(out, 0); see `reference.conv2d`."""
    product, _ = without_bias(x, W, stride, pad)
    if relu:
        return bias_relu(product, b, 0.0, 0)
    product += b
    return product


def without_bias(
    x: Array, W: Array, stride: int, pad: int
) -> tuple[Array, Array | None]:
    """Return im2col(x) W, block by block, and im2col(x) if there is only one block.

    Shapes: x (N, H, W, C), result (N, OH, OW, F).
    """
    xp = get_array_module(x)
    *kernel_size, _, F = W.shape
    OH, OW = output_size(x.shape[1:3], kernel_size, stride, pad)
    out = xp.empty((len(x), OH, OW, F), x.dtype)
    parts = blocks(x, W, OH * OW)
    for n in parts:
        col = im2col(x[n], kernel_size, stride, pad)
        xp.dot(col, W.reshape(-1, F), out=out[n].reshape(-1, F))
    return out, col if len(parts) == 1 else None


def conv2d_block(
    x: Array,
    W: Array,
    b: Array,
    stride: int,
    pad: int,
    algorithm: str,
    pool: bool,
    rate: float,
    seed: int,
    keep: bool,
) -> tuple[Array, Array | None, Array | None]:
    """Convolution, ReLU, pooling and dropout; see `blocks.conv2d_block`."""
    product, col = without_bias(x, W, stride, pad)
    kept = col if keep else None
    if pool:
        return *pooled(product, 2, 2, b, rate, seed), kept
    return bias_relu(product, b, rate, seed), None, kept


def bias_relu(u: Array, b: Array, rate: float, seed: int) -> Array:
    """Return max(u + b, 0), after dropout; see `blocks.bias_relu`."""
    out = get_array_module(u).empty(u.shape, u.dtype)
    W, F = u.shape[-2:] if u.ndim == 4 else (1, u.shape[-1])
    grid = u.shape[:2] if u.ndim == 4 else (u.size // F, 1)
    launch_rows("bias_relu", grid, (W, 1, F), u, b, out, W, F, *mask_of(rate, seed))
    return out


def conv2d_pool(
    x: Array, W: Array, b: Array, stride: int, pad: int, algorithm: str, relu: bool
) -> tuple[Array, Array]:
    """Maxima of 2x2 windows of `conv2d`, and their places; see `reference.max_pool`."""
    return max_pool(conv2d(x, W, b, stride, pad, algorithm, relu), 2, 2)


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
    """dx = col2im(dout W^T), dW = im2col(x)^T dout; see `reference.conv2d_grads`."""
    dW = get_array_module(W).empty(W.shape, W.dtype) if param_grads else None
    filled = stride, pad, algorithm, dW, None, input_grad
    block = None, argmax, None, 1.0, after_relu
    return conv2d_block_grads(x, dout, W, *filled, *block), dW


def conv2d_block_grads(
    x: Array,
    dout: Array,
    W: Array,
    stride: int,
    pad: int,
    algorithm: str,
    dW: Array | None,
    db: Array | None,
    input_grad: bool,
    relu_out: Array | None,
    argmax: Array | None,
    col: Array | None,
    factor: float,
    after_relu: bool,
) -> Array | None:
    """Fill dW and db, return dx; see `blocks.conv2d_block_grads`."""
    *window, _, F = W.shape
    OH, OW = output_size(x.shape[1:3], window, stride, pad)
    if db is not None:
        sum_over_pixels(dout, relu_out, factor, db)
    if argmax is not None:
        shape = len(x), OH, OW, F
        dout = unpooled(dout, argmax, shape, 2, 2, relu_out, factor)
    elif relu_out is not None:
        dout = relu_grad(dout, relu_out, factor)
    dx = get_array_module(x).empty(x.shape, x.dtype) if input_grad else None
    for n in blocks(x, W, OH * OW):
        rows = dout[n].reshape(-1, F)  # (N*OH*OW, F)
        at = slice(n.start * OH * OW, n.stop * OH * OW)
        if dx is not None:
            dcol = rows @ W.reshape(-1, F).T
            sum_windows(dcol, dx[n], window, stride, pad, x[n] if after_relu else None)
        if dW is not None:
            columns = im2col(x[n], window, stride, pad) if col is None else col[at]
            add_product(columns.T, rows, dW.reshape(-1, F), first=n.start == 0)
    return dx


def add_product(a: Array, b: Array, out: Array, first: bool) -> None:
    """out = a b, or after the first product out += a b. Shapes: as of `matmul`."""
    if first and out.dtype == a.dtype:
        get_array_module(a).dot(a, b, out=out)
    elif first:
        out[...] = a @ b
    else:
        out += a @ b


def sum_over_pixels(dout: Array, out: Array | None, factor: float, sums: Array) -> None:
    """sums = sum of dout over all pixels; with out, of factor dout where out > 0.

    A large dout is first summed image by image, so that more blocks work at once.
    Shapes: dout and out (N, OH, OW, F), sums (F,).
    """
    N, OH, OW, F = dout.shape
    xp, shape = get_array_module(dout), (1, N * OH * OW, F)
    if dout.size > IN_ONE_PASS:
        images = xp.empty((N, F), dout.dtype)
        launch_columns("sum_rows", (N, OH * OW, F), dout, out, images, OH * OW, factor)
        dout, out, shape = images, None, (1, N, F)
    found = sums if sums.dtype == dout.dtype else xp.empty(F, dout.dtype)
    launch_columns("sum_rows", shape, dout, out, found, shape[1], factor)
    if found is not sums:
        sums[...] = found


def blocks(x: Array, W: Array, pixels: int) -> list[slice]:
    """Return slices of consecutive images whose columns take BLOCK_BYTES at most."""
    bytes_per_image = pixels * W[..., 0].size * x.itemsize
    images = max(1, BLOCK_BYTES // bytes_per_image)
    starts = range(0, max(1, len(x)), images)  # one block even for no images
    return [slice(start, start + images) for start in starts]


def relu_grad(dout: Array, out: Array, factor: float) -> Array:
    """Return dout factor where out > 0, else 0. Shapes: all equal."""
    dx = get_array_module(dout).empty(dout.shape, dout.dtype)
    launch("relu_grad", dx.size, dout, out, dx, dx.size, factor)
    return dx


def dropout_mask(x: Array, rate: float, seed: int) -> Array:
    """Return a mask like x: 0 with probability `rate`, else 1 / (1 - rate)."""
    mask = get_array_module(x).empty(x.shape, x.dtype)
    launch("dropout_mask", mask.size, mask, mask.size, *mask_of(rate, seed))
    return mask


def cross_entropy(z: Array, y: Array) -> tuple[Array, Array]:
    """Return each image's cost, and dz of their sum; NaN where y isn't a class."""
    xp = get_array_module(z)
    costs, dz = xp.empty(len(z), z.dtype), xp.empty(z.shape, z.dtype)
    z, y = xp.ascontiguousarray(z), xp.ascontiguousarray(y.astype(xp.int64, copy=False))
    launch("cross_entropy", len(z), z, y, costs, dz, *z.shape)
    return costs, dz


def sgd_step(p: Array, g: Array, v: Array, lr: float, momentum: float) -> None:
    """v = momentum v + g; p -= lr v, in place. Shapes: all equal, contiguous."""
    launch("sgd_step", p.size, p, g, v, p.size, lr, momentum)


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
    """Move p, m and v in place, in one pass; see `reference.adam_step`."""
    factors = (*rates, step, correction, eps)
    launch("adam_step", p.size, p, g, m, v, p.size, *factors)


def sign_step(
    x_adv: Array,
    g: Array,
    x: Array,
    alpha: float,
    eps: float,
    bounds: tuple[float, float] | None,
) -> Array:
    """Return x_adv + alpha sign(g), clipped; see `reference.sign_step`."""
    out = get_array_module(x).empty(x.shape, x.dtype)
    low, high = (-np.inf, np.inf) if bounds is None else bounds
    numbers = alpha, eps, low, high
    launch("sign_step", out.size, x_adv, g, x, out, out.size, *numbers)
    return out
