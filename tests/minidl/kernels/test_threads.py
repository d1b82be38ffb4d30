"""One batch on several threads: the same numbers, and BLAS kept to one meanwhile."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from minidl import kernels
from minidl.kernels.cpu.threads import (
    FEW_NUMBERS,
    blas,
    libraries,
    over_images,
    set_threads,
    sum_over_images,
)
from minidl.parallel import limit_threads
from tests.oracles import assert_close

pytest.importorskip("numba", reason="no Numba")


def blas_threads():
    """How many threads BLAS may use: the least, if there are several."""
    return min((library.num_threads for library in blas().lib_controllers), default=1)


@pytest.fixture
def two_threads():
    with threadpool_limits(2):
        if blas_threads() != 2:
            pytest.skip("BLAS has one thread only")
        yield


def test_one_thread_takes_all_images_here():
    with threadpool_limits(1):
        assert over_images(lambda part: (part, threading.get_ident()), 5) == [
            (slice(0, 5), threading.get_ident())
        ]


def test_a_blas_that_nobody_can_limit_is_left_alone(monkeypatch):
    """threadpoolctl doesn't know Accelerate, to which NumPy is linked on macOS."""
    nothing = SimpleNamespace(lib_controllers=[])
    monkeypatch.setattr("minidl.kernels.cpu.threads.blas", lambda: nothing)
    assert over_images(lambda part: part, 5) == [slice(0, 5)]


def test_two_threads_take_a_half_each_and_blas_has_one_meanwhile(two_threads):
    assert over_images(lambda n: (n, blas_threads()), 5) == [
        (slice(0, 2), 1),
        (slice(2, 5), 1),
    ]
    assert over_images(lambda part: part, 1) == [slice(0, 1)]
    total = sum_over_images(lambda n: np.arange(3.0) + n.start, 4)
    np.testing.assert_array_equal(total, [2, 4, 6])
    assert blas_threads() == 2


def test_parts_stay_in_order_whichever_thread_ends_first(two_threads):
    """The first part waits for the second, and the second for the last."""
    ended = [threading.Event() for _ in range(4)]
    ended[3].set()

    def wait_for_the_next(part):
        ended[part.start + 1].wait(60)
        ended[part.start].set()
        return part.start

    with threadpool_limits(3):
        assert over_images(wait_for_the_next, 3) == [0, 1, 2]


def test_an_error_in_a_thread_arrives(two_threads):
    def fail(part):
        raise ValueError(f"in {part.start}")

    with pytest.raises(ValueError, match="in 0"):
        over_images(fail, 4)
    assert blas_threads() == 2


@pytest.mark.parametrize(("channels", "stride"), [(8, 1), (2, 1), (8, 2)])
def test_convolutions_on_two_threads_are_those_on_one(
    two_threads, rng, channels, stride
):
    x = rng.standard_normal((5, 9, 9, channels))
    W = rng.standard_normal((3, 3, channels, 8))

    def everything():
        out = kernels.conv2d(x, W, None, stride, 1)
        return out, *kernels.conv2d_grads(x, np.cos(out), W, stride, 1)

    with kernels.use("numba"):
        two = everything()
        again = everything()
        with threadpool_limits(1):
            one = everything()
    for a, b, c in zip(two, again, one, strict=True):
        assert np.array_equal(a, b)
        assert_close(a, c, 1e-12)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_makes_threads_of_its_own(two_threads):
    over_images(lambda part: part, 4)
    child = os.fork()
    if child == 0:
        os._exit(0 if over_images(lambda part: 1, 4) == [1, 1] else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("shapes", [((300, 80), (80, 90)), ((80, 70), (70, 400))])
@pytest.mark.parametrize("given", [True, False])
def test_products_on_two_threads(two_threads, rng, shapes, given):
    """Of tall and of wide matrices, into a given array or a new one."""
    a, b = (rng.standard_normal(shape) for shape in shapes)
    out = np.empty((len(a), b.shape[1])) if given else None
    with kernels.use("numba"):
        product = kernels.matmul(a, b, out)
    assert product is out or out is None or np.shares_memory(product, out)
    assert_close(product if out is None else out, np.einsum("nk,km->nm", a, b), 1e-12)


def test_a_mask_on_two_threads_is_the_reference(two_threads):
    x, mask = np.zeros(2 * FEW_NUMBERS + 1, np.float32), {}
    for name in ("numba", "reference"):
        with kernels.use(name):
            mask[name] = kernels.dropout_mask(x, 0.5, 1)
    assert np.array_equal(mask["numba"], mask["reference"])


@pytest.mark.parametrize("types", [(np.float32, np.float64), (np.float64, np.float32)])
def test_products_of_two_types_have_the_wider(rng, types):
    a, b = (rng.standard_normal((3, 3)).astype(dtype) for dtype in types)
    with kernels.use("numba"):
        product = kernels.matmul(a, b)
    assert product.dtype == np.float64
    assert_close(product, np.einsum("nk,km->nm", a, b), 1e-12)


def in_another_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def test_any_python_thread_can_limit_blas(two_threads, rng):
    """Not only the first that has computed something, as with threadpoolctl."""
    x, W = rng.standard_normal((4, 8, 8, 8)), rng.standard_normal((3, 3, 8, 8))

    def limited():
        with limit_threads(1):
            return over_images(lambda part: part, 4)

    def two_parts():
        return over_images(lambda part: blas_threads(), 4)

    with kernels.use("numba"):
        kernels.conv2d(x, W, None)
        assert in_another_thread(limited) == [slice(0, 4)]
        assert in_another_thread(two_parts) == [1, 1]
        assert limited() == [slice(0, 4)]
    assert blas_threads() == 2


def test_python_threads_at_once_leave_blas_its_threads(two_threads, rng):
    """Each sets and restores the limit, and mustn't restore another's limit of 1."""
    x, W = rng.standard_normal((2, 8, 8, 8)), rng.standard_normal((3, 3, 8, 8))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with kernels.use("numba"), ThreadPoolExecutor(4) as pool:
            expected = kernels.conv2d(x, W, None)
            found = list(pool.map(lambda _: kernels.conv2d(x, W, None), range(400)))
    finally:
        sys.setswitchinterval(interval)
    assert blas_threads() == 2
    assert all(np.array_equal(out, expected) for out in found)


def test_python_threads_with_limits_at_once_leave_each_other_theirs(two_threads):
    """The first to end must not lift the limit of a job that still runs."""
    started, ended = threading.Event(), threading.Event()

    def long_job():
        with limit_threads(1):
            started.set()
            ended.wait(10)
            return blas_threads()

    with ThreadPoolExecutor(1) as pool:
        with limit_threads(1):
            job = pool.submit(long_job)
            started.wait(10)
        ended.set()
        assert job.result() == 1
    assert blas_threads() == 2


def test_a_limit_set_elsewhere_does_not_stop_this_one(two_threads):
    """threadpoolctl lets the first thread that sets limits be the only one."""

    with threadpool_limits(2):  # of the main thread, which now controls OpenBLAS
        in_another_thread(lambda: [set_threads(each, 1) for each in libraries()])
        assert {each.num_threads for each in libraries()} == {1}
    assert blas_threads() == 2
