"""Solutions of chapter 3: convolution as a matrix product."""

from minidl import kernels
from minidl.backend import Array


def output_length(length: int, kernel: int, stride: int, pad: int) -> int:
    """(length + 2 pad - kernel) // stride + 1."""
    return kernels.output_size((length, length), (kernel, kernel), stride, pad)[0]


def im2col_1d(x: Array, kernel: int) -> Array:
    """All windows of a signal x (W,) as rows: (W - kernel + 1, kernel)."""
    with kernels.use("reference"):
        return kernels.im2col(x.reshape(1, 1, -1, 1), (1, kernel), 1, 0)


def col2im_1d(col: Array, width: int) -> Array:
    """Add each row of col back to where `im2col_1d` took it: (width,)."""
    with kernels.use("reference"):
        image = kernels.col2im(col, (1, 1, width, 1), (1, col.shape[1]), 1, 0)
    return image.reshape(-1)


def convolve(x: Array, W: Array) -> Array:
    """out = im2col(x) W. Shapes: x (N, H, W, C), W (KH, KW, C, F), no padding."""
    KH, KW, _, F = W.shape
    with kernels.use("reference"):
        col = kernels.im2col(x, (KH, KW), 1, 0)
    OH, OW = kernels.output_size(x.shape[1:3], (KH, KW), 1, 0)
    return (col @ W.reshape(-1, F)).reshape(len(x), OH, OW, F)
