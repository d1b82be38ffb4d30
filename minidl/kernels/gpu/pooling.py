"""Max pooling on a GPU, alone or fused with its neighbours: see pooling.cu."""

from minidl.backend import Array, get_array_module
from minidl.kernels.gpu.launching import launch_rows
from minidl.kernels.random_bits import drop_threshold
from minidl.kernels.shapes import ImageShape, output_size


def max_pool(x: Array, size: int, stride: int) -> tuple[Array, Array]:
    """Return each window's maximum and its place; see `reference.max_pool`."""
    return pooled(x, size, stride, None, 0.0, 0)


def pooled(
    x: Array, size: int, stride: int, b: Array | None, rate: float, seed: int
) -> tuple[Array, Array]:
    """Maxima of x, or with b of max(x + b, 0) after dropout, and their places."""
    xp = get_array_module(x)
    N, *image, C = x.shape
    OH, OW = output_size(image, (size, size), stride, 0)
    shape = N, OH, OW, C
    out, argmax = xp.empty(shape, x.dtype), xp.empty(shape, xp.uint8)
    how = (*image, C, OH, OW, size, stride, *mask_of(rate, seed))
    launch_rows("max_pool", (N, OH), (OW, 1, C), x, b, out, argmax, *how)
    return out, argmax


def max_pool_grad(
    dout: Array, argmax: Array, x_shape: ImageShape, size: int, stride: int
) -> Array:
    """Add each dout to dJ/dx at its window's maximum; see `reference.max_pool_grad`."""
    return unpooled(dout, argmax, x_shape, size, stride, None, 1.0)


def unpooled(
    dout: Array,
    argmax: Array,
    x_shape: ImageShape,
    size: int,
    stride: int,
    out: Array | None,
    factor: float,
) -> Array:
    """Return `max_pool_grad`; if out was pooled from max(u, 0) factor, return du."""
    dx = get_array_module(dout).empty(x_shape, dout.dtype)
    N, H, W, C = x_shape
    rows, columns = ((size - 1) // stride + 1 for size in (H, W))
    how = (H, W, C, *dout.shape[1:3], size, stride, factor)
    launch_rows(
        "max_pool_grad", (N, rows), (columns, 1, C), dout, argmax, out, dx, *how
    )
    return dx


def mask_of(rate: float, seed: int) -> tuple[int, int, float]:
    """Return the seed, threshold and scale of dropout's mask."""
    return seed, drop_threshold(rate), 1 / (1 - rate)
