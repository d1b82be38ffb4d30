"""results/anomaly/*.json: the counts of an experiment, and its settings."""

from dataclasses import dataclass
from pathlib import Path

from minidl.store import check, refused, write_json
from minidl.store.schema import read_as
from tutorials.anomaly.directions import Step
from tutorials.paper.experiment.cases import Case
from tutorials.paper.experiment.environment import Environment


@dataclass(frozen=True)
class Outcome:
    """How many images are classified correctly in one case."""

    case: Case
    images: int
    correct: list[int]  # by the ensembles of the first 1, 2, ... members


@dataclass(frozen=True)
class Record:
    """One experiment's file."""

    experiment: str
    dataset: str
    profile: str
    method: str
    seed: int
    members: int
    images: int  # the first so many test images
    groups: dict[str, list[Outcome]]  # of all experiments but "directions"
    steps: list[Step]  # of "directions"
    environment: Environment


def write(record: Record, folder: Path) -> Path:
    """Write an experiment's file and return its path."""
    path = folder / f"{record.experiment}.json"
    write_json(path, record)
    return path


def read(path: Path) -> Record:
    """Return an experiment; DamagedError if the file isn't the one of its name."""
    record = read_as(Record, path)
    with refused(path):
        check(record.experiment == path.stem, f"it holds {record.experiment}")
    return record
