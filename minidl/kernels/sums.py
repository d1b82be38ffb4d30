"""A sum that is faster as a product on a CPU, and not on a GPU."""

import numpy as np

from minidl.backend import Array, device_of
from minidl.kernels import matmul


def sum_over_pixels(dout: Array, out: Array) -> None:
    """Fill out with the sum of dout over images, rows and columns: a bias's gradient.

    On a CPU as a product with ones, which is faster than `sum` and, because each image
    is added up first, more accurate. Shapes: dout (N, OH, OW, F), out (F,).
    """
    pixels = dout.reshape(len(dout), -1, dout.shape[3])  # (N, OH*OW, F)
    if device_of(dout) == "cpu":
        ones = np.ones(pixels.shape[1], dout.dtype)
        sums = matmul(pixels.swapaxes(1, 2), ones)  # (N, F)
    else:
        sums = pixels.sum(axis=1)  # cuBLAS would first copy the pixels, transposed
    sums.sum(axis=0, out=out)
