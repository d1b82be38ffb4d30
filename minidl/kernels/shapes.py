"""The positions of windows in an image: the arithmetic that all kernels share."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from minidl.backend import Array

Window: TypeAlias = Sequence[int]  # (KH, KW)
ImageShape: TypeAlias = tuple[int, int, int, int]  # (N, H, W, C)


def output_size(
    image_size: Sequence[int], kernel_size: Window, stride: int, pad: int
) -> tuple[int, int]:
    """Return (OH, OW), the numbers of windows that fit vertically and horizontally.

    Raises ValueError if none fits.
    """
    OH, OW = (
        (size + 2 * pad - window) // stride + 1
        for size, window in zip(image_size, kernel_size, strict=True)
    )
    if OH < 1 or OW < 1:
        raise ValueError(
            f"a {kernel_size[0]}x{kernel_size[1]} window doesn't fit into an image of "
            f"{image_size[0]}x{image_size[1]} with padding {pad}"
        )
    return OH, OW


def fits_winograd(kernel_size: Window, stride: int, pad: int) -> bool:
    """Return whether Winograd's algorithm, F(4x4, 3x3), can compute a convolution."""
    return tuple(kernel_size) == (3, 3) and stride == 1 and pad <= 1


def pair(kernel_size: int | Window) -> Window:
    """Return a window's height and width; a single integer stands for both."""
    return (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size


def offsets(kernel_size: Window) -> Iterator[tuple[int, int]]:
    """Yield all positions (i, j) within a window, row by row."""
    KH, KW = kernel_size
    return ((i, j) for i in range(KH) for j in range(KW))


def view_at(x: Array, i: int, j: int, OH: int, OW: int, stride: int) -> Array:
    """Return the view of x that holds position (i, j) of every window.

    Shapes: x (N, H, W, C), result (N, OH, OW, C).
    """
    rows = slice(i, i + stride * OH, stride)
    columns = slice(j, j + stride * OW, stride)
    return x[:, rows, columns]
