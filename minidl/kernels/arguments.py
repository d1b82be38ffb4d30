"""Validation of kernels' arguments: a rule for each parameter's name.

Compiled code reads and writes wherever the shapes say, and on a GPU it takes any bytes
for the type that it expects. So RULES check each operation's arguments before an
implementation is chosen: shapes, types, layout and device. This takes a few
microseconds, however large the arrays are.
"""

from math import prod
from typing import Any

import numpy as np

from minidl.backend import Array, device_of, get_array_module
from minidl.checks import (
    check_array,
    check_choice,
    check_count,
    check_device,
    check_floats,
    check_label_array,
    check_labels,
    check_shape,
)
from minidl.checks.rules import Given, Rule, axes, both, nonempty, number_in
from minidl.kernels import reference
from minidl.kernels.dispatch import implementation
from minidl.kernels.shapes import ImageShape, fits_winograd, output_size

ALGORITHMS = ("auto", "im2col", "winograd")
FINITE = "(-inf, inf)"
any_axes, of_filters, finite = axes("..."), axes("KH KW C F"), number_in(FINITE)


def window(name: str, kernel_size: Any, given: Given) -> tuple[int, int]:
    """Return (KH, KW), given one or two sizes."""
    pair = kernel_size if isinstance(kernel_size, tuple) else (kernel_size,) * 2
    if len(pair) != 2:
        raise ValueError(f"{name} must be one or two integers, got {kernel_size}")
    for size in pair:
        check_count(name, size)
    return pair


def algorithm(name: str, chosen: Any, given: Given) -> str:
    """Return an algorithm; raise unless it can convolve with these windows."""
    check_choice(name, chosen, ALGORITHMS)
    how = given["stride"], given["pad"]
    size = given["W"].shape[:2] if "W" in given else given["kernel_size"]
    if chosen == "winograd" and not fits_winograd(size, *how):
        raise ValueError(
            f"{name} 'winograd' takes kernel_size 3, stride 1 and pad 0 or 1, got "
            "{}, {} and {}".format(size, *how)
        )
    return str(chosen)


def image_shape(name: str, shape: Any, given: Given) -> ImageShape:
    """Return (N, H, W, C), where only N may be 0."""
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise ValueError(f"{name} must be (N, H, W, C), got {shape}")
    for size, least in zip(shape, (0, 1, 1, 1), strict=True):
        check_count(f"each size in {name}", size, least)
    return shape


def columns(name: str, col: Array, given: Given) -> Array:
    """Return columns of windows, (N*OH*OW, KH*KW*C)."""
    if "W" in given:
        (N, *image, C), window = given["x"].shape, given["W"].shape[:2]
    else:
        (N, *image, C), window = given["x_shape"], given["kernel_size"]
    OH, OW = output_size(image, window, given["stride"], given["pad"])
    check_floats(name, col)
    check_device(name, col, given.get("x", col))
    check_shape(name, col, (N * OH * OW, prod(window) * C))
    return col


def gradient(name: str, dout: Array, given: Given) -> Array:
    """Return the gradient of the output of a convolution or a pooling, (N, ...).

    With an argmax, the convolution's output was pooled by 2x2.
    """
    if "W" in given:
        (N, *image, _), (*window, _, C) = given["x"].shape, given["W"].shape
    else:
        (N, *image, C), window = given["x_shape"], [given["size"]] * 2
    OH, OW = output_size(image, window, given["stride"], given.get("pad", 0))
    if given.get("argmax") is not None and "W" in given:
        OH, OW = OH // 2, OW // 2
    check_floats(name, dout)
    check_device(name, dout, given.get("x", dout))
    check_shape(name, dout, (N, OH, OW, C))
    return dout


def places(name: str, argmax: Array, given: Given) -> Array:
    """Return a place in a window of size x size for each number of dout.

    On a CPU all places are checked. On a GPU this would mean waiting: there, a place
    outside its window makes the gradient NaN, or in float64 its dout is lost.
    """
    dout, size = given["dout"], given.get("size", 2)
    check_array(name, argmax)
    check_device(name, argmax, dout)
    if argmax.dtype != np.uint8:
        raise TypeError(f"{name} must be uint8, as from max_pool, got {argmax.dtype}")
    check_shape(name, argmax, dout.shape)
    if device_of(argmax) == "cpu" and argmax.max(initial=0) >= size * size:
        raise ValueError(
            f"{name} must be 0 to {size * size - 1} in windows of {size}x{size}, got "
            f"{argmax.max()}"
        )
    return argmax


def rectified(name: str, out: Array, given: Given) -> Array:
    """Return a ReLU's output, in the shape of its gradient dout."""
    check_floats(name, out)
    check_device(name, out, given["dout"])
    check_shape(name, out, given["dout"].shape)
    return out


def features(name: str, u: Array, given: Given) -> Array:
    """Return an array to whose last axis a bias is added."""
    any_axes(name, u, given)
    if u.ndim < 2:
        raise ValueError(f"{name} must have shape (n, ..., F), got {u.shape}")
    given.sizes["F"] = u.shape[-1]
    return u


