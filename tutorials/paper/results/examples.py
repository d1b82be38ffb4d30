"""Figure 1's images: one of each class, before and after an attack."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attacks import model_gradient
from ensembles import MemberJob
from ensembles.member_files import load_member
from minidl.backend import Array, Device, to_device, to_numpy
from minidl.data import load_dataset
from minidl.layers import Sequential
from minidl.parallel import limit_threads
from minidl.store import key_of, read_arrays, write_arrays
from minidl.training import batches, to_float
from tutorials.paper.experiment.attack import perturb
from tutorials.paper.experiment.config import Parameters
from tutorials.paper.results import Results

BATCH_SIZE = 100


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


def write_examples(arrays: dict[str, Array], results: Results, folder: Path) -> None:
    """Write examples.npz into a folder."""
    write_arrays(folder / "examples.npz", arrays, key=key_in(results))


def read_examples(results: Results, folder: Path) -> dict[str, Array]:
    """Return a folder's examples; DamagedError unless they are those of its results."""
    return read_arrays(folder / "examples.npz", key_in(results))[0]


def key_in(results: Results) -> str:
    """Return the key of the examples: which member they fool, and how."""
    shown, config = results.examples, results.configuration
    [member] = (
        m for m in results.methods[shown.method].members if m.index == shown.member
    )
    return key_of(config.dataset, shown, config.attacks[shown.attack], member)
