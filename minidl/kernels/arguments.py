"""What kernels take: arrays that fit together, and numbers that they can use.

Compiled code reads and writes wherever the shapes say, and a GPU's takes any bytes for
the type that it expects. So each operation has its arguments checked here before an
implementation is chosen; what it gets back is as all implementations take it: of one
type, with rows one after another in memory. Checks look at shapes, types, layout and
device, which takes a few microseconds however large the arrays are.
"""

from collections.abc import Sequence
from math import inf, isfinite, prod
from typing import Any

import numpy as np

from minidl.backend import Array, device_of, get_array_module
from minidl.checks import (
    check_array,
    check_batch,
    check_choice,
    check_count,
    check_device,
    check_floats,
    check_label_array,
    check_labels,
    check_number,
    check_shape,
)
from minidl.kernels import reference
from minidl.kernels.dispatch import implementation
from minidl.kernels.shapes import ImageShape, fits_winograd, output_size

ALGORITHMS = ("auto", "im2col", "winograd")
LARGEST_POOL = 16  # places within a window are stored in one byte


def im2col(
    x: Array, kernel_size: int | tuple[int, int], stride: int = 1, pad: int = 0
) -> tuple[Any, ...]:
    """Check the arguments of `kernels.im2col`."""
    check_arrays(x=(x, "N H W C"))
    return contiguous(x), check_window(kernel_size, stride, pad), stride, pad


def col2im(
    col: Array,
    x_shape: ImageShape,
    kernel_size: int | tuple[int, int],
    stride: int = 1,
    pad: int = 0,
) -> tuple[Any, ...]:
    """Check the arguments of `kernels.col2im`."""
    check_floats("col", col)
    check_image_shape("x_shape", x_shape)
    window = check_window(kernel_size, stride, pad)
    N, H, W, C = x_shape
    OH, OW = output_size((H, W), window, stride, pad)
    check_shape("col", col, (N * OH * OW, prod(window) * C))
    return contiguous(col), x_shape, window, stride, pad


