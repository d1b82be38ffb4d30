"""The content of a file of results, as dataclasses.

A method's file is `Results` with that method alone, in JSON, one schema for all data
sets and profiles. Accuracies are fractions in [0, 1].

    sha256           the checksum of everything else, see minidl.store
    schema           the version of this schema, 2
    configuration    what decides the numbers: see config.Configuration
    data             sizes of the data set, and the names of its classes
    methods          by method: its members, and their accuracies; see MethodResult
    environment      versions and machine
    execution        date and seconds: nothing else differs between two runs of one
                     configuration on one machine

Table 2 is derived (table2.py).
"""

from dataclasses import dataclass, field
from functools import cached_property

from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.environment import Environment, check_text
from tutorials.paper.results.scores import MethodResult
from tutorials.paper.results.table2 import Table2, table2

SCHEMA = 2


@dataclass(frozen=True)
class Data:
    """The data set's sizes and class names, and differences from published files."""

    train_images: int
    test_images: int
    classes: list[str]
    differences: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_text(*self.classes, *self.differences)


@dataclass(frozen=True)
class Examples:
    """Figure 1's attack on one image a class, against a single member."""

    method: str
    member: int
    attack: str


@dataclass(frozen=True)
class Execution:
    """When and how fast it ran; the numbers don't depend on it."""

    date: str  # of the end, UTC
    seconds: float  # of the command, which doesn't repeat finished work
    jobs: int
    member_seconds: dict[str, list[float]]  # by method: training time of each member

    def __post_init__(self) -> None:
        check_text(self.date, *self.member_seconds)

    @property
    def core_hours(self) -> float:
        """How many hours one core takes to train all members."""
        return sum(map(sum, self.member_seconds.values())) / 3600


@dataclass(frozen=True)
class Results:
    """A method's file, or all files of a folder together."""

    schema: int
    configuration: Configuration
    data: Data
    methods: dict[str, MethodResult]
    environment: Environment
    execution: Execution

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema must be {SCHEMA}, got {self.schema}")

    @cached_property
    def table2(self) -> Table2:
        """Table 2's cells, by attack, method and column."""
        return table2(self.methods)

    @property
    def examples(self) -> Examples:
        """Figure 1's member and attack: the first method's first member, and BIM."""
        attacks = self.configuration.attacks
        attack = "bim" if "bim" in attacks else next(iter(attacks))
        return Examples(next(iter(self.methods)), 0, attack)
