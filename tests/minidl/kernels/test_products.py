"""Products in registers, against NumPy's, and the vectors that they are made of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import assert_close

pytest.importorskip("numba", reason="no Numba")
from minidl.kernels.cpu import vectors
from minidl.kernels.cpu.compile import jit
from minidl.kernels.cpu.products import ROWS, multiply, multiply_transposed

TYPES = (np.float32, np.float64)


@jit
def compiled(a, b, out, add):
    multiply(a, b, out, add)


@jit
def compiled_transposed(a, b, out, add):
    multiply_transposed(a, b, out, add)


@given(
    pairs=st.integers(1, ROWS + 2),
    k=st.integers(1, 5),
    columns=st.integers(1, 3),
    dtype=st.sampled_from(TYPES),
    transposed=st.booleans(),
    add=st.booleans(),
)
def test_tiles_pairs_and_a_narrow_column_are_the_product(
    pairs, k, columns, dtype, transposed, add
):
    n, m = 2 * pairs, columns * vectors.length(np.empty(0, dtype))
    rng = np.random.default_rng(n + m)
    # Rows lie apart, as each of Winograd's 36 matrices does.
    a, b, out = (
        rng.standard_normal((rows, 2, columns)).astype(dtype)
        for rows, columns in ((k, n) if transposed else (n, k), (k, m), (n, m))
    )
    factor = a[:, 0].T if transposed else a[:, 0]
    expected = factor.astype(np.float64) @ b[:, 0] + (out[:, 0] if add else 0)
    between = out[:, 1].copy()
    if not add:
        out[:, 0] = np.nan
    plain = out[:, 0].copy()
    (multiply_transposed if transposed else multiply)(a[:, 0], b[:, 0], plain, add)
    run = compiled_transposed if transposed else compiled
    run(a[:, 0], b[:, 0], out[:, 0], add)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    assert_close(plain, expected, tolerance)
    assert_close(out[:, 0], expected, tolerance)
    assert np.array_equal(out[:, 1], between)


def test_a_row_has_the_same_bits_whatever_the_others_are(rng):
    a, b = (rng.standard_normal((32, 32)).astype(np.float32) for _ in range(2))
    whole, part = np.empty((32, 32), np.float32), np.empty((2, 32), np.float32)
    compiled(a, b, whole, False)
    compiled(a[30:], b, part, False)
    assert np.array_equal(whole[30:], part)


def sum_and_multiple(x, y, floor):
    """Write floor or more of x + 2 y - x / 2 to the second row of y."""
    two, half = np.float32(2), np.float32(0.5)
    for c in range(0, x.size, vectors.length(x)):
        v, w = vectors.load(x, (c,)), vectors.load(y, (0, c))
        v = v + two * w - half * v
        vectors.store(vectors.at_least(v, floor), y, (1, c))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("run", [sum_and_multiple, jit(sum_and_multiple)])
def test_vectors_compute_what_their_numbers_would(run, dtype, rng):
    x = rng.standard_normal(64).astype(dtype)
    y = rng.standard_normal((2, 64)).astype(dtype)
    x[5] = np.nan
    first = y[0].copy()
    run(x, y, dtype(0.25))
    assert_close(y[1], np.maximum(x / 2 + 2 * first, 0.25), 1e-6)
    assert np.isnan(y[1, 5])
    assert np.array_equal(y[0], first)
