"""The vote: the average of the members' probabilities."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

from ensembles.checks import check_alike, check_members
from minidl.backend import Array, Device, rounds_to_zero
from minidl.checks import check_weights
from minidl.checks.answers import probabilities
from minidl.classifiers import Classifier, classes_of, classifier_device


class Ensemble:
    """p(x) = sum_i w_i p_i(x), with weights w_i >= 0 of sum 1 (by default all equal).

    Averaging probabilities differs from counting votes: one confident member can
    outvote two unsure ones.
    Source: the paper, section 3, "weighted or unweighted average".
    Raises TypeError for members that aren't classifiers, and ValueError without
    members, for members with different numbers of classes, or for invalid weights.
    """

    def __init__(
        self, members: Iterable[Classifier], weights: Sequence[float] | None = None
    ) -> None:
        self.members = check_members(members)
        self.weights = check_weights(weights, len(self.members))

    @property
    def classes(self) -> int | None:
        """The number K of classes, if the members say."""
        return classes_of(self.members[0])

    @property
    def device(self) -> Device:
        """The members' device, "cpu" or "gpu"."""
        return classifier_device(self.members[0])

    def to_device(self, device: Device) -> Self:
        """Move all members, which must be networks, to the device "cpu" or "gpu"."""
        for member in self.members:
            member.to_device(device)  # type: ignore[attr-defined]
        return self

    @rounds_to_zero
    def predict_proba(self, x: Array) -> Array:
        """Return the weighted mean of the members' probabilities.

        Shapes: x (N, H, W, C), result (N, K). Raises TypeError or ValueError, naming
        the member, unless each returns probabilities of the same classes.
        """
        each = [
            probabilities(member.predict_proba, x, f"members[{i}].predict_proba")
            for i, member in enumerate(self.members)
        ]
        check_alike(each)
        p: Any = sum(w * p_i for w, p_i in zip(self.weights, each, strict=True))
        return p

    def predict(self, x: Array) -> Array:
        """Return argmax of the mean probability. Shapes: (N, H, W, C) -> (N,)."""
        return self.predict_proba(x).argmax(axis=1)
