"""im2col and col2im on a GPU: see windows.cu."""

from minidl.backend import Array, get_array_module
from minidl.kernels.gpu.launching import launch_rows
from minidl.kernels.shapes import ImageShape, Window, output_size


def im2col(x: Array, kernel_size: Window, stride: int, pad: int) -> Array:
    """Return all windows as rows of a matrix; see `reference.im2col`."""
    (N, H, W, C), (KH, KW) = x.shape, kernel_size
    OH, OW = output_size((H, W), kernel_size, stride, pad)
    col = get_array_module(x).empty((N * OH * OW, KH * KW * C), x.dtype)
    geometry = (H, W, C, OH, OW, KH, KW, stride, pad)
    launch_rows("im2col", (N, OH), (OW, KW, C), x, col, *geometry)
    return col


def col2im(
    col: Array, x_shape: ImageShape, kernel_size: Window, stride: int, pad: int
) -> Array:
    """Add every window back to where it was taken; see `reference.col2im`."""
    x = get_array_module(col).empty(x_shape, col.dtype)
    sum_windows(col, x, kernel_size, stride, pad)
    return x


def sum_windows(
    col: Array,
    x: Array,
    kernel_size: Window,
    stride: int,
    pad: int,
    relu_out: Array | None = None,
) -> None:
    """x = col2im(col), or du if relu_out = max(u, 0) is given, in the shape of x."""
    N, H, W, C = x.shape
    OH, OW = output_size((H, W), kernel_size, stride, pad)
    rows, columns = ((size + pad - 1) // stride + 1 for size in (H, W))
    geometry = (H, W, C, OH, OW, *kernel_size, stride, pad)
    launch_rows("col2im", (N, rows), (columns, 1, C), col, relu_out, x, *geometry)
