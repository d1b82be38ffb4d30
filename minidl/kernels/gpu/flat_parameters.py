"""All parameters of a network as one array, for an optimizer's single step.

On a GPU, separate steps of Adam for 16 parameters would launch 16 kernels; one step for
all of them launches one. Parameters, gradients and running averages become views of one
array each; layers use them as before.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import is_
from typing import Any, TypeAlias

from minidl.backend import Array, device_of, get_array_module
from minidl.kernels.arguments import check_step
from minidl.layers import Parameter

Slots: TypeAlias = dict[str, Array]  # one parameter's averages by name
Piece: TypeAlias = tuple[Array, Array, Slots]  # parameters, gradients and averages

ALIGNMENT = 64  # numbers: matrix products are fastest at multiples of 256 bytes


class FlatParameters:
    """Parameters, their gradients and averages as views of one array each, by type.

    `pieces` holds (parameters, gradients, averages by name) of each type, as flat
    arrays: shapes (size,). The gaps between two views are 0 and stay 0.
    Raises TypeError or ValueError for averages that don't match their parameter.
    """

    def __init__(self, params: Sequence[Parameter], slots: Sequence[Slots]) -> None:
        groups: dict[Any, list[tuple[Parameter, Slots]]] = {}
        for p, averages in zip(params, slots, strict=True):
            check_step(p.data, p.grad, **averages)  # joined arrays might hide a misfit
            groups.setdefault(kind(p), []).append((p, averages))
        self.pieces = [join(*zip(*group, strict=True)) for group in groups.values()]
        self.views = list(arrays_of(params, slots))

    def hold(self, params: Sequence[Parameter], slots: Sequence[Slots]) -> bool:
        """Return whether all arrays are still the views, none replaced or moved."""
        return all(map(is_, arrays_of(params, slots), self.views))


def kind(p: Parameter) -> Any:
    """Return what parameters in one array have in common: type and device."""
    return p.data.dtype, device_of(p.data)


def arrays_of(params: Sequence[Parameter], slots: Sequence[Slots]) -> Iterator[Array]:
    """Yield each parameter, its gradient and its averages, as they are now."""
    for p, averages in zip(params, slots, strict=True):
        yield from (p.data, p.grad, *averages.values())


def join(params: Sequence[Parameter], slots: Sequence[Slots]) -> Piece:
    """Turn parameters, gradients and averages into views; return the flat arrays."""
    data, views = joined([p.data for p in params])
    grad, grads = joined([p.grad for p in params])
    for p, *pair in zip(params, views, grads, strict=True):
        p.adopt(*pair)
    averages: Slots = {}
    for slot in slots[0]:
        averages[slot], views = joined([own[slot] for own in slots])
        for own, view in zip(slots, views, strict=True):
            own[slot] = view
    return data, grad, averages


def joined(arrays: Sequence[Array]) -> tuple[Array, list[Array]]:
    """Copy arrays into a new flat one; return it, and views of it like the arrays."""
    room = [-(-a.size // ALIGNMENT) * ALIGNMENT for a in arrays]
    *starts, size = accumulate(room, initial=0)
    flat, views = get_array_module(arrays[0]).zeros(size, arrays[0].dtype), []
    for start, a in zip(starts, arrays, strict=True):
        views.append(flat[start : start + a.size].reshape(a.shape))
        views[-1][...] = a
    return flat, views
