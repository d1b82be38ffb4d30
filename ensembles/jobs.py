"""A member as a job: a small description that is sent to the machine that trains it.

There it becomes a network and its training data, see `materialise.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from ensembles.architectures import TABLES, architecture_names
from minidl.checks import check_choice, check_kind
from minidl.checks.settings import setting
from minidl.checks.training import Perturb
from minidl.data import CLASS_NAMES
from minidl.layers import Sequential
from minidl.optimizers import OPTIMIZERS, Optimizer
from minidl.store import kept_fields, plain

METHOD_NAMES = ("random-init", "mixed-models", "bagging", "gaussian-noise")
CHAINS = ("boosting", "snapshots")  # besides the paper's: each member follows another
LOSSES = ("cross-entropy", "adp")
SHARED = ("method", "dataset", "architecture", "train_images")  # by all of a chain
SCHEDULES = ("constant", "cosine")
TABLE_OF = {
    "mnist-sample": "mnist-cnn",
    "mnist": "mnist-cnn",
    "fashion-mnist": "mnist-cnn",
    "cifar10": "cifar10-cnn",
}


def tables_of(dataset: str) -> list[str]:
    """Return the names of a data set's networks: its table and the table's twins."""
    return [table for table in TABLES if table.startswith(TABLE_OF[dataset])]


class Perturbation(Protocol):
    """A factory of training's `perturb`: a frozen dataclass, whose fields describe it.

    It is called with the networks to train, their optimizer, and the number of steps
    that training takes. `attacks.Adversarial` is an example.
    """

    def __call__(
        self, members: Sequence[Sequential], optimizer: Optimizer, steps: int
    ) -> Perturb:
        """Return the perturbation."""


@dataclass(frozen=True)
class MemberJob:
    """Everything that defines one trained member: equal jobs give equal bits.

    Raises TypeError or ValueError for an invalid setting.
    """

    LATER: ClassVar = (
        *("attempts", "weight_decay", "perturb", "together", "loss"),
        *("schedule", "after"),
    )

    method: str = setting((*METHOD_NAMES, *CHAINS))
    index: int = setting("count 0..")
    seed: int = setting("count 0..")
    dataset: str = setting(TABLE_OF)
    architecture: str = setting(str)
    sigma: float = setting("[0, 1]", 0.0)  # of the noise on images, in pixel units
    epochs: int = setting("count", 10)
    batch_size: int = setting("count", 128)
    optimizer: str = setting(OPTIMIZERS, "adam")
    lr: float = setting("(0, inf)", 1e-3)
    train_images: int | None = setting("count", None)  # only the first ones; None: all
    attempts: int = setting("count", 1)  # to start, see `train_member`
    weight_decay: float = setting("[0, inf)", 0.0)
    perturb: Perturbation | None = setting(object, None)  # of each batch
    together: int = setting("count", 1)  # networks trained by one loss on each batch
    loss: str = setting(LOSSES, "cross-entropy")  # or "adp", of several together
    schedule: str = setting(SCHEDULES, "constant")  # of lr; "cosine": it falls to 0
    after: "MemberJob | None" = setting(object, None)  # the job before, in a chain

    def __post_init__(self) -> None:
        tables = tables_of(self.dataset)
        names = [name for table in tables for name in architecture_names(table)]
        check_choice("architecture", self.architecture, names)
        if self.sigma > 0 and self.method != "gaussian-noise":
            raise ValueError(
                f"sigma belongs to gaussian-noise: must be 0 for {self.method}, got "
                f"{self.sigma}"
            )
        self.check_training()

    def check_training(self) -> None:
        """Raise TypeError or ValueError for settings that don't fit each other."""
        most = len(CLASS_NAMES[self.dataset]) - 1
        if self.loss == "adp" and not 2 <= self.together <= most:
            raise ValueError(
                f"together must be 2 to {most} for adp, fewer than the classes, got "
                f"{self.together}"
            )
        if self.method == "snapshots" and self.train_images == 1:
            raise ValueError(
                "train_images must be 2 or more for snapshots, which hold images out, "
                "got 1"
            )
        if self.method in CHAINS and self.together > 1:
            raise ValueError(f"together must be 1 for {self.method}")
        if self.attempts > 1 and (self.together > 1 or self.method in CHAINS):
            raise ValueError("attempts must be 1 in chains and for networks together")
        how: Any = self.perturb
        if how is not None:
            described = is_dataclass(how) and not isinstance(how, type)
            if not (described and callable(how) and hashable(how)):
                raise TypeError(
                    "perturb must be a callable frozen dataclass, such as "
                    f"attacks.Adversarial(0.3, 0.1), got {how!r}"
                )
            plain(how, "perturb", typed=True)
        if self.after is not None:
            self.check_after(self.after)

    def check_after(self, after: "MemberJob") -> None:
        """Raise TypeError or ValueError unless this is the job before in a chain."""
        check_kind("after", after, MemberJob)
        wanted = {name: getattr(self, name) for name in SHARED}
        wanted |= {"index": self.index - 1}
        found = {name: getattr(after, name) for name in wanted}
        if self.method not in CHAINS or found != wanted:
            raise ValueError(
                f"after must be the job before, of {' or '.join(CHAINS)}: {wanted}, "
                f"got {found}"
            )

    def about(self) -> dict[str, Any]:
        """Return what defines the job, for its key; a perturbation with its types."""
        facts, how = kept_fields(self), self.perturb
        return facts | ({} if how is None else {"perturb": plain(how, typed=True)})

    @property
    def chain(self) -> tuple["MemberJob", ...]:
        """All jobs that must be done before this one, in order."""
        return () if self.after is None else (*self.after.chain, self.after)

    def generator(self, purpose: str, attempt: int = 0) -> np.random.Generator:
        """Return an attempt's own generator for "weights", "data" or "training"."""
        stream = ("weights", "data", "training").index(purpose)
        again = [attempt] if attempt else []
        return np.random.default_rng([self.seed, stream, *again])


def hashable(thing: Any) -> bool:
    """Return whether a value can stand in a job, which needs a hash."""
    try:
        hash(thing)
    except TypeError:
        return False
    return True


def member_seed(seed: int, method: str, index: int) -> int:
    """Return a member's own seed, unrelated to those of other members and methods."""
    key = (*METHOD_NAMES, *CHAINS).index(method), index
    sequence = np.random.SeedSequence(seed, spawn_key=key)
    return int(sequence.generate_state(1, np.uint64)[0])
