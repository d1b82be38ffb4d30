"""Attack a trained defence, and count the images that withstand."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from attacks import Threat, evaluate
from attacks.evaluation.outcomes import Evaluation
from ensembles.member_files import TrainedMember
from minidl import accuracy
from minidl.backend import Array
from minidl.data import Dataset
from minidl.parallel import limit_threads
from minidl.store import key_of, plain
from tutorials.defences.parts import held_out
from tutorials.defences.record import Record
from tutorials.defences.rows import Row
from tutorials.defences.settings import Settings
from tutorials.defences.suite import ADAPTIVE, found, suite
from tutorials.paper.experiment.environment import environment
from tutorials.paper.experiment.places import Places
from tutorials.paper.pages.notes import counted

BATCH_SIZE = 50  # images that are attacked together


@dataclass(frozen=True)
class Bench:
    """What all rows of a table share, and what carries out the work."""

    settings: Settings
    data: Dataset
    places: Places
    executor: Executor | None = None

    @property
    def images(self) -> int:
        """How many test images are attacked: none that set a threshold."""
        N = len(self.data.x_test)
        return min(self.settings.strength.images, N - held_out(N))

    @property
    def experiment(self) -> dict[str, Any]:
        """What all files of a table have in common, by the names there."""
        paper = self.settings.paper
        return {
            "dataset": paper.dataset,
            "profile": paper.profile,
            "seed": paper.seed,
            "eps": self.settings.eps,
            "images": self.images,
            "test_images": len(self.data.x_test),
            "attacks": asdict(self.settings.strength),
        }


def measure(
    row: Row, bench: Bench, members: Sequence[TrainedMember], core_hours: float
) -> Record:
    """Attack a defence, and each member alone where the row asks for it."""
    outcomes = (whole := attack(row, bench)).outcomes
    usual = [o.fooled for n, o in outcomes.items() if n != ADAPTIVE]
    own, each = withstood(whole), [withstood(attack(r, bench)) for r in row.singles]
    return Record(
        row.name,
        row.title,
        members=row.members,
        **bench.experiment,
        clean=correct(row, bench),
        correct={n: int((~o.fooled).sum()) for n, o in outcomes.items()},
        usual=int((~np.logical_or.reduce(usual)).sum()),
        worst=int(own.sum()),
        alone=[int(one.sum()) for one in each],
        agreement=agreement(own, each),
        training=plain(row.jobs[0]),
        losses=[member.losses[-1] for member in members],
        core_hours=round(core_hours, 6),
        environment=environment(),
        gradients={n: o.gradients for n, o in outcomes.items()},
    )


def attack(row: Row, bench: Bench) -> Evaluation:
    """Return what all attacks leave of a defence; finished batches are found."""
    strength, threat = bench.settings.strength, Threat("Linf", bench.settings.eps)
    runs, dataset = bench.places.runs, bench.settings.paper.dataset
    name = key_of(row.kind, row.jobs, row.parts, strength)[:16]
    how: Any = {"folder": runs / dataset / "defences" / name, "batch_size": BATCH_SIZE}
    x, y = bench.data.x_test[: bench.images], bench.data.y_test[: bench.images]
    words = f"{row.title}, {counted(row.members, 'network')}"
    print(f"{row.name}: attacking {words}", flush=True)
    make = partial(suite, row, runs, strength)
    return evaluate(make, x, y, threat, **how, executor=bench.executor)


def withstood(evaluation: Evaluation) -> Array:
    """Tell which images withstand all attacks. Shape (N,)."""
    return ~evaluation.fooled_by_any()


def agreement(own: Array, each: Sequence[Array]) -> list[list[int]]:
    """Return how many members withstand, on images where the ensemble falls or not.

    Shapes: own and each member's (N,) bool; the result (2, members + 1) counts images.
    """
    if not each:
        return []
    members, bins = np.sum(each, axis=0), len(each) + 1
    return [np.bincount(members[rows], minlength=bins).tolist() for rows in (~own, own)]


def correct(row: Row, bench: Bench) -> int:
    """Return how many of all test images are classified correctly without attack."""
    x, y = bench.data.x_test, bench.data.y_test
    classifier = found(row, bench.places.runs, bench.settings.strength).classifier
    with limit_threads(1):
        return round(len(x) * accuracy(classifier, x, y, 250))
