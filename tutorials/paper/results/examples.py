"""Figure 1's images: one image of each class, before and after an attack."""

from pathlib import Path

import numpy as np

from attacks import model_gradient
from minidl.backend import Array, Device, to_device, to_numpy
from minidl.batches import batches, to_float
from minidl.data import load_dataset
from minidl.layers import Sequential
from minidl.store import key_of, read_arrays, write_arrays
from tutorials.paper.experiment.attack import ATTACKS, BATCH_SIZE
from tutorials.paper.experiment.config import Parameters
from tutorials.paper.experiment.members import Team, load_members
from tutorials.paper.results.schema import Results


def make_examples(
    team: Team, attack: str, parameters: Parameters, device: Device = "cpu"
) -> dict[str, Array]:
    """Return images that the first member classifies correctly, and attack them.

    Shapes: x and x_adv (N, H, W, C), y and predicted (N,); N <= K, one image a class.
    """
    data, model = load_dataset(team.dataset), load_members(team, device=device)[0]
    chosen = first_correct(model, data.x_test, data.y_test, device)
    x = to_float(to_device(data.x_test[chosen], device))
    y = to_device(data.y_test[chosen], device)
    x_adv = ATTACKS[attack](model_gradient(model), x, y, **parameters)
    arrays = {"x": x, "x_adv": x_adv, "y": y, "predicted": model.predict(x_adv)}
    return {name: to_numpy(array) for name, array in arrays.items()}


def first_correct(
    model: Sequential, x: Array, y: Array, device: Device = "cpu"
) -> list[int]:
    """Return the index of each class's first image that is classified correctly.

    They are in the order of classes; a class may have none.
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
    """Write the examples of the results' first method into a folder."""
    write_arrays(path_of(results, folder), arrays, key=key_in(results))


def read_examples(results: Results, folder: Path) -> dict[str, Array]:
    """Return a folder's examples; DamagedError for those of other results."""
    return read_arrays(path_of(results, folder), key_in(results))[0]


def path_of(results: Results, folder: Path) -> Path:
    """Return the file of the examples of the results' first method."""
    return folder / f"{results.examples.method}-examples.npz"


def key_in(results: Results) -> str:
    """Return the key of the examples: the member that is attacked, and the attack."""
    shown, config = results.examples, results.configuration
    member = results.methods[shown.method].members[shown.member]
    return key_of(config.dataset, shown, config.attacks[shown.attack], member)
