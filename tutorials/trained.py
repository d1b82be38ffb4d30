"""Networks that several chapters use: trained once, then kept in the user's cache.

They are the members that `make paper` trains on the embedded images, so that whoever
has run that has them already, and the numbers of the chapters are those of its table.

    python -m tutorials.trained 3 bagging    trains what is missing of three members
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from ensembles import METHODS, MemberJob, train_ensemble
from ensembles.member_files import member_path
from minidl import Sequential
from minidl.data.places import cache_folder
from minidl.files import check_writable
from minidl.processes import end_after
from tutorials.command_line import (
    number_of_members,
    one_line_errors,
    parser_of,
    runs_folder,
)
from tutorials.paper.experiment.config import PROFILES, configure
from tutorials.paper.experiment.members import member_jobs

MEMBERS = PROFILES["quick"].members


def network() -> Sequential:
    """Return the first network with random initial weights: the paper's Table 1."""
    [model] = trained(["random-init"], members=1)["random-init"]
    return model


def ensemble(method: str = "random-init") -> tuple[Sequential, ...]:
    """Return three members of one of the paper's methods."""
    return ensembles(method)[method]


def ensembles(*methods: str) -> dict[str, tuple[Sequential, ...]]:
    """Return three members of each method; the first time it trains them."""
    return trained(methods, MEMBERS)


def trained(methods: Iterable[str], members: int) -> dict[str, tuple[Sequential, ...]]:
    """Return so many members of each method.

    What is missing is trained by another program, which uses all cores: processes that
    this one starts would begin by running the script that asks for the networks.
    """
    jobs, runs = jobs_of(methods, members), runs_folder()
    every = [job for team in jobs.values() for job in team]
    if not all(member_path(job, runs).exists() for job in every):
        command = [sys.executable, "-m", "tutorials.trained", str(members), *jobs]
        command.append("--with-parent")
        here = os.environ | {"MINIDL_CACHE": str(cache_folder())}
        run_below(command, here)
    return {method: load(team, runs) for method, team in jobs.items()}


def run_below(command: list[str], env: dict[str, str]) -> None:
    """Run a command that ends with this process; CalledProcessError if it fails.

    It reads the pipe of which this process alone has the other end.
    """
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=root, env=env) as process:
        if code := process.wait():
            raise subprocess.CalledProcessError(code, command)


def jobs_of(methods: Iterable[str], members: int) -> dict[str, list[MemberJob]]:
    """Return how `make paper` trains the first so many members of each method."""
    config = configure("mnist-sample", "quick", list(methods), members)
    return member_jobs(config)


def load(jobs: list[MemberJob], runs: Path) -> tuple[Sequential, ...]:
    """Return trained networks from a folder of runs."""
    found = train_ensemble(jobs, folder=runs, workers=1)
    return tuple(m for m in found.members if isinstance(m, Sequential))


def main(argv: list[str] | None = None) -> None:
    """Train what is missing of the members that the command line names."""
    parser = parser_of("tutorials.trained", __doc__)
    parser.add_argument("members", type=number_of_members, help="of each method")
    parser.add_argument("methods", nargs="+", choices=METHODS, metavar="METHOD")
    parser.add_argument(
        "--with-parent", action="store_true", help="end with standard input"
    )
    args = parser.parse_args(argv)
    if args.with_parent:
        end_after(sys.stdin.read)
    jobs = jobs_of(args.methods, args.members).values()
    with one_line_errors(parser.prog, lambda: "the same command continues"):
        check_writable("MINIDL_CACHE", runs := runs_folder())
        train_ensemble([j for team in jobs for j in team], folder=runs)


if __name__ == "__main__":
    main()
