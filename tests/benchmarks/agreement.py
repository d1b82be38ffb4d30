"""Contenders must compute the same numbers before their speeds mean anything."""

from typing import Any

import numpy as np

from minidl.backend import Array, to_numpy

TOLERANCE = 1e-3  # of a result's norm: float32, summed in different orders
KINKS = 3e-2  # of a gradient's norm: rounding decides near-ties of ReLU and maximum


def on_host(result: Any) -> Array:
    """Return a result of any library and device as a NumPy array."""
    if hasattr(result, "cpu"):  # PyTorch's
        return result.detach().cpu().numpy()
    return to_numpy(result)


def difference(ours: Array, theirs: Array) -> float:
    """Return the largest difference, in units of the largest number."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def distance(ours: Array, theirs: Array) -> float:
    """Return the norm of the difference over the norm of `theirs`."""
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def agree(
    answers: dict[str, dict[str, Array]], tolerance: dict[str, float]
) -> dict[str, dict[str, float]]:
    """Return {contender: {answer: largest difference from the first contender's}}.

    Answers agree within their own tolerance, by default TOLERANCE. Raises ValueError if
    a difference is larger.
    """
    (_, expected), *others = answers.items()
    for how, answer in others:
        for name, theirs in expected.items():
            off = distance(answer[name], theirs)
            if not off <= tolerance.get(name, TOLERANCE):
                raise ValueError(f"{how} differs in {name}: by {off:.1e} of its norm")
    return {
        how: {name: difference(answer[name], a) for name, a in expected.items()}
        for how, answer in others
    }
