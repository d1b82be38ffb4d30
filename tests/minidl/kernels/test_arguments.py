"""Every implementation computes the same, and refuses arguments that don't fit.

Each operation of `kernels` stands in CALLS with arguments that it takes. The tests
change one argument at a time, in the same ways for all: compiled code would not notice
what doesn't fit.
"""

import ast
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from minidl import kernels, to_device, to_numpy
from minidl.kernels import blocks, reference
from minidl.kernels.gpu import operations as on_gpu
from tests.gpu import emulator, strict_cupy
from tests.minidl.conftest import WAYS

NO_ARRAYS = {"output_size", "use", "warm_up"}
OPERATIONS = set(kernels.__all__) - NO_ARRAYS


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


def convolution(channels):
    return {
        "x": array(2, 6, 6, channels),
        "W": array(3, 3, channels, 9),
        "b": array(9),
    }


def gradients(channels, pooled=False):
    x, W, _ = convolution(channels).values()
    if pooled:
        pair = {"dout": array(2, 2, 2, 9), "argmax": places(2, 2, 2, 9)}
        return {"x": x, "W": W, **pair}
    return {"x": x, "W": W, "dout": array(2, 4, 4, 9)}


def block_gradients(channels, pooled):
    """With all that a block keeps, and room for the gradients of W and b."""
    x, W, b = convolution(channels).values()
    shape = (2, 2, 2, 9) if pooled else (2, 4, 4, 9)
    kept = {"dout": array(*shape), "relu_out": array(*shape).round(1)}
    kept |= {"argmax": places(*shape)} if pooled else {"col": reference.im2col(x, 3)}
    return {"x": x, "W": W, **kept, "dW": W * 0, "db": b * 0}


ANY_IMAGE = ("x0", "x1", "x2")
STEP = {name: array(4, 5) for name in "pgm"} | {"v": abs(array(4, 5))}
CALLS = {
    "im2col": Call({"x": array(2, 6, 6, 3)}, {"kernel_size": 3}, (*ANY_IMAGE, "x3")),
    "col2im": Call(
        {"col": array(2 * 16, 27)}, {"x_shape": (2, 6, 6, 3), "kernel_size": 3}
    ),
    "conv2d": Call(convolution(8), {}, (*ANY_IMAGE, "W0", "W1")),
    "conv2d few channels": Call(convolution(3), {}, (*ANY_IMAGE, "W0", "W1")),
    "conv2d_pool": Call(convolution(8), {"relu": True}, (*ANY_IMAGE, "W0", "W1")),
    "conv2d_grads": Call(gradients(8), {}),
    "conv2d_grads few channels": Call(gradients(3), {}),
    "conv2d_grads pooled": Call(
        gradients(8, pooled=True),
        {"after_relu": True},
        ("x1", "x2", "W0", "W1"),  # a row more or less fills no window
    ),
    "conv2d_block": Call(convolution(8), {}, (*ANY_IMAGE, "W0", "W1")),
    "conv2d_block alone": Call(
        convolution(3),
        {"pool": False, "rate": 0.5, "seed": 3},
        (*ANY_IMAGE, "W0", "W1"),
    ),
    "conv2d_block_grads": Call(
        block_gradients(3, pooled=False), {"factor": 1.25}, written=("dW", "db")
    ),
    "conv2d_block_grads pooled": Call(
        block_gradients(8, pooled=True),
        {"after_relu": True},
        ("x1", "x2"),
        ("dW", "db"),
    ),
    "bias_relu": Call(
        {"u": array(4, 5), "b": array(5)}, {"rate": 0.5, "seed": 3}, ("u0",)
    ),
    "matmul": Call({"a": array(4, 5), "b": array(5, 6)}, {}, ("a0", "b1")),
    "matmul out": Call(
        {"a": array(4, 5), "b": array(5, 6), "out": array(4, 6)}, {}, written=("out",)
    ),
    "max_pool": Call(
        {"x": array(2, 6, 6, 3)}, {"size": 2, "stride": 2}, (*ANY_IMAGE, "x3")
    ),
    "max_pool_grad": Call(
        {"dout": array(2, 3, 3, 3), "argmax": places(2, 3, 3, 3)},
        {"x_shape": (2, 6, 6, 3), "size": 2, "stride": 2},
    ),
    "relu_grad": Call({"dout": array(4, 5), "out": array(4, 5)}, {}),
    "dropout_mask": Call({"x": array(4, 5)}, {"rate": 0.5, "seed": 3}, ("x0", "x1")),
    "cross_entropy": Call({"z": array(4, 5), "y": np.array([0, 4, 2, 2])}, {}, ("z1",)),
    "sign_step": Call(
        {"x_adv": array(4, 5) + 0.1, "g": array(4, 5), "x": array(4, 5)},
        {"alpha": 0.1, "eps": 0.15, "bounds": (0, 1)},
    ),
    "sgd_step": Call(
        {name: STEP[name] for name in "pgv"},
        {"lr": 0.1, "momentum": 0.5},
        written=("p", "v"),
    ),
    "adam_step": Call(
        STEP,
        {"rates": (0.1, 0.01), "step": 0.1, "correction": 1.0, "eps": 1e-8},
        written=("p", "m", "v"),
    ),
}
ARRAYS = [(name, array) for name, call in CALLS.items() for array in call.arrays]
OPTIONAL = {"conv2d b", "conv2d few channels b", "conv2d_pool b", "matmul out out"}
OPTIONAL |= {"conv2d_grads pooled argmax", "conv2d_block b", "conv2d_block alone b"}
OPTIONAL |= {f"conv2d_block_grads {a}" for a in ("relu_out", "col", "dW", "db")}
OPTIONAL |= {
    f"conv2d_block_grads pooled {a}" for a in ("relu_out", "argmax", "dW", "db")
}
ANY_AXES = {("dropout_mask", "x"), ("matmul", "a"), ("bias_relu", "u")}


