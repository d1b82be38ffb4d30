"""The engine of all experiments: attack images, and keep each member's predictions.

A case says who attacks whom, and how. It is carried out in blocks of images, on any
worker. Each block's probabilities are kept, (members, N, K). All results are counted
from them: accuracies of the members, of their ensemble and of the first few members'
ensemble, and how many members an image fools. A new experiment is a list of cases,
perhaps with an adversary of its own.

The key of a kept block is made of all that decides its content: the case, the images,
the members' checksums, the test set. Experiments that need the same block share it.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from attacks import bim, fgsm
from minidl.backend import Array, Device, to_device, to_numpy
from minidl.batches import batches, to_float
from minidl.data import CLASS_NAMES, load_dataset
from minidl.layers import Sequential
from minidl.store import check, key_of, read_arrays, refused, write_arrays
from minidl.store.finish import Place, finish
from tutorials.paper.experiment.adversaries import Attack, adversary
from tutorials.paper.experiment.cases import NO_ATTACK, Block, Case, blocks
from tutorials.paper.experiment.counts import Counts, add, count
from tutorials.paper.experiment.members import Team, load_members

K = TypeVar("K")

ATTACKS: dict[str, Any] = {"fgsm": fgsm, "bim": bim}
BATCH_SIZE = 100  # images that are attacked together


def carry_out(
    work: Sequence[Block],
    executor: Executor | int | None = None,
    fresh: bool = False,
    device: Device = "cpu",
    of: Callable[[Array, Array], Any] = count,
) -> list[Any]:
    """Return each block's counts; finished blocks are read, the others carried out.

    `of` computes something else from a block's probabilities (members, N, K) and
    labels (N,).
    """
    report(work, fresh)
    places = [place_of(block) for block in work]
    pieces = dict(zip(places, work, strict=True))  # the same block twice is one piece
    attack = partial(attack_block, device=device)
    done = finish(pieces, attack, read, write, executor, "evaluations", fresh)
    counts = {place: of(p, labels(pieces[place])) for place, p in done}
    return [counts[place] for place in places]


def carry_out_groups(
    groups: Mapping[K, Sequence[Case]],
    team: Team,
    images: int,
    executor: Executor | int | None = None,
    fresh: bool = False,
) -> dict[K, list[Counts]]:
    """Return each case's counts on the first test images, by groups."""
    work = {
        name: [list(blocks(case, team, 0, images)) for case in group]
        for name, group in groups.items()
    }
    every = [block for group in work.values() for case in group for block in case]
    counts = iter(carry_out(every, executor, fresh))
    return {
        name: [add([next(counts) for _ in case]) for case in group]
        for name, group in work.items()
    }


def report(work: Sequence[Block], fresh: bool) -> None:
    """Print how much is finished, and how many bytes all predictions take."""
    folder, found = folder_of(work[0].team), 0 if fresh else finished(work)
    if found:
        print(f"{found} of {len(work)} evaluations found in {folder}")
    megabytes = sum(map(size, work)) / 1e6
    if megabytes >= 1:
        print(
            f"{megabytes:.0f} MB of predictions are kept in {folder}; they may be "
            "removed when the results are written",
            flush=True,
        )


def finished(work: Sequence[Block]) -> int:
    """Return how many blocks have been carried out."""
    places = map(place_of, work)
    return sum(place.path is not None and place.path.exists() for place in places)


def size(block: Block) -> int:
    """Return how many bytes a block's probabilities take."""
    members, images = len(block.team.jobs), block.stop - block.first
    K = len(CLASS_NAMES[block.team.dataset])
    return members * images * K * block.case.bits // 8


def place_of(block: Block) -> Place:
    """Return where a block's probabilities are kept."""
    team = block.team
    images = images_of(team.dataset)
    key = key_of(block.case, block.first, block.stop, team.checksums, images)
    return Place(folder_of(team) / f"{team.method}-{key[:16]}.npz", key)


def folder_of(team: Team) -> Path:
    """Return where all evaluations of a data set's members are kept."""
    return team.folder / team.dataset / "evaluations"


@cache
def images_of(dataset: str) -> str:
    """Return a name that only these test images and labels have."""
    data = load_dataset(dataset)
    return key_of(data.x_test, data.y_test)


def labels(block: Block) -> Array:
    """Return the true labels of a block's images."""
    return load_dataset(block.team.dataset).y_test[block.first : block.stop]


def write(path: Path, p: Array, key: str) -> None:
    """Keep the members' probabilities of a block."""
    write_arrays(path, {"p": p}, key=key)


def read(path: Path, key: str) -> Array:
    """Return kept probabilities; DamagedError for any other file."""
    arrays, _ = read_arrays(path, key)
    with refused(path):
        check(arrays["p"].ndim == 3, "it holds no probabilities of members")
        return arrays["p"]


def attack_block(block: Block, device: Device = "cpu") -> Array:
    """Attack a block's images and return each member's probabilities, (members, N, K).

    `finish` runs it on one thread, so that all workers compute the same bits.
    """
    case, data = block.case, load_dataset(block.team.dataset)
    members = load_members(block.team, case.bits, device)
    parts = []
    for batch in batches(np.arange(block.first, block.stop), BATCH_SIZE):
        x = to_float(to_device(data.x_test[batch], device))
        x = x.astype(f"float{case.bits}", copy=False)
        y = to_device(data.y_test[batch], device)
        x_adv = perturb(case, members[: case.members], x, y)
        parts.append([to_numpy(member.predict_proba(x_adv)) for member in members])
    return np.concatenate(parts, axis=1)


def perturb(case: Case, members: Sequence[Sequential], x: Array, y: Array) -> Array:
    """Return a case's adversarial images."""
    if case.attack == NO_ATTACK:
        return x
    bounds = (0, 1) if case.bounded else None
    attack: Attack = partial(ATTACKS[case.attack], **case.parameters, bounds=bounds)
    return adversary(case.adversary)(members, attack, x, y)
