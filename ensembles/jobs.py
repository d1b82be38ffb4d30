"""A member as a job: a small description that travels to whichever machine trains it.

It becomes a network and its training data there, see `methods.materialise`.
"""

from dataclasses import dataclass, field, fields
from math import inf
from numbers import Real
from typing import Any

import numpy as np

from ensembles.architectures import TABLES, architecture_names
from minidl.checks import check_choice, check_count, check_number
from minidl.optimizers import OPTIMIZERS
from minidl.store import LATER

METHOD_NAMES = ("random-init", "mixed-models", "bagging", "gaussian-noise")
TABLE_OF = {
    "mnist-sample": "mnist-cnn",
    "mnist": "mnist-cnn",
    "fashion-mnist": "mnist-cnn",
    "cifar10": "cifar10-cnn",
}


def tables_of(dataset: str) -> list[str]:
    """Return the names of a data set's networks: its table, and twins of the table."""
    return [table for table in TABLES if table.startswith(TABLE_OF[dataset])]


@dataclass(frozen=True)
class MemberJob:
    """All that defines one trained member: equal jobs give equal bits.

    Raises TypeError or ValueError for a setting that can't be.
    """

    method: str
    index: int
    seed: int
    dataset: str
    architecture: str
    sigma: float = 0.0  # of the noise on training images, in pixel units
    epochs: int = 10
    batch_size: int = 128
    optimizer: str = "adam"
    lr: float = 1e-3
    train_images: int | None = None  # only the first so many; None: all
    attempts: int = field(default=1, metadata=LATER)  # to start, see `train_member`
    weight_decay: float = field(default=0.0, metadata=LATER)

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHOD_NAMES)
        check_choice("dataset", self.dataset, TABLE_OF)
        tables = tables_of(self.dataset)
        names = [name for table in tables for name in architecture_names(table)]
        check_choice("architecture", self.architecture, names)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        least = {"index": 0, "seed": 0, "epochs": 1, "batch_size": 1, "attempts": 1}
        for name, value in least.items():
            check_count(name, getattr(self, name), value)
        if self.train_images is not None:
            check_count("train_images", self.train_images)
        check_number("lr", self.lr, 0, inf, open_low=True, open_high=True)
        check_number("sigma", self.sigma, 0, 1)
        check_number("weight_decay", self.weight_decay, 0, inf, open_high=True)
        if self.sigma > 0 and self.method != "gaussian-noise":
            raise ValueError(
                f"sigma belongs to gaussian-noise: must be 0 for {self.method}, got "
                f"{self.sigma}"
            )
        self.make_numbers_plain()

    def make_numbers_plain(self) -> None:
        """Turn lr = 1 and NumPy's numbers into Python's: equal jobs, equal files."""
        for own in fields(self):
            value = getattr(self, own.name)
            if isinstance(value, Real):
                plain: Any = float if own.type is float else int
                object.__setattr__(self, own.name, plain(value))  # frozen otherwise

    def generator(self, purpose: str, attempt: int = 0) -> np.random.Generator:
        """Return an attempt's own generator for "weights", "data" or "training"."""
        stream = ("weights", "data", "training").index(purpose)
        again = [attempt] if attempt else []
        return np.random.default_rng([self.seed, stream, *again])


def member_seed(seed: int, method: str, index: int) -> int:
    """Return a member's own seed, unrelated to those of other members and methods."""
    key = METHOD_NAMES.index(method), index
    sequence = np.random.SeedSequence(seed, spawn_key=key)
    return int(sequence.generate_state(1, np.uint64)[0])