def run(name, device="cpu", **changed):
    """Call an operation on copies; return its results and what it wrote."""
    call = CALLS[name]
    arrays = {k: changed.get(k, a.copy()) for k, a in call.arrays.items()}
    if device == "gpu":
        arrays = {k: to_device(a, "gpu") for k, a in arrays.items()}
    others = {k: v for k, v in changed.items() if k not in arrays}
    result = getattr(kernels, name.split()[0])(**arrays, **(call.others | others))
    found = result if isinstance(result, tuple) else (result,)
    found = [r for r in found if r is not None] + [arrays[k] for k in call.written]
    return [to_numpy(a) for a in found]


def refused(name, error, device="cpu", **changed):
    """The operation refuses an argument, by name."""
    names = "|".join([*CALLS[name].arrays, *changed])
    with pytest.raises(error, match=rf"^(each size in )?({names}) must .*got "):
        run(name, device, **changed)


def test_every_implementation_has_every_operation_with_the_same_parameters():
    on_cpu = pytest.importorskip("minidl.kernels.cpu.operations", reason="no Numba")
    assert {name.split()[0] for name in CALLS} == OPERATIONS
    for name in OPERATIONS:
        takes = list(signature(getattr(kernels, name)).parameters)
        for module in (reference, on_cpu, on_gpu):
            function = getattr(module, name, getattr(blocks, name, None))
            assert list(signature(function).parameters) == takes


def with_gaps(a, put=np.copy):
    wide = np.repeat(a, 2, axis=-1)
    wide[..., 1::2] = 77
    return put(wide)[..., ::2]


LAYOUTS = {
    "fortran": lambda a, put=np.copy: put(np.ascontiguousarray(a.T)).T,
    "reversed": lambda a, put=np.copy: put(a[::-1].copy())[::-1],
    "gaps": with_gaps,
}


@pytest.fixture(params=["reference", "compiled", "im2col", "gpu"])
def device(request, monkeypatch):
    """The device of each implementation, which is chosen."""
    if request.param == "gpu":
        strict_cupy.install(monkeypatch)
        monkeypatch.setattr(emulator, "ORDERS", (emulator.forwards,))
        yield "gpu"
    else:
        with WAYS[request.param]():
            yield "cpu"


