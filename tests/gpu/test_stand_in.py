"""The stand-in and the emulator find the mistakes that they are there for."""

import numpy as np
import pytest

from minidl import to_device
from tests.gpu.counting import counted
from tests.gpu.emulator import RawKernel, needs_compiler

X = np.random.default_rng(0).standard_normal((4, 5), np.float32)


@pytest.fixture
def cupy(stand_in):
    return stand_in


MISTAKES = {
    "NumPy's function": lambda cupy, x: np.exp(x),
    "NumPy's function of two": lambda cupy, x: np.maximum(x, 0),
    "NumPy's constructor": lambda cupy, x: np.zeros_like(x),
    "unasked conversion": lambda cupy, x: np.asarray(x),
    "a sum with NumPy's array": lambda cupy, x: x + X,
    "the other way round": lambda cupy, x: X * x,
    "in place": lambda cupy, x: x.__iadd__(X),
    "NumPy's array in CuPy's function": lambda cupy, x: cupy.maximum(x, X),
    "NumPy's array as an argument": lambda cupy, x: x.dot(X.T),
    "NumPy's labels as indices": lambda cupy, x: x[np.arange(4)],
    "NumPy's array written": lambda cupy, x: x.__setitem__(0, X[0]),
    "an argument unknown to a function": lambda cupy, x: cupy.dot(x, x.T, where=True),
    "an argument unknown to a method": lambda cupy, x: x.max(where=x > 0),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_cupy_refuses_or_hides_is_a_type_error(cupy, name):
    with pytest.raises(TypeError):
        MISTAKES[name](cupy, cupy.asarray(X))


@pytest.mark.parametrize("name", ["nditer", "add.at", "put_along", "float128"])
def test_names_that_cupy_lacks_are_missing(cupy, name):
    with pytest.raises(AttributeError):
        getattr(cupy, name)


def test_numbers_of_the_device_are_0_d_arrays(cupy):
    x = cupy.asarray(X)
    for result in (x.sum(), x[0, 0], x.mean(), cupy.sqrt(x.max())):
        assert isinstance(result, cupy.ndarray)
        assert result.shape == ()
    assert float(x.sum()) == X.sum()


def test_float64_creeps_in_with_numpys_numbers(cupy):
    x = cupy.asarray(X)
    assert (x * 0.5).dtype == np.float32
    assert (x * np.float64(0.5)).dtype == np.float64
    assert (x * cupy.asarray(0.5)).dtype == np.float64


def test_fresh_memory_holds_nan(cupy):
    assert np.isnan(cupy.empty(3, np.float32).get()).all()


def test_work_and_transfers_are_counted(cupy):
    with counted() as found:
        x = cupy.asarray(X)
        x = x.reshape(5, 4).T[1:]  # views cost nothing
        x += 1
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


def twice(x, blocks=1, threads=256, size=None, source=SOURCE):
    needs_compiler()
    out = np.zeros_like(x)
    size = np.int32(x.size) if size is None else size
    RawKernel(source, "twice")((blocks,), (threads,), (x, out, size))
    return out


def test_the_emulator_runs_what_is_written():
    x = np.arange(1000, dtype=np.float32)
    assert np.array_equal(twice(x, blocks=4), 2 * x)


def test_a_write_beyond_the_end_is_found():
    with pytest.raises(IndexError, match="writes beyond the end of argument 1"):
        twice(X, source=SOURCE.replace("t >= size", "t > size"))


def test_a_read_beyond_the_end_gives_nan():
    source = SOURCE.replace("x[t]", "x[t + 1]")
    assert np.isnan(twice(X, source=source)).sum() == 1


def test_threads_that_read_what_others_write_are_found():
    source = SOURCE.replace("2.0f * x[t]", "out[(t + 1) % size] + x[t]")
    with pytest.raises(AssertionError, match="depends on the order of its threads"):
        twice(X, source=source)


def test_threads_that_add_to_one_place_are_found():
    source = SOURCE.replace("out[t] = 2.0f * x[t]", "out[0] += x[t]")
    with pytest.raises(AssertionError, match="order of its threads"):
        twice(np.random.default_rng(0).random(250, np.float32), source=source)


@pytest.mark.parametrize("size", [20, 20.0, np.float32(20), np.int64(20)])
def test_a_number_of_another_type_is_refused(size):
    with pytest.raises(TypeError, match="takes si4 as argument 2"):
        twice(X, size=size)


def test_an_array_of_another_type_is_refused():
    with pytest.raises(TypeError, match="takes cf4 as argument 0, got an array of f8"):
        twice(X.astype(float))


def test_an_array_with_gaps_is_refused():
    with pytest.raises(ValueError, match="isn't contiguous"):
        twice(X[:, ::2])


@pytest.mark.parametrize(("blocks", "threads"), [(0, 32), (1, 2048)])
def test_a_launch_that_a_gpu_refuses_is_refused(blocks, threads):
    with pytest.raises(AssertionError, match="a GPU refuses"):
        twice(X, blocks, threads)


def test_it_is_installed_for_a_test_only(stand_in):
    assert to_device(X, "gpu").sum() is not None