def conv2d(
    x: Array,
    W: Array,
    b: Array | None = None,
    stride: int = 1,
    pad: int = 0,
    algorithm: str = "auto",
    relu: bool = False,
) -> tuple[Any, ...]:
    """Check the arguments of `kernels.conv2d` and `conv2d_pool`."""
    bias = {} if b is None else {"b": (b, "F")}
    check_arrays(W=(W, "KH KW C F"), x=(x, "N H W C"), **bias)
    check_algorithm(algorithm, check_window(W.shape[:2], stride, pad), stride, pad)
    b = get_array_module(W).zeros(W.shape[3], W.dtype) if b is None else b
    return contiguous(x), like(x, W), like(x, b), stride, pad, algorithm, relu


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
) -> tuple[Any, ...]:
    """Check the arguments of `kernels.conv2d_grads`."""
    check_arrays(W=(W, "KH KW C F"), x=(x, "N H W C"))
    check_algorithm(algorithm, check_window(W.shape[:2], stride, pad), stride, pad)
    OH, OW = output_size(x.shape[1:3], W.shape[:2], stride, pad)
    size = (OH, OW) if argmax is None else (OH // 2, OW // 2)
    check_arrays(x=(x, x.shape), dout=(dout, (len(x), *size, W.shape[3])))
    if argmax is not None:
        check_places(argmax, dout, 2)
        argmax = contiguous(argmax)
    arrays = like(dout, x), contiguous(dout), like(dout, W)
    return *arrays, stride, pad, algorithm, param_grads, input_grad, argmax, after_relu


def matmul(a: Array, b: Array, out: Array | None = None) -> tuple[Any, ...]:
    """Check the arguments of `kernels.matmul`."""
    check_floats("a", a)
    check_floats("b", b)
    check_device("b", b, a)
    if a.ndim < 2:
        raise ValueError(f"a must have shape (n, ..., k), got {a.shape}")
    if b.ndim not in (1, 2) or len(b) != a.shape[-1]:
        k = a.shape[-1]
        raise ValueError(f"b must have shape ({k},) or ({k}, m), got {b.shape}")
    if out is not None:
        check_arrays(a=(a, a.shape), out=(out, a.shape[:-1] + b.shape[1:]))
        check_written("out", out, a, b)
    return a, b, out


def max_pool(x: Array, size: int, stride: int) -> tuple[Any, ...]:
    """Check the arguments of `kernels.max_pool`."""
    check_arrays(x=(x, "N H W C"))
    check_pool(size, stride)
    return contiguous(x), size, stride


def max_pool_grad(
    dout: Array, argmax: Array, x_shape: ImageShape, size: int, stride: int
) -> tuple[Any, ...]:
    """Check the arguments of `kernels.max_pool_grad`."""
    check_image_shape("x_shape", x_shape)
    check_pool(size, stride)
    N, H, W, C = x_shape
    OH, OW = output_size((H, W), (size, size), stride, 0)
    check_floats("dout", dout)
    check_shape("dout", dout, (N, OH, OW, C))
    check_places(argmax, dout, size)
    return contiguous(dout), contiguous(argmax), x_shape, size, stride


def relu_grad(dout: Array, out: Array) -> tuple[Any, ...]:
    """Check the arguments of `kernels.relu_grad`."""
    check_floats("out", out)
    check_arrays(out=(out, out.shape), dout=(dout, out.shape))
    return contiguous(dout), like(dout, out)


def dropout_mask(x: Array, rate: float, seed: int) -> tuple[Any, ...]:
    """Check the arguments of `kernels.dropout_mask`."""
    check_floats("x", x)
    check_number("rate", rate, 0, 1, open_high=True)
    check_count("seed", seed, at_least=0)
    if seed >= 2**64:
        raise ValueError(f"seed must be below 2**64, got {seed}")
    return x, rate, seed


def cross_entropy(z: Array, y: Array) -> tuple[Any, ...]:
    """Check the arguments of `kernels.cross_entropy`.

    A GPU would have to be waited for before labels can be read: there the kernel makes
    a row NaN whose label is no class.
    """
    check_batch("z", z, ndim=2)
    check_label_array("y", y, len(z))
    check_device("y", y, z)
    if device_of(z) == "cpu" or implementation(z) is reference:
        check_labels("y", y, *z.shape)
    return z, y


def sign_step(
    x_adv: Array,
    g: Array,
    x: Array,
    alpha: float,
    eps: float,
    bounds: tuple[float, float] | None,
) -> tuple[Any, ...]:
    """Check the arguments of `kernels.sign_step`."""
    check_floats("x", x)
    check_arrays(x=(x, x.shape), x_adv=(x_adv, x.shape), g=(g, x.shape))
    low, high = (-inf, inf) if bounds is None else bounds
    for name, number in (("alpha", alpha), ("eps", eps), ("low", low), ("high", high)):
        check_number(name, number, -inf, inf)
    if g.dtype != x.dtype:  # as float32 a small gradient might be 0
        g = get_array_module(g).sign(g)
    pair = None if bounds is None else (float(low), float(high))
    return like(x, x_adv), like(x, g), contiguous(x), float(alpha), float(eps), pair


def sgd_step(
    p: Array, g: Array, v: Array, lr: float, momentum: float
) -> tuple[Any, ...]:
    """Check the arguments of `kernels.sgd_step`."""
    check_step(p, g, v=v)
    check_numbers(lr=lr, momentum=momentum)
    return p, contiguous(g), v, lr, momentum


def adam_step(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    rates: tuple[float, float],
    step: float,
    correction: float,
    eps: float,
) -> tuple[Any, ...]:
    """Check the arguments of `kernels.adam_step`."""
    check_step(p, g, m=m, v=v)
    rate1, rate2 = rates
    check_numbers(rate1=rate1, rate2=rate2, step=step, correction=correction, eps=eps)
    return p, contiguous(g), m, v, rates, step, correction, eps


def check_arrays(**arrays: tuple[Array, str | tuple[int, ...]]) -> None:
    """Raise unless arrays are floats of the given shapes, all on one device.

    In check_arrays(W=(W, "KH KW C F"), x=(x, "N H W C")) a letter stands for the same
    size everywhere. Only N may be 0.
    """
    sizes: dict[str, int] = {}
    (first, _), *_ = arrays.values()
    for name, (a, shape) in arrays.items():
        check_floats(name, a)
        check_device(name, a, first)
        if isinstance(shape, tuple):
            check_shape(name, a, shape)
            continue
        letters = shape.split()
        fits = len(letters) == a.ndim
        for letter, size in zip(letters, a.shape, strict=False):
            fits &= sizes.setdefault(letter, size) == size and (
                size > 0 or letter == "N"
            )
        if not fits:
            wanted = ", ".join(sizes_before(name, arrays))
            wanted += "," if len(letters) == 1 else ""
            reason = ": only N may be 0" if 0 in a.shape else ""
            given = f"{a.shape}{reason}"
            raise ValueError(f"{name} must have shape ({wanted}), got {given}")


def sizes_before(name: str, arrays: dict[str, tuple[Array, Any]]) -> list[str]:
    """Return an array's shape: sizes known from those before it, letters elsewhere."""
    sizes: dict[str, int] = {}
    for other, (a, shape) in arrays.items():
        if other == name:
            break
        sizes |= zip(shape.split(), a.shape, strict=True)
    return [str(sizes.get(letter, letter)) for letter in shape.split()]


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
    for name, a in (*averages.items(), ("g", g)):
        if type(a) is not type(p) or a.shape != p.shape or a.dtype != p.dtype:
            check_arrays(p=(p, p.shape), **{name: (a, p.shape)})
            if a.dtype != p.dtype:
                raise TypeError(f"{name} must have p's type, {p.dtype}, got {a.dtype}")
    for name, a in (("p", p), *averages.items()):
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


def check_pool(size: int, stride: int) -> None:
    """Raise unless windows of size x size, `stride` apart, can be pooled."""
    check_count("size", size)
    if size > LARGEST_POOL:
        raise ValueError(f"size must be at most {LARGEST_POOL}, got {size}")
    check_count("stride", stride)


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


def like(x: Array, other: Array) -> Array:
    """Return the other in x's type, which is that of all results, and contiguous."""
    return contiguous(other.astype(x.dtype, copy=False))


def contiguous(x: Array) -> Array:
    """Return x with its rows one after another in memory, as kernels read it."""
    return get_array_module(x).ascontiguousarray(x)