@pytest.mark.parametrize("name", CALLS)
def test_all_compute_the_same_of_arrays_in_any_layout_and_type(device, name):
    call = CALLS[name]
    with kernels.use("reference"):
        expected = run(name)
    read = {k: a for k, a in call.arrays.items() if k not in call.written}
    floats = {k: a for k, a in call.arrays.items() if a.dtype == np.float32}
    changes = [{}, {k: a.astype(np.float64) for k, a in floats.items()}]
    if not call.written:  # or they must be of one type
        changes += [{k: a.astype(np.float64)} for k, a in floats.items()]
    for layout in LAYOUTS.values():
        changes.append(
            {k: layout(a, lambda b: to_device(b, device)) for k, a in read.items()}
        )
    for changed in changes:
        for a, b in zip(run(name, device, **changed), expected, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"cross_entropy"}))
def test_no_images_give_empty_results(device, name):
    call = CALLS[name]
    whole = {"W", "b", "dW", "db"}  # have no axis of images
    empty = {k: a if k in whole else a[:0] for k, a in call.arrays.items()}
    if "x_shape" in call.others:
        empty["x_shape"] = (0, *call.others["x_shape"][1:])
    for found, like in zip(run(name, device, **empty), run(name), strict=True):
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


@pytest.mark.parametrize(("name", "argument"), ARRAYS)
def test_what_is_no_array_of_floats_is_refused(name, argument):
    for kind, other in OTHERS.items():
        optional = kind == "nothing" and f"{name} {argument}" in OPTIONAL
        if not optional and (kind, argument) != ("integers", "y"):
            spoilt = other(CALLS[name].arrays[argument])
            refused(name, TypeError, **{argument: spoilt})


def resized(a, axis, by):
    """The same numbers over again in another size of one axis."""
    shape = list(a.shape)
    shape[axis] += by
    return np.resize(a, shape)


@pytest.mark.parametrize(("name", "argument"), ARRAYS)
def test_each_axis_must_be_there_and_its_size_must_fit(name, argument):
    """NumPy would broadcast an axis of size 1, and a single number."""
    a = CALLS[name].arrays[argument]
    for axis in range(a.ndim):
        if f"{argument}{axis}" not in CALLS[name].free:
            for by in (-1, 1):
                refused(name, ValueError, **{argument: resized(a, axis, by)})
    if (name, argument) not in ANY_AXES:
        for other in (a[None], a[..., None], a[0], np.ones((), a.dtype)):
            refused(name, (TypeError, ValueError), **{argument: other})


@pytest.mark.parametrize("name", CALLS)
def test_what_is_checked_on_a_cpu_is_checked_on_a_gpu(monkeypatch, name):
    strict_cupy.install(monkeypatch)
    for argument, a in CALLS[name].arrays.items():
        if (name, argument) not in ANY_AXES:
            refused(name, ValueError, "gpu", **{argument: a[None, None]})
        if len(CALLS[name].arrays) > 1:
            refused(name, ValueError, **{argument: to_device(a, "gpu")})


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("name", ["im2col", "conv2d", "conv2d_pool", "max_pool"])
def test_only_the_number_of_images_may_be_0(name, axis):
    x = np.moveaxis(np.moveaxis(CALLS[name].arrays["x"], axis, 0)[:0], 0, axis)
    refused(name, ValueError, x=x, **({"pad": 2} if name != "max_pool" else {}))
    if name.startswith("conv2d") and axis < 3:
        refused(name, ValueError, W=np.zeros((3, 3, 8, 9), "f4")[:0])


WRITTEN = [(name, array) for name, call in CALLS.items() for array in call.written]


