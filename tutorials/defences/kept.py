"""Training that is kept after each epoch: an interrupted part continues from there."""

import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from minidl import Sequential, train
from minidl.backend import Array
from minidl.optimizers import Optimizer
from minidl.store import DamagedError, plain
from minidl.store.checkpoints import check_config, load_checkpoint, save_checkpoint
from minidl.store.files import set_aside
from minidl.store.schema import build

Train: TypeAlias = Callable[..., Any]  # minidl.train, or what does the same


@dataclass(frozen=True)
class SoFar:
    """What the file of a network in training says besides its state."""

    key: str  # of the part
    epochs: int
    seconds: float  # of the whole part


class Kept:
    """`train` for the networks of one part, one after another, each with a file."""

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key, self.networks = path, key, 0
        self.before, self.since = 0.0, time.thread_time()

    @property
    def seconds(self) -> float:
        """How long the part has been trained, before interruptions and since."""
        return self.before + time.thread_time() - self.since

    def train(
        self,
        model: Sequential,
        x: Array,
        y: Array,
        optimizer: Optimizer,
        epochs: int,
        batch_size: int,
        rng: np.random.Generator,
        **options: Any,
    ) -> None:
        """Train as `minidl.train` does, after the latest epoch on disk."""
        path = self.path.with_suffix(f".{self.networks}.partial.npz")
        state, self.networks = (model, optimizer, rng), self.networks + 1
        done = self.resume(path, *state)

        def keep(epoch: int, loss: float) -> None:
            about = SoFar(self.key, done + epoch, self.seconds)
            try:
                save_checkpoint(path, *state, plain(about))
            except OSError as error:
                warnings.warn(f"training goes on unsaved: {error}", stacklevel=2)

        if done < epochs:
            how = epochs - done, batch_size, rng, [keep]
            train(model, x, y, optimizer, *how, **options)

    def resume(self, path: Path, *state: Any) -> int:
        """Restore model, optimizer and generator; return how many epochs are done."""
        try:
            saved = load_checkpoint(path, *state)
        except FileNotFoundError:
            return 0
        except DamagedError as error:
            set_aside(path, error, "training again")
            return 0
        found = build(SoFar, saved, str(path))
        check_config(path, {"key": found.key}, {"key": self.key})
        self.before, self.since = found.seconds, time.thread_time()
        return found.epochs


def drop(path: Path) -> None:
    """Remove what was kept of a finished part's training, if the folder allows."""
    for file in path.parent.glob(f"{path.stem}.*.partial.npz"):
        with suppress(OSError):
            file.unlink()
