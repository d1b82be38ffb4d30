"""One results file a defence: counts of images, from which the table is derived.

results/defences/mnist-full/pgd-5.json
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attacks.evaluation.intervals import Estimate, wilson
from minidl.store import check, refused, to_json, write_json
from minidl.store.schema import read_as
from tutorials.defences.suite import ADAPTIVE, BIM, FGSM
from tutorials.paper.experiment.environment import Environment, check_text
from tutorials.paper.results.files import check_same_experiment

FOLDER = Path("results/defences")


@dataclass(frozen=True)
class Record:
    """What all attacks within eps left of one defence."""

    defence: str
    title: str
    dataset: str
    profile: str
    seed: int
    members: int
    eps: float
    images: int  # attacked: the first so many of the test set
    test_images: int
    clean: int  # of all test images, classified correctly
    correct: dict[str, int]  # of the attacked ones, under each attack
    usual: int  # under the worst attack for each image, without the adaptive one
    worst: int  # under the worst of all attacks for each image
    alone: list[int]  # each member's own `worst`, attacked alone; may be missing
    agreement: list[list[int]]  # images by how many members (0, 1, ...) withstand their
    # own attacks: those on which the ensemble falls to its attacks, then the others
    training: dict[str, Any]  # of the first member
    attacks: dict[str, Any]  # how long they searched
    losses: list[float]  # each member's last J, which identifies the member
    core_hours: float  # of training
    environment: Environment
    gradients: dict[str, int] = field(default_factory=dict)  # by attack, an image each

    def __post_init__(self) -> None:
        check_text(self.title, self.dataset, self.profile, *self.correct)
        counts = [*self.correct.values(), self.usual, self.worst, *self.alone]
        check(all(0 <= n <= self.images for n in counts), "it counts other images")
        check(0 <= self.clean <= self.test_images, "it counts other test images")
        check({FGSM, BIM, ADAPTIVE} <= self.correct.keys(), "it lacks an attack")
        check(self.usual <= min(self.usuals), "its usual worst case is above an attack")
        least = min(self.usual, self.correct[ADAPTIVE])
        check(self.worst <= least, "its worst case is above an attack")
        members = [sum(both) for both in zip(*self.agreement, strict=True)]
        withstood = sum(k * count for k, count in enumerate(members))
        check(withstood == sum(self.alone), "its members agree on other images")
        ensemble = [sum(counts) for counts in self.agreement]
        expected = [self.images - self.worst, self.worst] if self.alone else []
        check(ensemble == expected, "its ensemble agrees on other images")

    @property
    def usuals(self) -> list[int]:
        """The counts under each attack except the adaptive one."""
        return [n for name, n in self.correct.items() if name != ADAPTIVE]

    def accuracy(self, count: int) -> Estimate:
        """Return a count of attacked images as a fraction, with its interval."""
        return wilson(count / self.images, self.images)

    @property
    def columns(self) -> dict[str, Estimate]:
        """The table's accuracies, with their intervals."""
        counts = {
            FGSM: self.correct[FGSM],
            BIM: self.correct[BIM],
            "usual, worst case": self.usual,
            "adaptive attack": self.correct[ADAPTIVE],
            "all, worst case": self.worst,
        }
        clean = wilson(self.clean / self.test_images, self.test_images)
        return {"clean": clean} | {n: self.accuracy(c) for n, c in counts.items()}

    @property
    def adversarial(self) -> bool:
        """Whether its networks were trained on attacked images."""
        return bool(self.training.get("perturb"))


def folder_of(dataset: str, profile: str) -> Path:
    """Return where a table's files lie by default."""
    return FOLDER / f"{dataset}-{profile}"


def path_of(folder: Path, name: str) -> Path:
    """Return a defence's file."""
    return folder / f"{name}.json"


def write(record: Record, folder: Path) -> None:
    """Write a defence's file."""
    write_json(path_of(folder, record.defence), record)


def read_all(folder: Path) -> list[Record]:
    """Return all records in a folder, as `read` does; none if there is no folder."""
    return read(folder, sorted(path.stem for path in folder.glob("*.json")))


def read(folder: Path, names: Sequence[str]) -> list[Record]:
    """Return a folder's files of these defences, as far as there are any.

    Raises DamagedError for a file that isn't one, and ValueError for files of
    different experiments, or of members that share a job and aren't the same.
    """
    found: list[Record] = []
    first: dict[str, float] = {}
    for path in (path_of(folder, name) for name in names):
        if path.exists():
            record = read_as(Record, path)
            with refused(path):
                check(record.defence == path.stem, f"it holds {record.defence}")
            check_same_experiment(
                path, vars(record), shared(found[0] if found else record)
            )
            loss = first.setdefault(to_json(record.training), record.losses[0])
            check_same_experiment(path, {"J": record.losses[0]}, {"J": loss})
            found.append(record)
    return found


def shared(record: Record) -> dict[str, Any]:
    """Return what all files of a folder have in common."""
    names = ("dataset", "profile", "seed", "eps", "images", "test_images", "attacks")
    return {name: getattr(record, name) for name in names}