@pytest.mark.parametrize(("name", "argument"), WRITTEN)
def test_what_is_written_reaches_the_array_or_is_refused(name, argument):
    """Otherwise a contiguous copy would take the step, and be lost."""
    a = CALLS[name].arrays[argument]
    read_only = np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape)
    refused(name, ValueError, **{argument: read_only})
    for layout in LAYOUTS.values():
        spoilt = layout(a)
        if spoilt.flags.c_contiguous:  # it has one axis
            continue
        if name == "matmul out":
            found = run(name, out=spoilt)
            np.testing.assert_allclose(found[-1], run(name)[-1], rtol=1e-5)
        else:
            refused(name, ValueError, **{argument: spoilt})


def test_a_product_is_not_written_over_its_factors():
    a = array(4, 4)
    for factors in ({"a": a, "b": array(4, 4)}, {"a": array(4, 4), "b": a[::-1]}):
        with pytest.raises(ValueError, match=r"^out must share no memory"):
            kernels.matmul(**factors, out=a)


def test_a_product_goes_into_an_array_of_another_type(device):
    expected = run("matmul")[0]
    for dtype in (np.float32, np.float64):
        out = run("matmul out", device, out=np.zeros((4, 6), dtype))[-1]
        assert out.dtype == dtype
        np.testing.assert_allclose(out, expected, rtol=1e-4)


def test_a_gradient_too_small_for_the_images_type_has_its_sign(device):
    zeros, g = np.zeros((4, 5), np.float32), np.full((4, 5), 1e-60)
    (moved,) = run("sign_step", device, x_adv=zeros, g=g, x=zeros)
    assert np.array_equal(moved, np.full((4, 5), np.float32(0.1)))


@pytest.mark.parametrize("argument", ["g", "m", "v"])
def test_an_optimizers_arrays_have_the_parameters_type(argument):
    refused("adam_step", TypeError, **{argument: STEP[argument].astype(np.float64)})


@pytest.mark.parametrize(
    ("name", "argument", "error", "value"),
    [
        ("sign_step", "alpha", TypeError, array(5)),
        ("sign_step", "alpha", ValueError, float("nan")),
        ("sign_step", "eps", TypeError, None),
        ("max_pool", "size", ValueError, 17),
        ("dropout_mask", "seed", ValueError, 2**64),
    ],
)
def test_numbers_that_an_operation_cannot_use(name, argument, error, value):
    """Other numbers: test_every_entry."""
    refused(name, error, **{argument: value})


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", ["conv2d", "conv2d_pool", "conv2d_grads"])
def test_an_algorithm_that_takes_other_windows_is_refused(name, stride):
    """Winograd's would ignore the stride."""
    how = {"algorithm": "winograd", "stride": stride, "pad": 2}
    if name == "conv2d_grads":
        size = kernels.output_size((6, 6), (3, 3), stride, 2)
        how["dout"] = array(2, *size, 9)
    with pytest.raises(ValueError, match=r"^algorithm 'winograd' takes kernel_size 3"):
        run(name, **how)


@pytest.mark.parametrize("name", ["max_pool_grad", "conv2d_grads pooled"])
def test_places_outside_their_window_are_refused(name):
    argmax = CALLS[name].arrays["argmax"].copy()
    argmax[-1, -1, -1, -1] = 4
    with pytest.raises(ValueError, match=r"^argmax must be 0 to 3 .*, got 4$"):
        run(name, argmax=argmax)
    with pytest.raises(TypeError, match=r"^argmax must be uint8, .*, got int64$"):
        run(name, argmax=argmax.astype(np.int64))


@pytest.mark.parametrize("y", [[0, 5, 2, 2], [0, -1, 2, 2]])
def test_labels_that_are_no_class_are_refused_where_they_can_be_read(y):
    refused("cross_entropy", ValueError, y=np.array(y))


def test_a_window_larger_than_the_image_is_named():
    for function in (kernels.im2col, lambda x, size: kernels.max_pool(x, size, 1)):
        with pytest.raises(ValueError, match=r"3x3 window doesn't fit into .* of 2x5"):
            function(np.zeros((1, 2, 5, 1)), 3)


def test_checks_do_not_rest_on_asserts():
    """`python -O` leaves them out."""
    for source in Path(kernels.__file__).parent.rglob("*.py"):
        nodes = ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        assert not any(isinstance(node, ast.Assert) for node in nodes), source
