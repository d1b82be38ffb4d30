"""Vectors: as many neighbouring numbers as one instruction of the processor takes.

An equation for single numbers, such as v1 = d4 - 4 d2 + d3 - 4 d1, also holds for
vectors of channels, and then needs no loop of its own: compiled code spends as much
time around a loop over 32 channels as in it. Kernels load vectors from arrays, compute
with them and store them. Without compilation, a vector is a piece of an array.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import lower_builtin, models, register_model, type_callable

from minidl.backend import Array

Place = tuple[int, ...]  # the index of a vector's first number

_, _, FEATURES = cpu_target.target_context.codegen().magic_tuple()
VECTOR_BITS = 512 if "+avx512f" in FEATURES else 256
CONTRACT = ("contract",)  # a b + c may be one instruction, as in `compile.jit`


def length(x: Array) -> int:
    """Return how many of an array's numbers make a vector."""
    return VECTOR_BITS // (8 * x.itemsize)


def load(x: Array, place: Place) -> Array:
    """Return the vector at a place."""
    row, c = x[place[:-1]], place[-1]
    return row[c : c + length(x)].copy()


def store(v: Array, x: Array, place: Place) -> None:
    """Write a vector to a place."""
    row, c = x[place[:-1]], place[-1]
    row[c : c + length(x)] = v


def at_least(v: Array, floor: float) -> Array:
    """Return max(v, floor), number by number; a NaN stays NaN."""
    return np.where(v < floor, v.dtype.type(floor), v)


class Vector(types.Type):
    """A vector's type in Numba."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"Vector({dtype})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """A vector's type in LLVM."""

    def __init__(self, models: Any, kind: Any) -> None:
        number = models.lookup(kind.dtype).get_value_type()
        count = VECTOR_BITS // kind.dtype.bitwidth
        super().__init__(models, kind, ir.VectorType(number, count))


class Memory:
    """An array in a kernel's instructions; its rows are contiguous."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        array = context.make_array(kind)(context, builder, value)
        self.builder, self.align = builder, kind.dtype.bitwidth // 8
        self.data, self.number = array.data, array.data.type.pointee
        self.shape = cgutils.unpack_tuple(builder, array.shape)
        self.strides = cgutils.unpack_tuple(builder, array.strides)

    def address(self, place: Any, kind: Any) -> Any:
        """Return the address of the number or vector at a place."""
        *row, c = place
        first = self.builder.bitcast(self.data, cgutils.voidptr_t)
        for i, stride in zip(row, self.strides, strict=False):
            first = self.builder.gep(first, [self.builder.mul(i, stride)])
        first = self.builder.bitcast(first, self.number.as_pointer())
        return self.builder.bitcast(self.builder.gep(first, [c]), kind.as_pointer())

    def load(self, place: Any, kind: Any) -> Any:
        """Read the number or vector at a place."""
        return self.builder.load(self.address(place, kind), align=self.align)

    def store(self, value: Any, place: Any) -> None:
        """Write a number or vector to a place."""
        self.builder.store(value, self.address(place, value.type), align=self.align)


def spread(builder: Any, number: Any, vector: Any) -> Any:
    """Return a vector that repeats a number."""
    anything = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(anything, number, cgutils.int32_t(0))
    same = ir.Constant(ir.VectorType(cgutils.int32_t, vector.count), None)
    return builder.shuffle_vector(first, anything, same)


def compiles(function: Any, kind: Callable[..., Any], *arguments: type) -> Any:
    """Let Numba compile calls with such arguments to what the function below writes.

    kind returns the result's type, given the arguments' types, or None for a misfit.
    """
    type_callable(function)(lambda context: kind)
    return lower_builtin(function, *arguments)


@compiles(length, lambda x: types.intp, types.Array)
def write_length(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """`length` in LLVM."""
    return cgutils.intp_t(VECTOR_BITS // signature.args[0].dtype.bitwidth)


@compiles(load, lambda x, place: Vector(x.dtype), types.Array, types.BaseTuple)
def write_load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """`load` in LLVM."""
    memory = Memory(context, builder, signature.args[0], values[0])
    place = cgutils.unpack_tuple(builder, values[1])
    return memory.load(place, context.get_value_type(signature.return_type))


@compiles(store, lambda v, x, place: types.none, Vector, types.Array, types.BaseTuple)
def write_store(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """`store` in LLVM."""
    memory = Memory(context, builder, signature.args[1], values[1])
    memory.store(values[0], cgutils.unpack_tuple(builder, values[2]))
    return context.get_dummy_value()


@compiles(at_least, lambda v, floor: v, Vector, types.Float)
def write_at_least(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """`at_least` in LLVM."""
    v, bound = values[0], spread(builder, values[1], values[0].type)
    return builder.select(builder.fcmp_ordered("<", v, bound), bound, v)


def both(a: Any, b: Any) -> Any:
    """Return the type of a + b and a - b."""
    return a if isinstance(a, Vector) and a == b else None


@compiles(operator.add, both, Vector, Vector)
def write_sum(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """a + b in LLVM."""
    return builder.fadd(*values, flags=CONTRACT)


@compiles(operator.sub, both, Vector, Vector)
def write_difference(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """a - b in LLVM."""
    return builder.fsub(*values, flags=CONTRACT)


def multiple(a: Any, v: Any) -> Any:
    """Return the type of a number times a vector: float32 is exact in float64."""
    return v if isinstance(a, types.Float) and isinstance(v, Vector) else None


@compiles(operator.mul, multiple, types.Float, Vector)
def write_multiple(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """A number times a vector in LLVM."""
    (a, v), (kind, vector) = values, signature.args
    factor = spread(builder, context.cast(builder, a, kind, vector.dtype), v.type)
    return builder.fmul(factor, v, flags=CONTRACT)
