"""What kernels take: arrays that fit together, and numbers that they can use.

Compiled code reads and writes wherever the shapes say, and a GPU's takes any bytes for
the type that it expects. So each operation checks its arguments here before it chooses
an implementation. Checks look at shapes, types, layout and device, which takes a few
microseconds however large the arrays are.
"""

from collections.abc import Sequence
from math import inf, isfinite
from typing import Any

import numpy as np

from minidl.backend import Array, device_of, get_array_module
from minidl.checks import (
    check_array,
    check_choice,
    check_count,
    check_device,
    check_floats,
    check_number,
    check_shape,
)

ALGORITHMS = ("auto", "im2col", "winograd")
LARGEST_POOL = 16  # places within a window are stored in one byte


def check_arrays(**arrays: tuple[Array, str]) -> None:
    """Raise unless arrays are floats of the given shapes, all on one device.

    In check_arrays(W=(W, "KH KW C F"), x=(x, "N H W C")) a letter stands for the same
    size everywhere. Only N may be 0.
    """
    sizes: dict[str, int] = {}
    (first, _), *_ = arrays.values()
    for name, (a, shape) in arrays.items():
        check_floats(name, a)
        check_device(name, a, first)
        letters = shape.split()
        fits = len(letters) == a.ndim
        for letter, size in zip(letters, a.shape, strict=False):
            fits &= sizes.setdefault(letter, size) == size and (
                size > 0 or letter == "N"
            )
        if not fits:
            raise ValueError(misfit(name, arrays))


def misfit(name: str, arrays: dict[str, tuple[Array, str]]) -> str:
    """Return what `check_arrays` says about an array: the sizes known before it."""
    sizes: dict[str, int] = {}
    for other, (a, shape) in arrays.items():
        letters = shape.split()
        if other == name:
            break
        sizes |= zip(letters, a.shape, strict=True)
    wanted = ", ".join(str(sizes.get(letter, letter)) for letter in letters)
    wanted += "," if len(letters) == 1 else ""
    reason = ": only N may be 0" if 0 in a.shape else ""
    return f"{name} must have shape ({wanted}), got {a.shape}{reason}"


def check_gradient(
    dout: Array, shape: Sequence[int], first: Array | None = None
) -> None:
    """Raise unless dout is the gradient of an output of this shape, where first is."""
    check_floats("dout", dout)
    check_device("dout", dout, dout if first is None else first)
    if dout.shape != tuple(shape):
        raise ValueError(
            f"dout must have the shape of the latest output, {tuple(shape)}, got "
            f"{dout.shape}"
        )


def check_places(argmax: Array, dout: Array, size: int) -> None:
    """Raise unless argmax holds a place in a window of size x size for each dout.

    On a CPU the places are read, one byte each. A GPU's would have to be waited for:
    there a place outside its window makes the gradient NaN, or in float64 is lost.
    """
    check_array("argmax", argmax)
    check_device("argmax", argmax, dout)
    if argmax.dtype != np.uint8:
        raise TypeError(f"argmax must be uint8, as of max_pool, got {argmax.dtype}")
    check_shape("argmax", argmax, dout.shape)
    if device_of(argmax) == "cpu" and argmax.max(initial=0) >= size * size:
        raise ValueError(
            f"argmax must be 0 to {size * size - 1} in windows of {size}x{size}, got "
            f"{argmax.max()}"
        )


def check_step(p: Array, g: Array, **averages: Array) -> None:
    """Raise unless p and its averages can be changed in place, along the gradient g."""
    check_floats("p", p)
    check_in_place("p", p)
    for name, a in averages.items():
        check_alike(name, a, p)
        check_in_place(name, a)
    check_alike("g", g, p)


def check_alike(name: str, a: Array, p: Array) -> None:
    """Raise unless an array has p's shape and type, and lies where p does."""
    if type(a) is type(p) and a.shape == p.shape and a.dtype == p.dtype:
        return
    check_floats(name, a)
    check_device(name, a, p)
    check_shape(name, a, p.shape)
    if a.dtype != p.dtype:
        raise TypeError(f"{name} must have p's type, {p.dtype}, got {a.dtype}")


