"""results/anomaly/*.json: what an experiment counted, and on what."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from minidl.files import write_text
from tutorials.anomaly.cases import Outcome
from tutorials.anomaly.directions import Step
from tutorials.paper.results import Environment
from tutorials.paper.schema import build


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
    write_text(path, json.dumps(asdict(record), indent=1, allow_nan=False) + "\n")
    return path


def read(path: Path) -> Record:
    """Return an experiment; ValueError if the file isn't one."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return build(Record, content)
    except ValueError as error:
        raise ValueError(f"{path} is not an experiment's file: {error}") from error
