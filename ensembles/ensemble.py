"""The vote: the average of the members' probabilities."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from minidl.backend import Array, Device
from minidl.training import Classifier


class Ensemble:
    """p(x) = sum_i w_i p_i(x), with weights w_i >= 0 of sum 1 (by default all equal).

    Averaging probabilities isn't counting votes: one member that is sure can outvote
    two that are not.
    Source: the paper, section 3, "weighted or unweighted average".
    Raises ValueError without members, or for weights that are no weights.
    """

    def __init__(
        self, members: Sequence[Classifier], weights: Sequence[float] | None = None
    ) -> None:
        self.members = tuple(members)
        if not self.members:
            raise ValueError("members must hold at least one classifier, got none")
        self.weights = check_weights(weights, len(self.members))

    @property
    def classes(self) -> int | None:
        """The number K of classes, if the members tell."""
        return getattr(self.members[0], "classes", None)

    @property
    def device(self) -> Device:
        """Where the members are, "cpu" or "gpu"."""
        return getattr(self.members[0], "device", "cpu")

    def to_device(self, device: Device) -> Self:
        """Move all members, which must be networks, to the device "cpu" or "gpu"."""
        for member in self.members:
            member.to_device(device)  # type: ignore[attr-defined]
        return self

    def predict_proba(self, x: Array) -> Array:
        """Return the weighted mean of the members' probabilities.

        Shapes: x (N, H, W, C), result (N, K).
        """
        pairs = zip(self.weights, self.members, strict=True)
        p: Any = sum(w * member.predict_proba(x) for w, member in pairs)
        return p

    def predict(self, x: Array) -> Array:
        """Return argmax of the mean probability. Shapes: (N, H, W, C) -> (N,)."""
        return self.predict_proba(x).argmax(axis=1)


def check_weights(weights: Sequence[float] | None, members: int) -> list[float]:
    """Return weights of sum 1, one for each member; ValueError if they can't be."""
    if weights is None:
        return [1 / members] * members
    w = np.asarray(weights, np.float64)
    if w.shape != (members,):
        raise ValueError(
            f"weights must be {members} numbers, one a member, got shape {w.shape}"
        )
    if not ((w >= 0).all() and 0 < w.sum() < np.inf):
        raise ValueError(
            f"weights must be >= 0 with a positive, finite sum, got {weights}"
        )
    return (w / w.sum()).tolist()  # Python floats leave float32 probabilities float32
