"""Attack with all labels, as stated and times s, and count: Table 2 for each reading.

results/labels/mnist-full/random-init.json
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

from ensembles import METHODS
from minidl.store import check, refused
from minidl.store.schema import read_as
from tutorials.anomaly.labels.scale import SCALE, Scale, read_scale, scaled
from tutorials.anomaly.labels.walks import Walk
from tutorials.anomaly.plan import Plan, shared
from tutorials.paper.experiment.attack import carry_out_groups
from tutorials.paper.experiment.cases import Case, adv1, adv2
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.environment import Environment
from tutorials.paper.experiment.labels import RULES, in_one_step
from tutorials.paper.experiment.members import Team
from tutorials.paper.results.files import check_same_experiment
from tutorials.paper.results.table2 import Cell, mean_cell

Attacked = tuple[str, str, bool]  # attack, rule of the label, times s or not


@dataclass(frozen=True)
class Right:
    """How many images stay right when both adversaries follow one rule."""

    attack: str
    rule: str
    scaled: bool
    single: list[int]  # each member under its own gradient
    adv1: list[int]  # the ensemble under each member's gradient
    adv2: int  # the ensemble under the sum of gradients


@dataclass(frozen=True)
class Labels:
    """One method's file."""

    configuration: Configuration  # of this method
    images: int  # the first so many test images
    s: float
    right: list[Right]
    walks: list[Walk]
    environment: Environment

    @property
    def method(self) -> str:
        """The only method."""
        return self.configuration.methods[0]

    @cached_property
    def found(self) -> dict[Attacked, Right]:
        """The counts by attack, rule and scale."""
        return {(r.attack, r.rule, r.scaled): r for r in self.right}

    def cells(self, attack: str, one: str, two: str, scaled: bool) -> dict[str, Cell]:
        """Return Table 2's columns for rules of Adv. 1 and Adv. 2."""
        if attack == "fgsm":
            one, two = in_one_step(one), in_one_step(two)
        own, other = (self.found[attack, rule, scaled] for rule in (one, two))
        columns = {
            "adv1_single": own.single,
            "adv1_ensemble": own.adv1,
            "adv2_ensemble": [other.adv2],
        }
        n = self.images
        return {c: mean_cell([k / n for k in v], n) for c, v in columns.items()}


def attacked() -> Iterator[Attacked]:
    """Yield all attacks that differ: in one step some rules are the same."""
    for times_s, rule in product((False, True), RULES):
        yield "bim", rule, times_s
        if in_one_step(rule) == rule:
            yield "fgsm", rule, times_s


def cases_of(
    config: Configuration, members: int, s: float
) -> dict[Attacked, list[Case]]:
    """Return Adv. 1 with each member's gradient, then Adv. 2, for each attack."""
    cases = {}
    for attack, rule, times_s in attacked():
        parameters = scaled(config.attacks[attack], s if times_s else 1.0)
        own = attack, parameters, members, rule
        cases[attack, rule, times_s] = [*adv1(*own), adv2(*own)]
    return cases


def count_right(plan: Plan, team: Team, s: float) -> list[Right]:
    """Return the counts of all attacks that differ."""
    cases = cases_of(plan.config, len(team.jobs), s)
    counted = carry_out_groups(cases, team, plan.images, plan.jobs, plan.fresh)
    found = []
    for key, (*each, together) in counted.items():
        single = [total.members[i] for i, total in enumerate(each)]
        ensembles = [total.ensembles[-1] for total in each]
        found.append(Right(*key, single, ensembles, together.ensembles[-1]))
    return found


def read_labels(path: Path) -> Labels:
    """Return a method's file; DamagedError if it isn't, or lacks an attack."""
    labels = read_as(Labels, path)
    with refused(path):
        check([path.stem] == labels.configuration.methods, "it holds another method")
        check({*labels.found} == {*attacked()}, "it lacks an attack")
    return labels


def read_files(folder: Path) -> list[Labels]:
    """Return the methods' files; ValueError if they or s are of two experiments."""
    every = files_in(folder)
    made = {p: shared(f.configuration, f.images) | {"s": f.s} for p, f in every.items()}
    for path, there in made.items():
        check_same_experiment(path, there, next(iter(made.values())))
    return [file for file in every.values() if isinstance(file, Labels)]


def check_others(folder: Path, plan: Plan) -> None:
    """Raise ValueError if a folder holds another experiment: all share one s."""
    now = shared(plan.config, plan.images)
    for path, file in files_in(folder).items():
        check_same_experiment(path, shared(file.configuration, file.images), now)


def files_in(folder: Path) -> dict[Path, Scale | Labels]:
    """Return what a folder's files hold, scale.json's first."""
    files: dict[Path, Scale | Labels] = {}
    if (path := folder / SCALE).exists():
        files[path] = read_scale(path)
    return files | {path: read_labels(path) for path in method_files(folder)}


def method_files(folder: Path) -> list[Path]:
    """Return the files of methods in a folder."""
    return [path for m in METHODS if (path := folder / f"{m}.json").exists()]
