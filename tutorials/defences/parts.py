"""What defences train beside members: a student, an autoencoder, a detector's head.

Each part belongs to one member. Any worker trains it, and a part that is interrupted
continues after its latest epoch. It is kept beside the members, under a key of
everything that determines it.
"""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from attacks import model_gradient
from attacks.bim import bim
from ensembles import MemberJob
from ensembles.architectures import build_architecture
from ensembles.member_files import load_member
from minidl.backend import Array
from minidl.batches import batches, to_float
from minidl.data import Dataset, load_dataset
from minidl.layers import Layer, Sequential
from minidl.store import key_of, read_arrays, refused, to_json, write_arrays
from minidl.store.finish import Place
from tutorials.defences.denoised import autoencoder, trained_autoencoder
from tutorials.defences.detector import head_on, trained_detector
from tutorials.defences.distilled import distil
from tutorials.defences.kept import Kept, Train, drop

DEPTH = -2  # a detector's head reads the input of the last two layers
ATTACKED = 10_000  # the head learns from so many training images, clean and attacked
VALIDATION = 1000  # at most so many test images, the last, set the head's threshold


@dataclass(frozen=True)
class Part:
    """What is to be trained: KINDS[kind], for a member."""

    kind: str
    member: MemberJob
    eps: float  # of the attacks that a detector's head learns from

    def generator(self) -> np.random.Generator:
        """Return the part's own generator."""
        return np.random.default_rng([self.member.seed, *self.kind.encode()])


@dataclass(frozen=True)
class Trained:
    """A trained part: parameters, a threshold if it has one, and seconds."""

    params: list[Array]
    threshold: float
    seconds: float


def place_of(part: Part, folder: Path) -> Place:
    """Return where a trained part is kept."""
    name = hashlib.sha256(to_json(part).encode()).hexdigest()[:12]
    file = f"{part.kind}-{part.member.index}-{name}.npz"
    return Place(folder / part.member.dataset / "defences" / file, key_of(part))


def write(path: Path, trained: Trained, key: str) -> None:
    """Keep a trained part."""
    arrays = {f"param.{i}": p for i, p in enumerate(trained.params)}
    facts = {"threshold": trained.threshold, "seconds": trained.seconds}
    write_arrays(path, arrays, facts, key)
    drop(path)


def read(path: Path, key: str) -> Trained:
    """Return a trained part; DamagedError for a file that holds anything else."""
    arrays, facts = read_arrays(path, key)
    drop(path)  # its writer may have been killed before it did
    with refused(path):
        params = [arrays[f"param.{i}"] for i in range(len(arrays))]
        return Trained(params, float(facts["threshold"]), float(facts["seconds"]))


def images_of(member: MemberJob) -> tuple[Array, Array, Dataset]:
    """Return a member's training images and labels, and the data set."""
    data = load_dataset(member.dataset)
    count = member.train_images
    return data.x_train[:count], data.y_train[:count], data


def train(part: Part, folder: Path) -> Trained:
    """Train a part, on one thread as all jobs are."""
    path, key = place_of(part, folder)
    assert path is not None
    kept = Kept(path, key)
    layer, threshold = KINDS[part.kind](part, folder, kept.train)
    return Trained([p.data for p in layer.params], threshold, kept.seconds)


def student(part: Part, folder: Path, train: Train) -> tuple[Layer, float]:
    """A student of a teacher, both of the member's architecture."""
    x, y, _ = images_of(part.member)
    job = part.member
    build = partial(build_architecture, job.architecture)
    how: Any = {"epochs": min(10, job.epochs), "batch_size": job.batch_size}
    how |= {"lr": job.lr, "train": train}
    return distil(build, x, y, part.generator(), **how), 0.0


def encoder(part: Part, folder: Path, train: Train) -> tuple[Layer, float]:
    """An autoencoder that removes noise of standard deviation eps."""
    x, _, _ = images_of(part.member)
    how: Any = {
        "epochs": min(5, part.member.epochs),
        "batch_size": part.member.batch_size,
        "train": train,
    }
    return trained_autoencoder(x, part.generator(), part.eps, **how), 0.0


def head(part: Part, folder: Path, train: Train) -> tuple[Layer, float]:
    """A detector's head on the member, which learns from BIM on the member."""
    x, y, data = images_of(part.member)
    model = load_member(part.member, folder)
    x, y = to_float(x[:ATTACKED]), y[:ATTACKED]
    gradient, how = model_gradient(model), (part.eps, part.eps / 4, 8)
    rows = batches(np.arange(len(x)), 100)
    x_adv = np.concatenate([bim(gradient, x[r], y[r], *how) for r in rows])
    unseen = data.x_test[-held_out(len(data.x_test)) :]
    own = model, DEPTH, x, x_adv, unseen, part.generator()
    found = trained_detector(*own, train=train)
    return found.head, found.threshold


def held_out(test_images: int) -> int:
    """Return how many test images, the last, set the head's threshold: a fifth."""
    return min(VALIDATION, test_images // 5)


KINDS = {"student": student, "encoder": encoder, "head": head}


def untrained(part: Part, model: Sequential) -> Sequential:
    """Return the part's network, for the classifier that it belongs to."""
    rng = part.generator()
    if part.kind == "student":
        return build_architecture(part.member.architecture, rng)
    if part.kind == "encoder":
        return autoencoder(model.input_shape, rng)
    return head_on(model.shapes[DEPTH - 1], rng)


def load(part: Part, model: Sequential, folder: Path) -> tuple[Sequential, float]:
    """Return a trained part's network, and its threshold."""
    path, key = place_of(part, folder)
    assert path is not None
    trained, network = read(path, key), untrained(part, model)
    for p, data in zip(network.params, trained.params, strict=True):
        p.data[...] = data
    return network, trained.threshold
