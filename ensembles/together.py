"""Members that are trained together, on the same batches and by one loss.

    committee = Committee(members)
    optimizer = Adam(committee.params)
    train_together(committee, x, y, optimizer, epochs, batch_size, rng)
    Ensemble(committee.members)

Separately, each member descends its own J on its own batches. Together, one
perturbation of a batch, against the ensemble's prediction, serves all members, and a
loss of all members' logits can reward diversity.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from ensembles.checks import check_members
from minidl.backend import Array, get_array_module
from minidl.checks import check_kind
from minidl.checks.rules import checked, unchecked
from minidl.checks.training import TRAINING, Callback, Perturb, loss_or
from minidl.layers import Layer, Sequential
from minidl.layers.base import Shape
from minidl.losses import cross_entropy
from minidl.optimizers import Optimizer
from minidl.training import train

# Of all members' logits z (M, N, K) and labels y: costs (N,), and dz like z.
JointLoss: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]


class Committee(Layer):
    """Networks side by side: z_i = f_i(x), all with one optimizer and checkpoint.

    Shapes: x (N, *input_shape), z (M, N, K). Raises TypeError for anything but
    networks, and ValueError if their inputs or classes differ, or if one occurs twice.
    """

    memory = Layer.latest  # which holds its members' memories

    def __init__(self, members: Iterable[Sequential]) -> None:
        self.members: tuple[Sequential, ...] = check_networks(members)

    @property
    def classes(self) -> int:
        """The number K of classes, the same for all members."""
        return self.members[0].classes

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return all members' logits; they draw from rng one after another."""
        z = [member.forward(x, rng) for member in self.members]
        out: Array = get_array_module(x).stack(z)
        return self.remember(out, [member.latest for member in self.members])

    def backward(
        self, dout: Array, param_grads: bool = True, input_grad: bool = True
    ) -> Any:
        """Each member's own derivative; dJ/dx is their sum."""
        dx = []
        kept = self.recall(dout)
        for member, latest, dz in zip(self.members, kept, dout, strict=True):
            member.latest = latest  # it may have run alone since
            dx.append(member.backward(dz, param_grads, input_grad))
        return sum(dx) if input_grad else None

    def output_shape(self, input_shape: Shape) -> Shape:
        """Raise ValueError: no layer returns logits of several networks."""
        raise ValueError(f"{self} isn't a layer of another network")

    def __repr__(self) -> str:
        return f"Committee of {len(self.members)} networks"


def sum_of_costs(z: Array, y: Array) -> tuple[Array, Array]:
    """sum_i J_i: each member descends its own cost. Shapes: as for a JointLoss."""
    each = [cross_entropy(z_i, y) for z_i in z]
    costs, dz = zip(*each, strict=True)
    return sum(costs), get_array_module(z).stack(dz)


@checked(committee=Committee, **TRAINING, loss=loss_or(sum_of_costs))
def train_together(
    committee: Committee,
    x: Array,
    y: Array,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    callbacks: Sequence[Callback] = (),
    perturb: Perturb | None = None,
    loss: JointLoss = sum_of_costs,
) -> list[float]:
    """Minimise a loss of all members over the same batches; return each epoch's mean.

    Everything else is as in `minidl.train`, where a single member gets the same bits.
    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,) labels.
    Raises TypeError or ValueError for bad arguments, and at the batch where `perturb`
    or `loss` returns anything that can't be used in training; FloatingPointError if
    the loss or a parameter is no longer finite.
    """
    how = optimizer, epochs, batch_size, rng, callbacks, perturb, loss
    return unchecked(train)(committee, x, y, *how)


def check_networks(members: Iterable[Sequential]) -> tuple[Sequential, ...]:
    """Return networks that can be trained together; raise for others."""
    networks = check_members(members)
    for i, member in enumerate(networks):
        check_kind(f"members[{i}]", member, Sequential)
    found: tuple[Any, ...] = networks
    params = [p for member in found for p in member.params]
    if len(set(params)) < len(params):
        raise ValueError("members must have parameters of their own, got some twice")
    if len(shapes := {member.input_shape for member in found}) > 1:
        raise ValueError(f"members must take one shape, got {sorted(shapes)}")
    return found
