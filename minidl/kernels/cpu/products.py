"""Products of matrices in the cache, whose results stay in registers while they grow.

Winograd's 36 products of a block are small: except on processors with AVX-512, BLAS
takes as long to start one as to compute it. Here the result is cut into *tiles* of some
rows and one or two vectors of columns. A tile stays in registers while k runs:

    tile[r, :] += a[r, k] b[k, :]          (a[k, r] of a transposed one)

Each k loads two vectors of b, and one number of a for each row of the tile, and adds to
twice as many vectors as the tile has rows. A sum is ready 4 cycles after it was begun,
and two begin in each cycle, so at least 8 must be under way: 6 rows keep the
multiplication units busy and fit into AVX2's 16 registers, 8 into AVX-512's 32.

A compiler keeps single variables in registers, but not arrays, so `multiplier` writes a
tile's instructions one by one, in LLVM's language. Without compilation, `multiply` runs
as defined. Sums run over k in order, so a row of the result has the same bits whatever
the other rows are.

Source: Goto & van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from minidl.kernels.cpu.vectors import (
    CONTRACT,
    VECTOR_BITS,
    Memory,
    Vector,
    length,
    spread,
)

ROWS = 8 if VECTOR_BITS == 512 else 6  # of a tile


def multiply(a: Any, b: Any, out: Any, add: Any) -> None:
    """out = a b, or out += a b.

    Shapes: a (n, k), b (k, m), out (n, m), n even, m a multiple of a vector's length.
    The rows of each are contiguous, but may lie apart.
    """
    out[:] = out + a @ b if add else a @ b


def multiply_transposed(a: Any, b: Any, out: Any, add: Any) -> None:
    """out = a^T b, or out += a^T b; a is (k, n), all else as in `multiply`."""
    out[:] = out + a.T @ b if add else a.T @ b


def in_tiles(function: Any, transposed: bool) -> None:
    """Let Numba compile a product: tiles, pairs of rows, and a last narrow column."""
    tile, narrow_tile = (multiplier(ROWS, vectors, transposed) for vectors in (2, 1))
    pair, narrow_pair = (multiplier(2, vectors, transposed) for vectors in (2, 1))

    def call(a: Any, b: Any, out: Any, add: Any) -> None:
        (n, m), vector = out.shape, length(out)
        tiled = n - n % ROWS
        for f in range(0, m - vector, 2 * vector):
            for r in range(0, tiled, ROWS):
                tile(a, b, out, r, f, add)
            for r in range(tiled, n, 2):
                pair(a, b, out, r, f, add)
        if m % (2 * vector) > 0:
            for r in range(0, tiled, ROWS):
                narrow_tile(a, b, out, r, m - vector, add)
            for r in range(tiled, n, 2):
                narrow_pair(a, b, out, r, m - vector, add)

    @overload(function)
    def compiled(a: Any, b: Any, out: Any, add: Any) -> Any:
        return call


def multiplier(rows: int, vectors: int, transposed: bool) -> Any:
    """Return a function for Numba that multiplies a tile of some rows and vectors."""
    places = [(i, v) for i in range(rows) for v in range(vectors)]

    @intrinsic
    def multiply_tile(
        typing: Any, a: Any, b: Any, out: Any, r: Any, f: Any, add: Any
    ) -> Any:
        """out[r:, f:] = a[r:] b[:, f:] for a tile's rows and columns, or += of it."""

        def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            A, B, OUT = (
                Memory(context, builder, kind, value)
                for kind, value in zip((a, b, out), values[:3], strict=True)
            )
            vector = context.get_value_type(Vector(out.dtype))
            first_row, first_column, adds = values[3:]
            row = [builder.add(first_row, cgutils.intp_t(i)) for i in range(rows)]
            column = [
                builder.add(first_column, cgutils.intp_t(v * vector.count))
                for v in range(vectors)
            ]
            sums = {place: cgutils.alloca_once(builder, vector) for place in places}
            for place in places:
                builder.store(ir.Constant(vector, None), sums[place])
            with builder.if_then(adds):
                for i, v in places:
                    there = OUT.load((row[i], column[v]), vector)
                    builder.store(there, sums[i, v])
            with cgutils.for_range(builder, B.shape[0]) as loop:
                k = loop.index
                b_k = [B.load((k, c), vector) for c in column]
                for i, v in places:
                    a_ik = A.load((k, row[i]) if transposed else (row[i], k), A.number)
                    factor = spread(builder, a_ik, vector)
                    term = builder.fmul(factor, b_k[v], flags=CONTRACT)
                    total = builder.fadd(builder.load(sums[i, v]), term, flags=CONTRACT)
                    builder.store(total, sums[i, v])
            for i, v in places:
                OUT.store(builder.load(sums[i, v]), (row[i], column[v]))
            return context.get_dummy_value()

        return types.void(a, b, out, types.intp, types.intp, add), code

    return multiply_tile


in_tiles(multiply, transposed=False)
in_tiles(multiply_transposed, transposed=True)
