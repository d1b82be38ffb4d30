"""What there is to measure, and the order of it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minidl.progress import progress
from tests.benchmarks import attacks, layers, networks, processes, profile
from tests.benchmarks.cli import Options
from tests.benchmarks.problems import NETWORKS


class Section(NamedTuple):
    """The units of a section, and the function that returns a unit's figures."""

    measure: Callable[[Any, Options], dict[str, Any]]
    units: Sequence[Any] = tuple(NETWORKS)


SECTIONS = {
    "layers": Section(layers.measure, layers.LAYERS),
    "networks": Section(networks.measure),
    "attacks": Section(attacks.measure),
    "memory": Section(processes.memory),
    "members": Section(processes.members),
    "scaling": Section(processes.scaling),
    "cold_start": Section(processes.cold_start),
    "profile": Section(profile.measure),
}


def measure(options: Options) -> dict[str, list[dict[str, Any]]]:
    """Return the figures of all units of the chosen sections."""
    figures: dict[str, list[dict[str, Any]]] = {s: [] for s in options.sections}
    jobs = [(s, unit) for s in options.sections for unit in SECTIONS[s].units]
    for section, unit in progress(jobs, len(jobs), "benchmarks"):
        figures[section].append(SECTIONS[section].measure(unit, options))
    return figures
