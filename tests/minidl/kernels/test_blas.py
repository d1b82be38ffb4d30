"""BLAS called from compiled code, against NumPy's product."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import assert_close

pytest.importorskip("numba", reason="no Numba")
from minidl.kernels.cpu.blas import multiply
from minidl.kernels.cpu.compile import jit


@jit
def compiled(a, b, out, beta):
    multiply(a, b, out, beta)


sizes = st.integers(1, 7)


@given(
    sizes, sizes, sizes, st.sampled_from(["plain", "apart", "turned", "turned apart"])
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_product_and_sum_of_all_layouts(dtype, n, k, m, layout):
    rng = np.random.default_rng(n + 8 * k + 64 * m)

    def matrix(rows, columns, layout=layout):
        if layout.startswith("turned"):
            return matrix(columns, rows, layout[len("turned ") :]).T
        between = 3 if layout == "apart" else 1
        return rng.standard_normal((rows, between, columns)).astype(dtype)[:, -1]

    a, b = matrix(n, k), matrix(k, m)
    out = matrix(n, m, "apart" if layout.endswith("apart") else "plain")
    for beta in (0, 1, 0.5):
        expected = a.astype(np.float64) @ b + beta * out.astype(np.float64)
        compiled_out, plain_out = out.copy(), out.copy()
        compiled(a, b, compiled_out, beta)
        multiply(a, b, plain_out, beta)
        tolerance = 1e-5 if dtype == np.float32 else 1e-13
        assert_close(compiled_out, expected, tolerance)
        assert_close(plain_out, expected, tolerance)


def test_numbers_between_the_rows_stay(rng):
    work = np.full((4, 2, 3), 7.0)
    compiled(np.ones((4, 2)), np.ones((2, 3)), work[:, 0], 0)
    assert np.array_equal(work[:, 0], np.full((4, 3), 2.0))
    assert np.array_equal(work[:, 1], np.full((4, 3), 7.0))


def test_out_may_hold_anything_where_it_is_not_added(rng):
    out = np.full((2, 2), np.nan)
    compiled(np.ones((2, 3)), np.ones((3, 2)), out, 0)
    assert np.array_equal(out, np.full((2, 2), 3.0))
