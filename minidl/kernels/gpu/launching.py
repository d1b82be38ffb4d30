"""Launching kernels, with how many threads: see threads.cu. Nothing waits for them."""

from typing import Any

import numpy as np

from minidl.kernels.gpu.cuda import as_arguments, kernel

THREADS = 256  # in a block; any multiple of 32 will do
MOST_THREADS, MOST_ROWS = 1024, 65535  # limits of a block, and of a grid


def launch(name: str, size: int, *arguments: Any) -> None:
    """Start a kernel with a thread for each of `size` numbers."""
    start(name, 1, (-(-size // THREADS),), (THREADS,), as_arguments(name, arguments))


def launch_rows(
    name: str, grid: tuple[int, ...], row: tuple[int, int, int], *arguments: Any
) -> None:
    """Start a kernel with a block for each row of images; grid is (images, rows).

    `row` is (pixels, pieces, channels); the pieces of a pixel lie side by side.
    """
    passed, (pixels, pieces, channels) = as_arguments(name, arguments), row
    width = width_of(channels, passed)
    x = min(pieces * channels // width, THREADS)
    start(name, width, grid, (x, min(pixels, THREADS // x)), passed)


def launch_columns(name: str, shape: tuple[int, int, int], *arguments: Any) -> None:
    """Start a kernel with a block for one or four of each image's columns.

    `shape` is (images, rows, columns). The threads, a power of 2, add up in pairs.
    """
    passed, (images, rows, columns) = as_arguments(name, arguments), shape
    width = width_of(columns, passed)
    threads = min(1 << rows.bit_length(), MOST_THREADS)
    start(name, width, (images, columns // width), (threads,), passed)


def start(
    name: str,
    width: int,
    grid: tuple[int, ...],
    block: tuple[int, ...],
    passed: tuple[Any, ...],
) -> None:
    """Start a kernel, unless there are no images: a GPU refuses an empty grid."""
    if max(grid[1:], default=0) > MOST_ROWS:
        raise ValueError(
            f"x must have at most {MOST_ROWS} rows on the GPU, got {grid[1]}"
        )
    if all(grid):
        kernel(name, width)(grid, block, passed)


def width_of(channels: int, passed: tuple[Any, ...]) -> int:
    """Return how many channels one access can take: 4, or 1.

    It can't take 4 of a view that begins between two groups of four numbers.
    """
    if channels % 4:
        return 1
    arrays = [a for a in passed if not isinstance(a, np.generic)]
    return 1 if any(a.data.ptr % (4 * a.itemsize) for a in arrays) else 4
