"""The stand-in and the emulator find the mistakes they were made for."""

from fractions import Fraction

import numpy as np
import pytest

from tests.gpu import facts
from tests.gpu.counting import counted
from tests.gpu.device_array import DeviceArray
from tests.gpu.emulator import (
    MisreadError,
    RawKernel,
    as_cupy_passes_it,
    needs_compiler,
)
from tests.gpu.facts import FACTS, NUMBERS, agrees, outcome

X = np.random.default_rng(0).standard_normal((4, 5), np.float32)


@pytest.fixture
def cupy(stand_in):
    return stand_in


MISTAKES = {
    "NumPy's function": lambda cupy, x: np.exp(x),
    "NumPy's constructor": lambda cupy, x: np.zeros_like(x),
    "NumPy's function that calls a method": lambda cupy, x: np.clip(x, 0, 1),
    "a sum with NumPy's array": lambda cupy, x: x + X,
    "the other way round": lambda cupy, x: X * x,
    "in place": lambda cupy, x: x.__iadd__(X),
    "NumPy's array as an argument": lambda cupy, x: x.dot(X.T),
    "NumPy's labels as indices": lambda cupy, x: x[np.arange(4)],
    "an argument unknown to a function": lambda cupy, x: cupy.dot(x, x.T, where=True),
    "an argument unknown to a method": lambda cupy, x: x.max(where=x > 0),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_cupy_refuses_or_hides_is_a_type_error(cupy, name):
    with pytest.raises(TypeError):
        MISTAKES[name](cupy, cupy.asarray(X))


@pytest.mark.parametrize("name", FACTS)
def test_it_behaves_as_cupy_does(cupy, name):
    function, expected = FACTS[name]
    assert agrees(outcome(function, cupy, cupy.asarray(facts.X)), expected)


@pytest.mark.parametrize(("value", "expected"), NUMBERS)
def test_numbers_reach_a_kernel_as_cupy_passes_them(value, expected):
    found = outcome(lambda: as_cupy_passes_it(value).dtype.name)
    assert agrees(found, expected)


def test_places_beyond_an_axis_start_again_at_0(cupy):
    x, places = cupy.asarray(X), cupy.asarray(np.array([4, -1, 9]))
    assert np.array_equal(x[places].get(), X[[0, 3, 1]])
    assert np.array_equal(x[..., places].get(), X[..., [4, 4, 4]])
    x[cupy.asarray(np.array([1])), cupy.asarray(np.array([7]))] = 5
    assert x.get()[1, 2] == 5


@pytest.mark.parametrize(
    "name", ["random", "nditer", "add.at", "put_along", "float128"]
)
def test_names_that_cupy_lacks_are_missing(cupy, name):
    with pytest.raises(AttributeError):
        getattr(cupy, name)


def test_float64_creeps_in_with_numpys_numbers(cupy):
    x = cupy.asarray(X)
    assert (x * 0.5).dtype == np.float32
    assert (x * np.float64(0.5)).dtype == np.float64
    assert (x * cupy.asarray(0.5)).dtype == np.float64


def test_fresh_memory_holds_nan_and_no_type_that_cupy_lacks(cupy):
    assert np.isnan(cupy.empty(3, np.float32).get()).all()
    for dtype in (">f4", object, "U1", np.longdouble):
        with pytest.raises(ValueError, match="Unsupported dtype"):
            cupy.asarray(np.zeros(2, dtype))


def test_work_and_transfers_are_counted(cupy):
    with counted() as found:
        x = cupy.asarray(X)
        x = x.reshape(5, 4).T[1:]  # views cost nothing
        x += 1
        cupy.may_share_memory(x, x[1:])  # nor does this
        float(cupy.exp(x).sum())
        cupy.ascontiguousarray(x)
        x.astype(np.float32, copy=False)
    assert found["names"] == ["iadd", "exp", "sum", "ascontiguousarray"]
    assert (found["to device"], found["to host"]) == (1, 1)
    assert found["bytes"] == [X.nbytes]


def test_a_mask_waits_for_the_number_of_its_elements(cupy):
    x = cupy.asarray(X)
    with counted() as found:
        chosen = x[x > 0]
        cupy.flatnonzero(x)
        x[x < 0] = 0
    assert found["to host"] == 2
    assert chosen.size == (X > 0).sum()


SOURCE = """
extern "C" __global__ void twice(const float* x, float* out, int size)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= size) return;
    out[t] = 2.0f * x[t];
}
"""


def twice(x, *size, blocks=1, threads=256, source=SOURCE, out=None):
    needs_compiler()
    out = np.zeros_like(x) if out is None else out
    arguments = (DeviceArray(x), DeviceArray(out), *(size or [np.int32(x.size)]))
    RawKernel(source, "twice")((blocks,), (threads,), arguments)
    return out


def test_the_emulator_runs_what_is_written_and_nothing_beyond():
    x = np.arange(1000, dtype=np.float32)
    assert np.array_equal(twice(x, blocks=4), 2 * x)
    with pytest.raises(IndexError, match="writes beyond the end of argument 1"):
        twice(X, source=SOURCE.replace("t >= size", "t > size"))
    source = SOURCE.replace("x[t]", "x[t + 1]")
    assert np.isnan(twice(X, source=source)).sum() == 1


@pytest.mark.parametrize(
    "wrong", ["out[t] = out[(t + 1) % size] + x[t]", "out[0] += x[t]"]
)
def test_threads_that_use_each_others_results_are_found(wrong):
    source = SOURCE.replace("out[t] = 2.0f * x[t]", wrong)
    with pytest.raises(AssertionError, match="depends on the order of its threads"):
        twice(np.random.default_rng(0).random(250, np.float32), source=source)


@pytest.mark.parametrize("size", [20, 20.0, np.float32(20), True, np.array(20), None])
def test_a_number_of_another_type_is_found(size):
    with pytest.raises(MisreadError, match="takes si4 as argument 2"):
        twice(X, size)


@pytest.mark.parametrize("size", [X, "20", Fraction(20)])
def test_what_cupy_refuses_as_an_argument_is_refused(size):
    with pytest.raises(TypeError, match=r"numpy\.ndarray|Unsupported"):
        twice(X, size)


@pytest.mark.parametrize(
    ("x", "out", "message"),
    [
        (X.astype(float), None, "takes cf4 as argument 0, got an array of f8"),
        (X[:, ::2], None, "isn't contiguous"),
        (X, X, "by another name"),
    ],
)
def test_an_array_that_would_be_misread_is_found(x, out, message):
    with pytest.raises(MisreadError, match=message):
        twice(x, out=out)
    with pytest.raises(MisreadError, match="got 1"):
        RawKernel(SOURCE, "twice")((1,), (1,), (DeviceArray(X),))


@pytest.mark.parametrize(("blocks", "threads"), [(0, 32), (1, 2048)])
def test_a_launch_that_a_gpu_refuses_is_refused(blocks, threads):
    with pytest.raises(AssertionError, match="a GPU refuses"):
        twice(X, blocks=blocks, threads=threads)
