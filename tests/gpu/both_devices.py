"""The same computation on the host and on a device: equal results, or equal errors."""

import numpy as np

from minidl import to_device, to_numpy

TOLERANCE = {"float32": 1e-4, "float64": 1e-9}
FEW = 0.02  # part of the numbers in which rounding may decide otherwise


def agree(function, tolerance=None):
    """Run function(device) on both; compare results, types and what is refused.

    `tolerance` is relative to the largest number; None takes it from each array's type.
    """
    here, there = (outcome(function, device) for device in ("cpu", "gpu"))
    assert len(here) == len(there)
    for expected, found in zip(here, there, strict=True):
        if not isinstance(expected, np.ndarray):
            assert found == expected
            continue
        assert isinstance(found, np.ndarray), found
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        allowed = tolerance or TOLERANCE.get(expected.dtype.name, 0)
        scale = max(1, abs(expected.astype(float)).max(initial=0))
        off = abs(found.astype(float) - expected) > allowed * scale
        assert off.mean() <= FEW if off.size > 50 else not off.any()


def outcome(function, device):
    """Return a function's results on the host, or the error with which it refuses."""
    try:
        results = function(device)
    except (TypeError, ValueError) as error:
        return [type(error), str(error)]
    return [to_numpy(a) if hasattr(a, "shape") else a for a in results]


def moved(device, *arrays):
    return [to_device(a, device) for a in arrays]
