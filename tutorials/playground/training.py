"""Training of the page's networks: a small twin of Table 1, twenty times.

Table 1's layers with 8 filters and 32 hidden units have 37,890 parameters. Ten members
differ in their initial weights, ten more also in the Gaussian noise on their images.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ensembles.architectures import SMALL, build_architecture
from ensembles.jobs import TABLE_OF
from ensembles.methods import add_noise
from minidl.backend import Array
from minidl.data import load_dataset
from minidl.layers import Sequential
from minidl.optimizers import Adam
from minidl.parallel import limit_threads
from minidl.store import key_of, read_arrays, write_arrays
from minidl.store.finish import Place, finish
from minidl.training import train

SIGMA = {"plain": 0.0, "noise": 0.1}  # of the noise on each committee's images
MEMBERS = 10
EPOCHS, BATCH, LR = 5, 64, 2e-3

Member = tuple[str, int]  # the committee's name, and its number there


def small_twin(rng: np.random.Generator) -> Sequential:
    """Return Table 1 with a quarter of its filters and hidden units."""
    return build_architecture(TABLE_OF["mnist"] + SMALL, rng)


def train_all(runs: Path, workers: int) -> dict[Member, list[Array]]:
    """Return all members' parameters; those kept in the folder aren't trained again."""
    members = [(name, i) for name in SIGMA for i in range(MEMBERS)]
    places = {place_of(member, runs): member for member in members}
    done = finish(places, train_one, read, write, workers, "members trained")
    found = {places[place]: params for place, params in done}
    return {member: found[member] for member in members}


def place_of(member: Member, runs: Path) -> Place:
    """Return where a member's parameters are kept."""
    name, i = member
    key = key_of([name, i, SIGMA[name], EPOCHS, BATCH, LR])
    return Place(runs / f"{name}-{i}.npz", key)


def train_one(member: Member) -> list[Array]:
    """Train one member on all of MNIST, from its own seed."""
    name, i = member
    rng = np.random.default_rng([[*SIGMA].index(name), i])
    data, model = load_dataset("mnist"), small_twin(rng)
    x = add_noise(data.x_train, SIGMA[name], rng) if SIGMA[name] else data.x_train
    with limit_threads(1):
        train(model, x, data.y_train, Adam(model.params, LR), EPOCHS, BATCH, rng)
    return [p.data for p in model.params]


def write(path: Path, params: Sequence[Array], key: str) -> None:
    """Keep parameters."""
    write_arrays(path, {str(i): p for i, p in enumerate(params)}, key=key)


def read(path: Path, key: str) -> list[Array]:
    """Return kept parameters."""
    arrays, _ = read_arrays(path, key)
    return [arrays[str(i)] for i in range(len(arrays))]
