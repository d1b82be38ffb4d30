"""The command line: parsed once, and checked before any work begins."""

import argparse
from dataclasses import asdict
from pathlib import Path

from ensembles import METHODS
from minidl.backend import try_gpu
from minidl.cluster import check_address
from minidl.files import check_writable
from minidl.parallel import available_cores
from tutorials.command_line import (
    Parser,
    a_path,
    check_installed,
    number_of_epochs,
    number_of_members,
    number_of_processes,
    runs_folder,
    seed_number,
)
from tutorials.paper import results as results_file
from tutorials.paper.experiment.config import (
    DATASETS,
    PROFILES,
    Configuration,
    configure,
)
from tutorials.paper.results.merge import check_same_experiment
from tutorials.paper.run import Places

PROGRAM = "python -m tutorials.paper"
DATASET, PROFILE = "mnist-sample", "quick"
VERBS = {
    "run": "train the members, attack them, write results.json",
    "strict": "attack the same ensembles with attacks that fit them",
    "table2": "print Table 2 beside the paper's, and the paper's claims",
    "figures": "draw Figures 1 and 2",
    "report": "write one page with everything",
}
WORK = ("run", "strict")  # the others show what these have made
DRAWN = {"figures", "report"}


def make_parser() -> Parser:
    """Return the parser of all verbs and options."""
    parser = Parser(
        prog=PROGRAM,
        description="Reproduce Table 2 and Figures 1 and 2 of the paper.",
        epilog="\n".join(f"{verb:<8} {text}" for verb, text in VERBS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("verbs", nargs="+", choices=VERBS, metavar="verb", help=", ".join(VERBS))
    add("--dataset", choices=DATASETS, help=f"(default: {DATASET})")
    add("--profile", choices=PROFILES, help=f"(default: {PROFILE})")
    add(
        "--method",
        choices=[*METHODS, "all"],
        action="append",
        help="may be given repeatedly (default: all)",
    )
    add("--members", type=number_of_members, help="of each method")
    add("--epochs", type=number_of_epochs)
    add("--seed", type=seed_number, help="(default: 0)")
    add_places(parser)
    return parser


def add_places(parser: Parser) -> None:
    """Add the options on which no number depends, of --device but for rounding."""
    add = parser.add_argument
    add("--device", choices=["cpu", "gpu"], default="cpu")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        type=number_of_processes,
        help="processes (default: the number of cores, with a GPU 1)",
    )
    where.add_argument(
        "--dask",
        type=scheduler,
        metavar="tcp://HOST:PORT",
        help="a Dask cluster's scheduler: its workers instead of processes here",
    )
    add(
        "--results",
        type=a_path,
        metavar="DIR",
        help="where the results go (default: results/DATASET-PROFILE)",
    )
    add(
        "--runs",
        type=a_path,
        metavar="DIR",
        help="where what is finished is kept (default: the user's cache folder)",
    )
    add("--fresh", action="store_true", help="train again what is finished")


def parse(argv: list[str] | None = None) -> tuple[list[str], Configuration, Places]:
    """Return the verbs in their order, what to run, and where."""
    parser = make_parser()
    args = parser.parse_args(argv)
    methods = None if "all" in (args.method or ["all"]) else args.method
    config = configure(
        args.dataset or DATASET,
        args.profile or PROFILE,
        methods,
        args.members,
        args.epochs,
        args.seed or 0,
    )
    verbs = [verb for verb in VERBS if verb in args.verbs]
    try:
        places = find_places(verbs, args, config)
        check_packages(verbs, args)
        if "run" not in verbs and not (places.results / "results.json").is_file():
            how = how_to_make(config, args.results)
            parser.error(f"no results.json in {places.results}: {how}")
        if not {*WORK} & {*verbs}:
            check_shown(args, places.results)
        check_writable("--results", places.results)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        parser.error(str(error))
    return verbs, config, places


def find_places(
    verbs: list[str], args: argparse.Namespace, config: Configuration
) -> Places:
    """Return where to work; OSError if finished work couldn't be kept there."""
    default = Path("results") / f"{config.dataset}-{config.profile}"
    jobs = args.jobs or (available_cores() if args.device == "cpu" else 1)
    runs = Path()
    if {*WORK} & {*verbs}:  # to show results no such folder is needed
        runs = args.runs or runs_folder()
        check_writable("--runs", runs)
    results = args.results or default
    return Places(results, runs, jobs, args.fresh, args.dask, args.device)


def check_packages(verbs: list[str], args: argparse.Namespace) -> None:
    """Raise ImportError or RuntimeError unless all is there that will be needed."""
    if args.device == "gpu" and {*WORK} & {*verbs}:
        check_gpu(args.dask)
    if args.dask is not None:
        check_installed("distributed", "distributed", "--dask")
    for verb in DRAWN & {*verbs}:
        check_installed("matplotlib", "tutorials", f"the verb {verb}")


def check_shown(args: argparse.Namespace, folder: Path) -> None:
    """Raise ValueError if other results are asked for than a folder holds.

    They are shown whole, with all methods that they have.
    """
    names = ("dataset", "profile", "members", "epochs", "seed")
    asked = {n: getattr(args, n) for n in names if getattr(args, n) is not None}
    there = asdict(results_file.read(folder).configuration)
    check_same_experiment(folder, there, asked)
    if "all" not in (args.method or ["all"]):
        raise ValueError(
            f"--method belongs to {' and '.join(WORK)}: of {folder} all methods are "
            "shown"
        )


def scheduler(text: str) -> str:
    """Return the address of a Dask scheduler, if it can be one."""
    try:
        check_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def how_to_make(config: Configuration, results: Path | None) -> str:
    """Return what makes the missing results."""
    options = f"--dataset {config.dataset} --profile {config.profile}"
    if results is not None:
        options += f" --results {results}"
    return f"{PROGRAM} run {options} makes it"


def check_gpu(dask: str | None) -> None:
    """Raise RuntimeError unless this command can run on a GPU."""
    if dask is not None:
        raise RuntimeError("--device gpu works here only: leave out --dask")
    try_gpu()
