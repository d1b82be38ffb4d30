"""No operation computes with arguments that don't fit: compiled code would not notice.

Each operation of `kernels` stands in CALLS with arguments that it takes. The tests
spoil one argument at a time, in the same ways for all.
"""

import ast
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from minidl import kernels, to_device
from tests.gpu import strict_cupy

NO_ARRAYS = {"output_size", "use", "warm_up"}
SOURCES = Path(kernels.__file__).parent


class Call(NamedTuple):
    """Arguments that an operation takes."""

    arrays: dict[str, Any]
    others: dict[str, Any]
    free: tuple[str, ...] = ()  # "x0": x's first size may be any other
    written: tuple[str, ...] = ()


def array(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def places(*shape):
    return np.random.default_rng(0).integers(0, 4, shape).astype(np.uint8)


CALLS = {
    "im2col": Call(
        {"x": array(2, 6, 6, 3)}, {"kernel_size": 3}, ("x0", "x1", "x2", "x3")
    ),
    "col2im": Call(
        {"col": array(2 * 16, 27)}, {"x_shape": (2, 6, 6, 3), "kernel_size": 3}
    ),
    "conv2d": Call(
        {"x": array(2, 6, 6, 8), "W": array(3, 3, 8, 9), "b": array(9)},
        {},
        ("x0", "x1", "x2", "W0", "W1"),
    ),
    "conv2d few channels": Call(
        {"x": array(2, 6, 6, 3), "W": array(3, 3, 3, 9), "b": array(9)},
        {},
        ("x0", "x1", "x2", "W0", "W1"),
    ),
    "conv2d_pool": Call(
        {"x": array(2, 6, 6, 8), "W": array(3, 3, 8, 9), "b": array(9)},
        {"relu": True},
        ("x0", "x1", "x2", "W0", "W1"),
    ),
    "conv2d_grads": Call(
        {"x": array(2, 6, 6, 8), "dout": array(2, 4, 4, 9), "W": array(3, 3, 8, 9)},
        {},
    ),
    "conv2d_grads few channels": Call(
        {"x": array(2, 6, 6, 3), "dout": array(2, 4, 4, 9), "W": array(3, 3, 3, 9)},
        {},
    ),
    "conv2d_grads pooled": Call(
        {
            "x": array(2, 6, 6, 8),
            "dout": array(2, 2, 2, 9),
            "W": array(3, 3, 8, 9),
            "argmax": places(2, 2, 2, 9),
        },
        {"after_relu": True},
        ("x1", "x2", "W0", "W1"),  # a row more or less fills no window
    ),
    "matmul": Call({"a": array(4, 5), "b": array(5, 6)}, {}, ("a0", "b1")),
    "matmul out": Call(
        {"a": array(4, 5), "b": array(5, 6), "out": array(4, 6)}, {}, written=("out",)
    ),
    "max_pool": Call(
        {"x": array(2, 6, 6, 3)}, {"size": 2, "stride": 2}, ("x0", "x1", "x2", "x3")
    ),
    "max_pool_grad": Call(
        {"dout": array(2, 3, 3, 3), "argmax": places(2, 3, 3, 3)},
        {"x_shape": (2, 6, 6, 3), "size": 2, "stride": 2},
    ),
    "relu_grad": Call({"dout": array(4, 5), "out": array(4, 5)}, {}),
    "sgd_step": Call(
        {"p": array(4, 5), "g": array(4, 5), "v": array(4, 5)},
        {"lr": 0.1, "momentum": 0.5},
        written=("p", "v"),
    ),
    "adam_step": Call(
        {"p": array(4, 5), "g": array(4, 5), "m": array(4, 5), "v": abs(array(4, 5))},
        {"rates": (0.1, 0.01), "step": 0.1, "correction": 1.0, "eps": 1e-8},
        written=("p", "m", "v"),
    ),
    "cross_entropy": Call({"z": array(4, 5), "y": np.array([0, 4, 2, 2])}, {}, ("z1",)),
    "sign_step": Call(
        {"x_adv": array(4, 5) + 0.1, "g": array(4, 5), "x": array(4, 5)},
        {"alpha": 0.1, "eps": 0.15, "bounds": (0, 1)},
    ),
    "dropout_mask": Call(
        {"x": array(4, 5)}, {"rate": 0.5, "seed": 3}, ("x0", "x1", "x2")
    ),
}
ARRAYS = [(name, array) for name, call in CALLS.items() for array in call.arrays]


def run(name, **changed):
    """Call an operation on copies; return its results and what it wrote."""
    call = CALLS[name]
    arrays = {k: changed.get(k, a.copy()) for k, a in call.arrays.items()}
    others = {k: v for k, v in changed.items() if k not in arrays}
    result = getattr(kernels, name.split()[0])(**arrays, **(call.others | others))
    found = result if isinstance(result, tuple) else (result,)
    return [r for r in found if r is not None] + [arrays[k] for k in call.written]


def refused(name, error, **changed):
    """The operation refuses an argument, by name."""
    names = "|".join([*CALLS[name].arrays, *changed])
    with pytest.raises(error, match=rf"^(each size in )?({names}) must .*got "):
        run(name, **changed)


def test_every_operation_has_its_call():
    assert {name.split()[0] for name in CALLS} | NO_ARRAYS == set(kernels.__all__)


@pytest.mark.parametrize("name", CALLS)
def test_the_calls_themselves_are_taken(each_implementation, name):
    found = run(name)
    with kernels.use("reference"):
        for a, b in zip(found, run(name), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CALLS)
def test_of_no_images_comes_nothing(each_implementation, name):
    call = CALLS[name]
    whole = {"W", "b"}  # have no axis of images
    if name == "cross_entropy":
        return  # of no images there is no mean
    empty = {k: a if k in whole else a[:0] for k, a in call.arrays.items()}
    if "x_shape" in call.others:
        empty["x_shape"] = (0, *call.others["x_shape"][1:])
    for found, like in zip(run(name, **empty), run(name), strict=True):
        assert found.dtype == like.dtype
        if found.shape == like.shape:
            assert not found.any()  # the gradient of filters, or a product's own axes
        else:
            assert found.shape == (0, *like.shape[1:])


OTHERS = {
    "a list": lambda a: a.tolist(),
    "nothing": lambda a: None,
    "masked": lambda a: np.ma.masked_array(a, a > 0),
    "integers": lambda a: a.astype(np.int64),
    "half precision": lambda a: a.astype(np.float16),
    "complex": lambda a: a.astype(np.complex64),
    "objects": lambda a: a.astype(object),
    "big-endian": lambda a: a.astype(">f4"),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize(("name", "argument"), ARRAYS)
def test_what_is_no_array_of_floats_is_refused(name, argument, other):
    if other == "nothing" and f"{name} {argument}" in OPTIONAL:
        return
    if other == "integers" and argument == "y":
        return
    spoilt = OTHERS[other](CALLS[name].arrays[argument])
    refused(name, TypeError, **{argument: spoilt})


OPTIONAL = {"conv2d b", "conv2d few channels b", "conv2d_pool b", "matmul out out"}
OPTIONAL |= {f"{name} argmax" for name in CALLS if name.startswith("conv2d_grads")}


def resized(a, axis, by):
    """The same numbers over again in another size of one axis."""
    shape = list(a.shape)
    shape[axis] += by
    return np.resize(a, shape)


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize(("name", "argument"), ARRAYS)
def test_each_size_must_fit(name, argument, by):
    call = CALLS[name]
    a = call.arrays[argument]
    for axis in range(a.ndim):
        if f"{argument}{axis}" not in call.free:
            refused(name, ValueError, **{argument: resized(a, axis, by)})


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("name", ["im2col", "conv2d", "conv2d_pool", "max_pool"])
def test_only_the_number_of_images_may_be_0(name, axis):
    x = np.moveaxis(np.moveaxis(CALLS[name].arrays["x"], axis, 0)[:0], 0, axis)
    refused(name, ValueError, x=x, **({"pad": 2} if name != "max_pool" else {}))
    if name.startswith("conv2d") and axis < 3:
        refused(name, ValueError, W=np.zeros((3, 3, 8, 9), "f4")[:0])


@pytest.mark.parametrize(("name", "argument"), ARRAYS)
def test_each_axis_must_be_there(name, argument):
    """An array with an axis of 1 more would be broadcast, a single number too."""
    if (name, argument) in ANY_AXES:
        return
    a = CALLS[name].arrays[argument]
    for other in (a[None], a[..., None], a[0], np.float32(1) * np.ones((), a.dtype)):
        refused(name, (TypeError, ValueError), **{argument: other})


ANY_AXES = {("dropout_mask", "x"), ("matmul", "a")}


LAYOUTS = {
    "fortran": np.asfortranarray,
    "reversed": lambda a: a[::-1].copy()[::-1],
    "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
}


def read_only(a):
    return np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CALLS)
def test_what_is_read_may_lie_anywhere(name, layout):
    call = CALLS[name]
    others = {k: a for k, a in call.arrays.items() if k not in call.written}
    expected = run(name)
    for a, b in zip(
        run(name, **{k: LAYOUTS[layout](a) for k, a in others.items()}),
        expected,
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


WRITTEN = [(name, array) for name, call in CALLS.items() for array in call.written]


@pytest.mark.parametrize(("name", "argument"), WRITTEN)
def test_what_is_written_must_be_writeable(name, argument):
    spoilt = read_only(CALLS[name].arrays[argument])
    refused(name, ValueError, **{argument: spoilt})


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("name", "argument"), WRITTEN)
def test_what_is_written_reaches_the_array_or_is_refused(name, argument, layout):
    """A copy made contiguous would take the step, and be thrown away."""
    a = LAYOUTS[layout](CALLS[name].arrays[argument])
    if name == "matmul out":
        found = run(name, out=a)
        np.testing.assert_allclose(found[-1], run(name)[-1], rtol=1e-5)
    else:
        refused(name, ValueError, **{argument: a})


def test_a_product_takes_matrices():
    for a in (array(5), array(5)[0]):
        refused("matmul", (TypeError, ValueError), a=a)


def test_a_product_is_not_written_over_its_factors():
    a = array(4, 4)
    for factors in ({"a": a, "b": array(4, 4)}, {"a": array(4, 4), "b": a[::-1]}):
        with pytest.raises(ValueError, match=r"^out must share no memory"):
            kernels.matmul(**factors, out=a)


@pytest.mark.parametrize("argument", ["g", "m", "v"])
def test_an_optimizers_arrays_have_the_parameters_type(argument):
    a = CALLS["adam_step"].arrays[argument]
    refused("adam_step", TypeError, **{argument: a.astype(np.float64)})


NUMBERS = [
    *[
        (name, kind, "stride", value)
        for name in ("im2col", "col2im", "conv2d", "conv2d_pool", "conv2d_grads")
        for kind, value in ((ValueError, 0), (ValueError, -1), (TypeError, 1.0))
    ],
    *[
        (name, kind, "pad", value)
        for name in ("im2col", "col2im", "conv2d few channels", "conv2d_grads")
        for kind, value in ((ValueError, -1), (TypeError, 0.5), (TypeError, None))
    ],
    *[
        (name, kind, argument, value)
        for name in ("max_pool", "max_pool_grad")
        for argument in ("size", "stride")
        for kind, value in ((ValueError, 0), (TypeError, 2.0), (TypeError, True))
    ],
    ("max_pool", ValueError, "size", 17),
    ("max_pool_grad", ValueError, "size", 17),
    *[
        (name, kind, "x_shape", value)
        for name in ("col2im", "max_pool_grad")
        for kind, value in (
            (ValueError, (6, 6, 3)),
            (ValueError, 6),
            (ValueError, (-2, 6, 6, 3)),
            (ValueError, (2, 6, 6, 0)),
            (TypeError, (2.0, 6, 6, 3)),
        )
    ],
    *[
        (name, kind, "algorithm", value)
        for name in ("conv2d", "conv2d_pool", "conv2d_grads")
        for kind, value in ((ValueError, "fft"), (ValueError, None))
    ],
    ("sgd_step", TypeError, "lr", array(5)),
    ("sgd_step", ValueError, "lr", float("nan")),
    ("sgd_step", TypeError, "momentum", "0.5"),
    ("adam_step", TypeError, "step", array(5)),
    ("adam_step", ValueError, "eps", float("inf")),
    ("adam_step", TypeError, "correction", None),
    ("dropout_mask", ValueError, "rate", 1.0),
    ("dropout_mask", ValueError, "rate", -0.1),
    ("dropout_mask", ValueError, "seed", -1),
    ("dropout_mask", ValueError, "seed", 2**64),
    ("dropout_mask", TypeError, "seed", 0.5),
]


@pytest.mark.parametrize(("name", "error", "argument", "value"), NUMBERS)
def test_numbers_that_an_operation_cannot_use(name, error, argument, value):
    refused(name, error, **{argument: value})


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", ["conv2d", "conv2d_pool", "conv2d_grads"])
def test_an_algorithm_that_takes_other_windows_is_refused(name, stride):
    """As a layer's that is changed later: Winograd's would leave out the stride."""
    how = {"algorithm": "winograd", "stride": stride, "pad": 2}
    arrays = CALLS[name].arrays
    if name == "conv2d_grads":
        OH, OW = kernels.output_size((6, 6), (3, 3), stride, 2)
        how["dout"] = array(2, OH, OW, arrays["W"].shape[3])
    with pytest.raises(ValueError, match=r"^algorithm 'winograd' takes"):
        run(name, **how)


@pytest.mark.parametrize("name", ["max_pool_grad", "conv2d_grads pooled"])
def test_places_outside_their_window_are_refused(name):
    argmax = CALLS[name].arrays["argmax"].copy()
    argmax[-1, -1, -1, -1] = 4
    with pytest.raises(ValueError, match=r"^argmax must be 0 to 3 .*, got 4$"):
        run(name, argmax=argmax)
    with pytest.raises(TypeError, match=r"^argmax must be uint8, .*, got int64$"):
        run(name, argmax=argmax.astype(np.int64))


@pytest.mark.parametrize(
    ("name", "argument"), [pair for pair in ARRAYS if len(CALLS[pair[0]].arrays) > 1]
)
def test_arrays_of_two_devices_are_refused(monkeypatch, name, argument):
    strict_cupy.install(monkeypatch)
    a = to_device(CALLS[name].arrays[argument], "gpu")
    refused(name, ValueError, **{argument: a})


@pytest.mark.parametrize("name", CALLS)
def test_what_is_checked_on_a_cpu_is_checked_on_a_gpu(monkeypatch, name):
    strict_cupy.install(monkeypatch)
    call = CALLS[name]
    for argument, a in call.arrays.items():
        if (name, argument) not in ANY_AXES:
            arrays = call.arrays | {argument: a[None, None]}
            arrays = {k: to_device(v, "gpu") for k, v in arrays.items()}
            refused(name, ValueError, **arrays)


def test_checks_do_not_rest_on_asserts():
    """`python -O` leaves them out."""
    for source in SOURCES.rglob("*.py"):
        found = [
            n
            for n in ast.walk(ast.parse(source.read_text()))
            if isinstance(n, ast.Assert)
        ]
        assert not found, source


def test_kernels_that_only_a_gpu_has_check_their_shapes(monkeypatch):
    strict_cupy.install(monkeypatch)
    x, short, y = (to_device(a, "gpu") for a in (array(4, 5), array(3, 5), places(3)))
    for arrays in ((short, x, x), (x, short, x), (x, x, short)):
        with pytest.raises(ValueError, match=r"^(x_adv|g) must have shape"):
            kernels.sign_step(*arrays, 0.1, 0.1, None)
    with pytest.raises(ValueError, match=r"^y must have shape \(4,\), got \(3,\)"):
        kernels.cross_entropy(x, y)
