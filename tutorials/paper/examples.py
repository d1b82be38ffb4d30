"""Figure 1's images: one of each class, before and after an attack."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attacks import model_gradient
from ensembles import MemberJob
from ensembles.member_files import load_member
from minidl.backend import Array, Device, to_device, to_numpy
from minidl.data import load_dataset
from minidl.files import atomic_write
from minidl.layers import Sequential
from minidl.parallel import limit_threads
from minidl.training import batches, to_float
from tutorials.paper.config import Parameters
from tutorials.paper.evaluate import perturb

BATCH_SIZE = 100
ARRAYS = ("x", "x_adv", "y", "predicted")


@dataclass(frozen=True)
class ExamplesJob:
    """Whose images to make, with which attack."""

    member: MemberJob
    attack: str
    parameters: Parameters
    folder: Path
    device: Device = "cpu"


def make_examples(job: ExamplesJob) -> dict[str, Array]:
    """Return correctly classified images, what the attack made of them, and labels.

    Shapes: x and x_adv (N, H, W, C), y and predicted (N,), N at most one a class.
    """
    data = load_dataset(job.member.dataset)
    model = load_member(job.member, job.folder).to_device(job.device)
    with limit_threads(1):
        chosen = first_correct(model, data.x_test, data.y_test, job.device)
        x = to_float(to_device(data.x_test[chosen], job.device))
        y = to_device(data.y_test[chosen], job.device)
        x_adv = perturb(job.attack, job.parameters, model_gradient(model), x, y)
        arrays = {"x": x, "x_adv": x_adv, "y": y, "predicted": model.predict(x_adv)}
        return {name: to_numpy(array) for name, array in arrays.items()}


def first_correct(
    model: Sequential, x: Array, y: Array, device: Device = "cpu"
) -> list[int]:
    """Return the index of each class's first image that is classified correctly.

    In the order of classes, without those that have none.
    """
    first: dict[int, int] = {}
    for batch in batches(np.arange(len(x)), BATCH_SIZE):
        predicted = model.predict(to_float(to_device(x[batch], device)))
        correct = to_numpy(predicted) == y[batch]
        for i in batch[correct]:
            first.setdefault(int(y[i]), int(i))
        if len(first) == model.classes:
            break
    return [first[label] for label in sorted(first)]


def write_examples(arrays: dict[str, Array], folder: Path) -> None:
    """Write examples.npz into a folder."""
    content: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
    with atomic_write(folder / "examples.npz") as file:
        np.savez_compressed(file, allow_pickle=False, **content)


def read_examples(folder: Path) -> dict[str, Array]:
    """Return a folder's examples; ValueError if the file is damaged."""
    path = folder / "examples.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in ARRAYS}
    except FileNotFoundError:
        raise
    except Exception as error:  # what a damaged archive raises is anybody's guess
        raise ValueError(f"{path} is damaged: {error}") from error