def check_in_place(name: str, a: Array) -> None:
    """Raise ValueError unless a kernel can write to all of an array as one row."""
    check_written(name, a)
    if not a.flags.c_contiguous:
        raise ValueError(f"{name} must be contiguous, got strides {a.strides}")


def check_written(name: str, a: Array, *read: Array) -> None:
    """Raise ValueError unless a kernel may write to a, also while it reads others."""
    if not getattr(a.flags, "writeable", True):  # CuPy's arrays always are
        raise ValueError(f"{name} must be writeable, got a read-only array")
    for other in read:
        if get_array_module(a).may_share_memory(a, other):
            raise ValueError(f"{name} must share no memory with the factors")


def check_product(a: Array, b: Array, out: Array | None) -> None:
    """Raise unless a @ b is a product of matrices that out, if given, can take."""
    check_floats("a", a)
    check_floats("b", b)
    check_device("b", b, a)
    if a.ndim < 2:
        raise ValueError(f"a must have shape (n, ..., k), got {a.shape}")
    if b.ndim not in (1, 2) or len(b) != a.shape[-1]:
        k = a.shape[-1]
        raise ValueError(f"b must have shape ({k},) or ({k}, m), got {b.shape}")
    if out is None:
        return
    check_floats("out", out)
    check_device("out", out, a)
    check_shape("out", out, a.shape[:-1] + b.shape[1:])
    check_written("out", out, a, b)


def check_numbers(**numbers: Any) -> None:
    """Raise unless all are finite numbers."""
    for name, value in numbers.items():
        if type(value) is not float or not isfinite(value):
            check_number(name, value, -inf, inf, open_low=True, open_high=True)


def check_image_shape(name: str, shape: Any) -> None:
    """Raise unless a shape is (N, H, W, C), where only N may be 0."""
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise ValueError(f"{name} must be (N, H, W, C), got {shape}")
    for size, least in zip(shape, (0, 1, 1, 1), strict=True):
        check_count(f"each size in {name}", size, at_least=least)


def check_window(
    kernel_size: int | tuple[int, int], stride: int, pad: int
) -> tuple[int, int]:
    """Return (KH, KW); raise unless sizes and stride are >= 1 and padding >= 0."""
    pair = kernel_size if isinstance(kernel_size, tuple) else (kernel_size,) * 2
    if len(pair) != 2:
        raise ValueError(f"kernel_size must be one or two integers, got {kernel_size}")
    for size in pair:
        check_count("kernel_size", size)
    check_count("stride", stride)
    check_count("pad", pad, at_least=0)
    return pair


def check_convolution(W: Array, stride: int, pad: int, algorithm: str) -> None:
    """Raise unless an algorithm can convolve with W, with such steps and padding."""
    window = check_window(W.shape[:2], stride, pad)
    check_algorithm(algorithm, window, stride, pad)


def check_pool(size: int, stride: int) -> None:
    """Raise unless windows of size x size, `stride` apart, can be pooled."""
    check_count("size", size)
    if size > LARGEST_POOL:
        raise ValueError(f"size must be at most {LARGEST_POOL}, got {size}")
    check_count("stride", stride)


def check_mask(x: Array, rate: float, seed: int) -> None:
    """Raise unless a mask like x can be drawn."""
    check_floats("x", x)
    check_number("rate", rate, 0, 1, open_high=True)
    check_count("seed", seed, at_least=0)
    if seed >= 2**64:
        raise ValueError(f"seed must be below 2**64, got {seed}")


def fits_winograd(kernel_size: Sequence[int], stride: int, pad: int) -> bool:
    """Tell whether Winograd's algorithm, F(4x4, 3x3), can do such a convolution."""
    return tuple(kernel_size) == (3, 3) and stride == 1 and pad <= 1


def check_algorithm(
    algorithm: str, kernel_size: Sequence[int], stride: int, pad: int
) -> str:
    """Return the name of a convolution algorithm; raise unless it can be used."""
    check_choice("algorithm", algorithm, ALGORITHMS)
    if algorithm == "winograd" and not fits_winograd(kernel_size, stride, pad):
        raise ValueError(
            "algorithm 'winograd' takes kernel_size 3, stride 1 and pad 0 or 1, got "
            f"{kernel_size}, {stride} and {pad}"
        )
    return algorithm
