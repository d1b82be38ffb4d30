"""All parameters of a network as one array, for an optimizer's single step.

On a GPU a step of Adam for each of 16 parameters would cost 16 kernels, one for all of
them costs one. Parameters, gradients and running averages become views of one array
each; layers go on using them as before.
"""

from collections.abc import Sequence
from itertools import accumulate

from minidl.backend import Array, get_array_module
from minidl.layers import Parameter

ALIGNMENT = 64  # numbers: matrix products are fastest from multiples of 256 bytes on


class FlatParameters:
    """Parameters as views of one array, with their gradients and averages.

    Shapes: data, grad and each of the averages (size,). What lies between two views
    is 0 and stays 0.
    """

    def __init__(
        self, params: Sequence[Parameter], averages: Sequence[dict[str, Array]]
    ) -> None:
        self.params = params
        self.data, self.views = joined([p.data for p in params])
        self.grad, grads = joined([p.grad for p in params])
        for p, data, grad in zip(params, self.views, grads, strict=True):
            p.data, p.grad = data, grad
        self.averages: dict[str, Array] = {}
        for slot in averages[0]:
            flat, views = joined([a[slot] for a in averages])
            self.averages[slot] = flat
            for average, view in zip(averages, views, strict=True):
                average[slot] = view

    @property
    def current(self) -> bool:
        """Whether the parameters are still views: none was replaced, as in a move."""
        pairs = zip(self.params, self.views, strict=True)
        return all(p.data is view for p, view in pairs)


def joined(arrays: Sequence[Array]) -> tuple[Array, list[Array]]:
    """Copy arrays into a new flat one; return it, and views of it like the arrays."""
    xp = get_array_module(arrays[0])
    room = [-(-a.size // ALIGNMENT) * ALIGNMENT for a in arrays]
    *starts, size = accumulate(room, initial=0)
    flat = xp.zeros(size, arrays[0].dtype)
    views = [
        flat[start : start + a.size].reshape(a.shape)
        for start, a in zip(starts, arrays, strict=True)
    ]
    for view, a in zip(views, arrays, strict=True):
        view[...] = a
    return flat, views
