"""The files of results: one a method, with every number of its run.

    results/mnist-full/random-init.json, mixed-models.json, ...

All files of a folder are of the same experiment, and are read together as if one
command had made them. Commands that run different methods, perhaps on different
machines, write different files. `read` refuses a file that doesn't follow schema.py.
Files of another kind, such as strict.py's, stand beside them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from ensembles import METHODS
from minidl.store import check, refused, write_json
from minidl.store.schema import read_as
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.environment import Environment
from tutorials.paper.results.schema import Results

T = TypeVar("T")


def published(name: str) -> Path:
    """Return a folder of results, beside a handout's notebooks or in the repository.

    Raises FileNotFoundError if it is in neither place.
    """
    own = Path("results", name)
    for folder in (own, Path(__file__).parents[3] / own):
        if folder.exists():
            return folder
    raise FileNotFoundError(
        f"{own} is neither in this folder nor in a clone of the repository: "
        "in a clone, python -m tutorials.handout writes it beside the notebooks"
    )


def path_of(folder: Path, method: str, kind: str = "") -> Path:
    """Return the file of a method."""
    return folder / f"{method}{kind}.json"


def methods_in(folder: Path, kind: str = "") -> list[str]:
    """Return the methods that a folder has results of."""
    return [method for method in METHODS if path_of(folder, method, kind).exists()]


def write(results: Results, folder: Path) -> None:
    """Write each method's file into a folder."""
    for method in results.methods:
        write_json(path_of(folder, method), of_method(results, method))


def of_method(results: Results, method: str) -> Results:
    """Return the results of one method, as in its file."""
    seconds = results.execution.member_seconds.get(method, [])
    return replace(
        results,
        configuration=replace(results.configuration, methods=[method]),
        methods={method: results.methods[method]},
        execution=replace(results.execution, member_seconds={method: seconds}),
    )


def read(folder: Path) -> Results:
    """Return a folder's results.

    Raises FileNotFoundError if there are none, DamagedError if a file doesn't follow
    the schema, and ValueError if the files are of different experiments.
    """
    parts = read_files(folder)
    if not parts:
        raise FileNotFoundError(f"no results in {folder}: the verb run makes them")
    return join(parts)


def read_files(folder: Path, config: Configuration | None = None) -> list[Results]:
    """Return the results in the methods' files that exist.

    Raises ValueError, naming the first difference, for a file of another experiment
    than this configuration, or than the first file.
    """
    files = read_parts(Results, folder, check_complete)
    parts = [*files.values()]
    for path, part in files.items():
        asked = config or parts[0].configuration
        check_same_experiment(path, settings(part.configuration), settings(asked))
        check_same_experiment(path, asdict(part.data), asdict(parts[0].data))
    return parts


def read_parts(
    form: type[T], folder: Path, check_whole: Callable[[T], None], kind: str = ""
) -> dict[Path, T]:
    """Return the methods' files that exist; DamagedError for another method's file."""
    parts = {}
    for method in methods_in(folder, kind):
        path = path_of(folder, method, kind)
        part: Any = read_as(form, path)
        with refused(path):
            check([*part.methods] == [method], f"it holds {[*part.methods]}")
            check_whole(part)
        parts[path] = part
    return parts


def settings(config: Configuration) -> dict[str, Any]:
    """Return the settings that all methods of an experiment share."""
    return {name: v for name, v in asdict(config).items() if name != "methods"}


def check_same_experiment(
    place: Path, before: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Raise ValueError, naming the first setting of `now` that differs from before."""
    for name in now:
        if before[name] != now[name]:
            raise ValueError(
                f"{place} holds another experiment: {name} is {before[name]!r}, asked "
                f"for {now[name]!r}; choose another --results, or remove {place}"
            )


def join(parts: Sequence[Results]) -> Results:
    """Return the results of several files as one, with the date of the latest."""
    methods = {method: r for part in parts for method, r in part.methods.items()}
    latest = max((part.execution for part in parts), key=lambda e: e.date)
    seconds = {m: s for part in parts for m, s in part.execution.member_seconds.items()}
    return replace(
        parts[0],
        configuration=replace(parts[0].configuration, methods=list(methods)),
        methods=methods,
        environment=all_environments([part.environment for part in parts]),
        execution=replace(latest, member_seconds=seconds),
    )


def all_environments(parts: Sequence[Environment]) -> Environment:
    """Return one environment whose fields list all different values."""
    names = asdict(parts[0])
    return Environment(
        **{n: " and ".join(dict.fromkeys(getattr(e, n) for e in parts)) for n in names}
    )


def check_complete(results: Results) -> None:
    """Raise an error unless each method has all members and attacks."""
    config = results.configuration
    check(bool(results.data.classes), "it names no classes")
    for method, result in results.methods.items():
        check(result.attacks.keys() == config.attacks.keys(), "it lacks an attack")
        scores = [result.clean, result.clean_attacked]
        for attacked in result.attacks.values():
            scores += [attacked.adv2, *attacked.adv1]
            check(len(attacked.adv1) == config.members, f"{method} lacks scores")
        counts = {len(result.members), *(len(score.members) for score in scores)}
        check(counts == {config.members}, f"{method} lacks members")
        check(all(member.losses for member in result.members), "a member has no loss")
