"""python -m tutorials.playground.export: train the networks, make the page's numbers.

It needs MNIST, and an hour or two of one core. Finished networks and counts are kept in
the folder of runs, and the same command continues. The page is made of the two files
networks.npz and numbers.json.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ensembles import Ensemble
from minidl.backend import Array
from minidl.data import load_dataset
from minidl.layers import Sequential
from minidl.store import write_json
from minidl.training import accuracy
from tutorials.command_line import (
    a_path,
    number_of_processes,
    one_line_errors,
    parser_of,
    runs_folder,
)
from tutorials.playground.levels import LEVELS, describe, opening
from tutorials.playground.networks import FILE, committee, pack, stored
from tutorials.playground.page import NUMBERS
from tutorials.playground.table import table
from tutorials.playground.training import SIGMA, Member, small_twin, train_all


def main(argv: list[str] | None = None) -> None:
    """Train, attack, and write both files."""
    parser = parser_of("tutorials.playground.export", __doc__)
    parser.add_argument("--jobs", type=number_of_processes, default=1)
    parser.add_argument("--runs", type=a_path, help="(default: the user's cache)")
    args = parser.parse_args(argv)
    with one_line_errors(parser.prog, lambda: "the same command continues"):
        runs = args.runs or runs_folder() / "playground"
        trained = train_all(runs, args.jobs)
        pack(trained)
        stored.cache_clear()
        print(f"{FILE} written", flush=True)
        teams = {name: committee(name) for name in SIGMA}
        numbers = {
            "accuracies": accuracies(trained, teams),
            "start": opening(teams["plain"]),
            "levels": [describe(level, teams[level.setting.net]) for level in LEVELS],
            "table": table(runs, args.jobs),
        }
        write_json(NUMBERS, numbers)
        print(f"{NUMBERS} written")


def accuracies(
    trained: Mapping[Member, Sequence[Array]], teams: Mapping[str, list[Sequential]]
) -> dict[str, dict[str, float]]:
    """Return each committee's accuracies on all of MNIST's test images."""
    data = load_dataset("mnist")
    x, y = data.x_test, data.y_test
    found = {}
    for name, team in teams.items():
        exact = [with_weights(trained[name, i]) for i in range(len(team))]
        team = [member.astype(np.float32) for member in team]
        before, after = ([accuracy(m, x, y) for m in group] for group in (exact, team))
        found[name] = {
            "float32": float(np.mean(before)),
            "int8": float(np.mean(after)),
            "largest loss": float(np.subtract(before, after).max()),
            "together": accuracy(Ensemble(team), x, y),
        }
    return found


def with_weights(params: Sequence[Array]) -> Sequential:
    """Return the network with these parameters."""
    model = small_twin(np.random.default_rng(0))
    for p, data in zip(model.params, params, strict=True):
        p.data[...] = data
    return model


if __name__ == "__main__":
    main()
