"""Validation of an ensemble's members, of their probabilities and their logits."""

from collections.abc import Iterable, Sequence
from typing import Any

from minidl.backend import Array, get_array_module
from minidl.checks import check_array, check_batch, check_logits, several
from minidl.checks.answers import check_classifier
from minidl.classifiers import Classifier, classes_of


def check_alike(each: Sequence[Array]) -> None:
    """Raise ValueError unless all members' probabilities can be added up."""
    first = get_array_module(each[0]), each[0].shape
    for i, p in enumerate(each):
        if (own := (get_array_module(p), p.shape)) != first:
            raise ValueError(
                f"members[{i}].predict_proba must return what members[0]'s does, "
                f"{first[0].__name__}'s {first[1]}, got {own[0].__name__}'s {own[1]}"
            )


def check_members(members: Iterable[Classifier]) -> tuple[Classifier, ...]:
    """Return members that can vote together; TypeError or ValueError for others."""
    members = several("members", members, check_classifier, "classifiers")
    told = map(classes_of, members)
    if len(classes := {K for K in told if K is not None}) > 1:
        raise ValueError(
            f"members must have the same number of classes, got {sorted(classes)}"
        )
    return members


def check_member_logits(z: Any, y: Array) -> Array:
    """Return all members' logits as one array (M, N, K); raise for anything else."""
    if isinstance(z, (list, tuple)) and z:
        for z_i in z:
            check_array("z", z_i)
        z = get_array_module(z[0]).stack(z)
    check_batch("z", z, ndim=3)
    M, _, K = z.shape
    check_logits(z[0], y)
    if not 2 <= M < K:
        raise ValueError(
            f"z must be the logits of 2 to K - 1 members, (M, N, K), got {z.shape}"
        )
    return z
