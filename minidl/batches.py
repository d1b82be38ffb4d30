"""Images stay as they are stored (uint8), and become floating point batch by batch."""

from collections.abc import Callable, Iterator

import numpy as np

from minidl.backend import Array, Device, device_of, get_array_module, to_device


def to_float(x: Array) -> Array:
    """Return images as floating point in [0, 1]: uint8 is scaled, floats are kept."""
    if x.dtype != np.uint8:
        return x
    shades = np.float32(255)  # in one pass
    return get_array_module(x).true_divide(x, shades, dtype=np.float32)


def batches(indices: Array, batch_size: int) -> Iterator[Array]:
    """Yield consecutive pieces of `batch_size` indices; the last may be shorter."""
    for start in range(0, len(indices), batch_size):
        yield indices[start : start + batch_size]


def in_batches(function: Callable[[Array], Array], x: Array, size: int = 512) -> Array:
    """Return function(images as floats), batch by batch.

    Shapes: x (N, H, W, C) uint8 or floats, result (N, ...).
    """
    parts = batches(np.arange(len(x)), size)
    return np.concatenate([function(to_float(x[part])) for part in parts])


def batches_of(
    x: Array, y: Array, order: Array, batch_size: int, device: Device
) -> Iterator[tuple[Array, Array]]:
    """Yield images as floats and their labels, in an order, on a device.

    Each batch is selected where the data is, and moved before it becomes floats.
    """
    order, y = to_device(order, device_of(x)), to_device(y, device_of(x))
    for batch in batches(order, batch_size):
        yield to_float(to_device(x[batch], device)), to_device(y[batch], device)
