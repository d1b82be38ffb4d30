"""Networks at a quarter of their size: weights as int8, w = scale q.

Each array of parameters has one scale, by which its largest |w| becomes 127.
"""

from collections.abc import Iterable

import numpy as np

from minidl import Sequential
from minidl.backend import Array


def to_int8(params: Iterable[Array]) -> tuple[Array, Array]:
    """Return all rounded weights, array after array, and each array's scale."""
    params = list(params)
    scales = np.array([abs(w).max() / 127 or 1 for w in params], np.float32)
    rounded = [np.rint(w / s).ravel() for w, s in zip(params, scales, strict=True)]
    return np.concatenate(rounded).astype(np.int8), scales


def from_int8(model: Sequential, q: Array, scales: Array) -> Sequential:
    """Set a network's weights to scale q, in its own precision, and return it."""
    ends = np.cumsum([p.data.size for p in model.params])
    for p, part, s in zip(model.params, np.split(q, ends[:-1]), scales, strict=True):
        p.data[...] = p.data.dtype.type(s) * part.reshape(p.data.shape)
    return model
