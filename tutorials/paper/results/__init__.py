"""results.json: every number of a run, in one schema for all data sets and profiles.

The schema is the dataclasses of this file, one JSON object each, with their fields as
keys; `read` refuses a file that is anything else. (An older file may lack
`data.differences`.) Accuracies are fractions in [0, 1].

    sha256           the checksum of all the rest, see minidl.store
    schema           the version of this schema, 1
    configuration    what decides the numbers: see config.Configuration
    data             sizes of the data set, and the names of its classes
    methods          by method: its members, and their accuracies; see MethodResult
    table2           by attack, method and column of Table 2: see Cell; made from
                     `methods`, and all that table, figures and claims read
    examples         whose adversarial images examples.npz holds (Figure 1)
    environment      versions and machine
    execution        date, seconds and places: nothing else differs between two runs
                     of one configuration on one machine
"""

from dataclasses import dataclass, field
from pathlib import Path

from minidl.schema import read_as
from minidl.store import check, refused, write_json
from tutorials.paper.experiment.config import Configuration

SCHEMA = 1


@dataclass(frozen=True)
class Data:
    """The data set's sizes and class names, and how its files differ from the usual."""

    train_images: int
    test_images: int
    classes: list[str]
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Member:
    """One trained classifier: what it is, and the mean of J in each epoch."""

    index: int
    seed: int
    architecture: str
    losses: list[float]


@dataclass(frozen=True)
class Score:
    """The same images, clean or perturbed, shown to all members and their ensemble."""

    images: int
    members: list[float]  # accuracy of each
    ensemble: float
    fooled: list[int]  # images on which exactly 0, 1, ... members are wrong

    def __post_init__(self) -> None:
        check_accuracies([*self.members, self.ensemble])
        if len(self.fooled) != len(self.members) + 1 or sum(self.fooled) != self.images:
            raise ValueError(
                f"fooled must count {self.images} images for 0 to {len(self.members)} "
                f"members, got {self.fooled}"
            )


@dataclass(frozen=True)
class AttackResult:
    """One attack on one method's members."""

    adv1: list[Score]  # under the gradient of member 0, 1, ...
    adv2: Score  # under the sum of all gradients


@dataclass(frozen=True)
class MethodResult:
    """One of the paper's four methods."""

    members: list[Member]
    clean: Score  # on all test images: Table 2's "No Attack"
    clean_attacked: Score  # on those test images that are attacked, before the attack
    attacks: dict[str, AttackResult]


@dataclass(frozen=True)
class Cell:
    """One number of Table 2, and the accuracies that it is the mean of.

    These are of each member, or of the ensemble under each member's gradient; there
    is only one for the ensemble on clean images and under Adv. 2.
    """

    accuracy: float
    mean_of: list[float]
    images: int

    def __post_init__(self) -> None:
        check_accuracies([*self.mean_of, self.accuracy])


@dataclass(frozen=True)
class Examples:
    """Figure 1's attack: one image a class, against a single member."""

    method: str
    member: int
    attack: str


@dataclass(frozen=True)
class Environment:
    """What the numbers may depend on in their last digits."""

    minidl: str
    python: str
    numpy: str
    numba: str
    system: str
    cpu: str


@dataclass(frozen=True)
class Execution:
    """When and how fast it ran; the numbers don't depend on it."""

    date: str  # of the end, UTC
    seconds: float  # of finished commands; members and evaluations found cost nothing
    jobs: int
    member_seconds: dict[str, list[float]]  # by method: training time of each member

    @property
    def core_hours(self) -> float:
        """How long one core would have trained all members."""
        return sum(map(sum, self.member_seconds.values())) / 3600


@dataclass(frozen=True)
class Results:
    """The whole file."""

    schema: int
    configuration: Configuration
    data: Data
    methods: dict[str, MethodResult]
    table2: dict[str, dict[str, dict[str, Cell]]]
    examples: Examples
    environment: Environment
    execution: Execution

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema must be {SCHEMA}, got {self.schema}")


def check_accuracies(values: list[float]) -> None:
    """Raise ValueError unless all values are fractions."""
    if not all(0 <= value <= 1 for value in values):
        raise ValueError(f"accuracies must be in [0, 1], got {values}")


def write(results: Results, folder: Path) -> None:
    """Write results.json into a folder."""
    write_json(folder / "results.json", results)


def read(folder: Path) -> Results:
    """Return a folder's results; DamagedError if the file doesn't follow the schema."""
    path = folder / "results.json"
    results = read_as(Results, path)
    with refused(path):
        check_complete(results)
    return results


def check_complete(results: Results) -> None:
    """Raise an error unless all methods have all members, attacks and cells."""
    config = results.configuration
    check(bool(results.data.classes), "it names no classes")
    for method in {*config.methods, *results.methods}:
        result = results.methods[method]
        scores = [result.clean, result.clean_attacked]
        for attack in {*config.attacks, *results.table2}:
            of_attack, _ = result.attacks[attack], results.table2[attack][method]
            scores += [of_attack.adv2, *of_attack.adv1]
            check(len(of_attack.adv1) == config.members, f"{method} lacks scores")
        counts = {len(result.members), *(len(score.members) for score in scores)}
        check(counts == {config.members}, f"{method} lacks members")
        check(all(member.losses for member in result.members), "a member has no loss")