def filters(name: str, W: Array, given: Given) -> Array:
    """Return filters (KH, KW, C, F), and set a missing bias to 0."""
    of_filters(name, W, given)
    if given.get("b", W) is None:
        given["b"] = get_array_module(W).zeros(W.shape[3], W.dtype)
    return W


def factor(name: str, b: Array, given: Given) -> Array:
    """Return b, (k,) or (k, m), of a product a b; a is (n, ..., k)."""
    a = given["a"]
    check_floats("a", a)
    check_floats(name, b)
    check_device(name, b, a)
    if a.ndim < 2:
        raise ValueError(f"a must have shape (n, ..., k), got {a.shape}")
    if b.ndim not in (1, 2) or len(b) != a.shape[-1]:
        k = a.shape[-1]
        raise ValueError(f"{name} must have shape ({k},) or ({k}, m), got {b.shape}")
    return b


def product(name: str, out: Array, given: Given) -> Array:
    """Return an array to which a product can be written."""
    a, b = given["a"], given["b"]
    check_floats(name, out)
    check_device(name, out, a)
    check_shape(name, out, a.shape[:-1] + b.shape[1:])
    check_writeable(name, out)
    may_share = get_array_module(out).may_share_memory
    if may_share(out, a) or may_share(out, b):
        raise ValueError(f"{name} must share no memory with the factors")
    return out


def classes(name: str, y: Array, given: Given) -> Array:
    """Return labels for the logits z.

    On a GPU, reading them would mean waiting: there, the kernel turns a row into NaN if
    its label isn't a class.
    """
    z = given["z"]
    if device_of(z) == "cpu" or implementation(z) is reference:
        check_labels(name, y, *z.shape)
    else:
        check_label_array(name, y, len(z))
    check_device(name, y, z)
    return y


def direction(name: str, g: Array, given: Given) -> Array:
    """Return a gradient of which only signs matter; its signs if the type isn't x's."""
    any_axes(name, g, given)
    same = g.dtype == given["x"].dtype  # in float32 a small gradient might be 0
    return g if same else get_array_module(g).sign(g)


def moved(name: str, p: Array, given: Given) -> Array:
    """Return a parameter; raise unless it and its averages can be moved in place."""
    check_step(**{key: given[key] for key in "pgmv" if key in given})
    given["g"] = contiguous(given["g"])
    return p


def check_step(p: Array, g: Array, **averages: Array) -> None:
    """Raise unless p and its averages can be changed in place, along the gradient g."""
    check_floats("p", p)
    for name, a in (*averages.items(), ("g", g)):
        if type(a) is not type(p) or a.shape != p.shape or a.dtype != p.dtype:
            check_floats(name, a)
            check_device(name, a, p)
            check_shape(name, a, p.shape)
            raise TypeError(f"{name} must have p's type, {p.dtype}, got {a.dtype}")
    for name, a in (("p", p), *averages.items()):
        check_filled(name, a)


def check_filled(name: str, a: Array) -> None:
    """Raise ValueError unless a kernel may write to an array row by row."""
    check_writeable(name, a)
    if not a.flags.c_contiguous:
        raise ValueError(f"{name} must be contiguous, got strides {a.strides}")


def check_writeable(name: str, a: Array) -> None:
    """Raise ValueError unless a kernel may write to an array."""
    if not getattr(a.flags, "writeable", True):  # CuPy's arrays always are
        raise ValueError(f"{name} must be writeable, got a read-only array")


def rates(name: str, pair: Any, given: Given) -> tuple[float, float]:
    """Return the two rates of Adam."""
    first, second = pair
    return finite(name, first, given), finite(name, second, given)


STEPS: dict[str, Rule] = {"stride": "count", "pad": "count 0.."}
# In this order: the shapes of later arguments follow from those of earlier ones.
RULES: dict[str, Rule] = {
    "W": filters,
    "x": "N H W C",
    "x_adv": "...",
    "u": features,
    "b": "F",
    "dW": both(of_filters, check_filled),
    "db": both(axes("F"), check_filled),
    "x_shape": image_shape,
    "kernel_size": window,
    "size": "count 1..16",  # places within a window are stored in one byte
    **STEPS,
    "algorithm": algorithm,
    "col": columns,
    "out": "...",
    "dout": gradient,
    "relu_out": rectified,
    "argmax": places,
    "z": nonempty("N K"),
    "y": classes,
    "rate": "[0, 1)",
    "seed": f"count 0..{2**64 - 1}",
    "p": moved,
    "rates": rates,
    **dict.fromkeys(("lr", "momentum", "step", "correction", "eps", "factor"), FINITE),
    "alpha": "number",
    "bounds": "bounds",
}


def like(x: Array, other: Array | None) -> Array | None:
    """Return another array, if given, contiguous and with floats in the type of x."""
    if other is None:
        return None
    if other.dtype != x.dtype and other.dtype.kind == "f":
        other = other.astype(x.dtype)
    return contiguous(other)


def contiguous(x: Array) -> Array:
    """Return x contiguous in memory, row by row, as kernels read it."""
    return x if x.flags.c_contiguous else get_array_module(x).ascontiguousarray(x)
