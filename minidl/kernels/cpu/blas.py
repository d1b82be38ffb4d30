"""Matrix products inside compiled kernels, by BLAS.

A kernel that calls BLAS itself never returns to Python between two blocks of a batch.
So threads don't wait for the interpreter's lock, which would take longer than a block.
Numba's own `np.dot` does the same, but only for whole matrices, and can't add to the
result. In plain Python, `multiply` runs as defined. Winograd's many small products are
in `products.py`.
"""

from typing import Any

import llvmlite.binding
import numpy as np
from numba import types
from numba.extending import get_cython_function_address, overload

from minidl.backend import Array
from minidl.kernels.cpu.compile import jit

# Up to this number of products, OpenBLAS multiplies matrices without repacking them,
# which is 1.2 to 1.4 times as fast. Blocks of a batch are cut to this size.
BLOCK_PRODUCTS = 1_000_000

# Fortran's gemm takes pointers: transa, transb, m, n, k, alpha, a, lda, b, ldb, beta,
# c, ldc. SciPy exports that of its own BLAS under a documented name. Because it is
# linked by name, compiled kernels can be cached on disk.
GEMM = {}
for real, name in ((types.float32, "sgemm"), (types.float64, "dgemm")):
    symbol = f"minidl_{name}"
    address = get_cython_function_address("scipy.linalg.cython_blas", name)
    llvmlite.binding.add_symbol(symbol, address)
    char, integer, number = map(types.CPointer, (types.int8, types.int32, real))
    GEMM[real] = types.ExternalFunction(
        symbol,
        types.void(
            *(char, char, integer, integer, integer),
            *(number, number, integer, number, integer),
            *(number, number, integer),
        ),
    )


def multiply(a: Any, b: Any, out: Any, beta: Any) -> None:
    """out = a b + beta out.

    Shapes: a (n, k), b (k, m), out (n, m). The rows of each, or for a and b the
    columns, must be contiguous, but may lie apart: transposed views are accepted.
    """
    out[:] = a @ b + beta * out if beta else a @ b


@overload(multiply)
def compiled_multiply(a: Any, b: Any, out: Any, beta: Any) -> Any:
    """Return `multiply` for Numba. BLAS is column-major: out^T = b^T a^T."""
    gemm: Any = GEMM[out.dtype]

    def call(a: Any, b: Any, out: Any, beta: Any) -> None:
        (n, m), k = out.shape, b.shape[0]
        letters = np.array([letter(b), letter(a)], np.int8)
        sizes = np.array([m, n, k, step(b), step(a), step(out)], np.int32)
        factors = np.array([1, beta], out.dtype)
        gemm(
            letters.ctypes,
            letters[1:].ctypes,
            sizes.ctypes,
            sizes[1:].ctypes,
            sizes[2:].ctypes,
            factors.ctypes,
            b.ctypes,
            sizes[3:].ctypes,
            a.ctypes,
            sizes[4:].ctypes,
            factors[1:].ctypes,
            out.ctypes,
            sizes[5:].ctypes,
        )

    return call


@jit
def letter(a: Array) -> int:
    """Return N for a matrix with contiguous rows, T for a transposed one."""
    return ord("N") if a.strides[1] == a.itemsize else ord("T")


@jit
def step(a: Array) -> int:
    """Return the distance between rows, or a transposed one's columns, in numbers.

    For a single row it is the row's length, as BLAS requires.
    """
    length = a.shape[1] if letter(a) == ord("N") else a.shape[0]
    return max(a.strides[0] // a.itemsize, a.strides[1] // a.itemsize, length)
