"""Methods that were run by several commands, in one results.json.

Four methods of ten members each take hours: each may be run by a command of its own,
and joins the others if nothing but the methods differs between them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ensembles import METHODS
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.results import Environment, Execution, Results, read
from tutorials.paper.results.table2 import table2

AND = " and "


def earlier(folder: Path, config: Configuration) -> Results | None:
    """Return the results that a folder holds, or None.

    Raises ValueError, naming the first difference, if they are another experiment's.
    """
    path = folder / "results.json"
    if not path.exists():
        return None
    results = read(folder)
    before, now = asdict(results.configuration), asdict(config)
    check_same_experiment(path, before, now | {"methods": before["methods"]})
    return results


def check_same_experiment(
    place: Path, before: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Raise ValueError, naming the first setting of `now` that is another before."""
    for name in now:
        if before[name] != now[name]:
            raise ValueError(
                f"{place} holds another experiment: {name} is {before[name]!r}, asked "
                f"for {now[name]!r}; choose another --results, or remove this"
            )


def merge(before: Results, now: Results, fresh: bool = False) -> Results:
    """Return both in one: of a method that both have, the numbers of now.

    But times and machines of both, which made them together: a command that is
    repeated finds all work finished. `fresh` ones have done all of theirs again.
    """
    if redone(before.methods, now.methods, fresh):
        return now
    found = before.methods | now.methods
    methods = {name: found[name] for name in METHODS if name in found}
    # Figure 1 keeps its member, unless that was run again.
    shown_again = before.examples.method in now.methods
    examples = now.examples if shown_again else before.examples
    execution = Execution(
        date=now.execution.date,
        seconds=round(before.execution.seconds + now.execution.seconds, 1),
        jobs=now.execution.jobs,
        member_seconds=before.execution.member_seconds | now.execution.member_seconds,
    )
    return replace(
        now,
        configuration=replace(now.configuration, methods=list(methods)),
        methods=methods,
        table2=table2(methods),
        examples=examples,
        environment=both_environments(before.environment, now.environment),
        execution=execution,
    )


def redone(before: Iterable[str], now: Iterable[str], fresh: bool) -> bool:
    """Return whether nothing is left of the methods that were there before."""
    return fresh and {*before} <= {*now}


def both_environments(before: Environment, now: Environment) -> Environment:
    """Return both in one: of each version and machine, all that there were."""
    earlier, later = asdict(before), asdict(now)
    return Environment(
        **{
            name: AND.join(dict.fromkeys([*earlier[name].split(AND), later[name]]))
            for name in earlier
        }
    )
