"""The command line: parsed once, and checked before any work begins."""

import argparse
from dataclasses import asdict
from pathlib import Path

from ensembles import METHODS
from minidl.backend import try_gpu
from minidl.parallel import available_cores
from minidl.parallel.cluster import check_address
from minidl.store.files import check_writable
from tutorials.command_line import (
    Parser,
    a_path,
    check_installed,
    check_used,
    number_of_epochs,
    number_of_members,
    number_of_processes,
    seed_number,
    writable_runs,
)
from tutorials.paper import results as results_file
from tutorials.paper.experiment.config import (
    DATASETS,
    NETWORKS,
    PLAIN,
    PROFILES,
    Configuration,
    configure,
    suffix,
)
from tutorials.paper.experiment.places import Places
from tutorials.paper.results.files import check_same_experiment

PROGRAM = "python -m tutorials.paper"
DATASET, PROFILE = "mnist-sample", "quick"
VERBS = {
    "run": "train the members, attack them, write the results",
    "strict": "attack the same ensembles, and each member, with adaptive attacks",
    "table2": "print Table 2 beside the paper's, and judge the paper's claims",
    "figures": "draw Figures 1 and 2",
    "report": "write one page with all results",
}
WORK = ("run", "strict")  # the other verbs show the results
OF_WORK = ("device", "jobs", "dask", "runs", "fresh")  # options of these two alone
DRAWS = {"figures": ["matplotlib"], "report": ["matplotlib", "markdown_it"]}


def make_parser() -> Parser:
    """Return the parser of all verbs and options.

    Options from --device on don't change the results; a GPU changes only last digits.
    """
    parser = Parser(
        prog=PROGRAM,
        description="Reproduce Table 2 and Figures 1 and 2 of the paper.",
        epilog="\n".join(f"{verb:<8} {text}" for verb, text in VERBS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, methods = parser.add_argument, [*METHODS, "all"]
    add("verbs", nargs="+", choices=VERBS, metavar="verb", help=", ".join(VERBS))
    add("--dataset", choices=DATASETS, help=f"(default: {DATASET})")
    add("--profile", choices=PROFILES, help=f"(default: {PROFILE})")
    add("--network", choices=NETWORKS, help="plain logits, or ReLU on the logits")
    add("--method", choices=methods, action="append", help="may be repeated")
    add("--members", type=number_of_members, help="of each method (default: profile's)")
    add("--epochs", type=number_of_epochs, help="(default: profile's)")
    add("--seed", type=seed_number, help="(default: 0)")
    add("--device", choices=["cpu", "gpu"], default="cpu", help="(default: cpu)")
    where = parser.add_mutually_exclusive_group().add_argument
    where("--jobs", type=number_of_processes, help="(default: one per core or GPU)")
    where("--dask", type=scheduler, metavar="tcp://HOST:PORT", help="use a cluster")
    results, runs = "(default: results/DATASET-PROFILE)", "(default: the user's cache)"
    add("--results", type=a_path, metavar="DIR", help=f"folder of results {results}")
    add("--runs", type=a_path, metavar="DIR", help=f"folder of trained members {runs}")
    add("--fresh", action="store_true", help="repeat finished work")
    return parser


def parse(argv: list[str] | None = None) -> tuple[list[str], Configuration, Places]:
    """Return the verbs in their order, what to run, and where."""
    parser = make_parser()
    args = parser.parse_args(argv)
    if "all" in (args.method or []) and len({*args.method}) > 1:
        parser.error("--method must be all, or methods, got both")
    verbs = [verb for verb in VERBS if verb in args.verbs]
    config = configure(
        args.dataset or DATASET,
        args.profile or PROFILE,
        None if "all" in (args.method or ["all"]) else args.method,
        args.members,
        args.epochs,
        args.seed or 0,
        args.network or PLAIN,
    )
    try:
        works = bool({*WORK} & {*verbs})
        places = find_places(args, config, works)
        check_packages(args, works)
        if "run" not in verbs:
            check_run(args, config, places.results)
        if not works:
            check_used(parser, args, " and ".join(WORK), *OF_WORK)
            check_shown(args, places.results)
        check_writable("--results", places.results)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        parser.error(str(error))
    return verbs, config, places


def find_places(args: argparse.Namespace, config: Configuration, works: bool) -> Places:
    """Return folders, processes and device.

    Raises OSError if finished work couldn't be kept in the folder of runs.
    """
    name = f"{config.dataset}-{config.profile}{suffix(config.network)}"
    jobs = args.jobs or (available_cores() if args.device == "cpu" else 1)
    runs = writable_runs(args.runs) if works else Path()  # not needed to show results
    results = args.results or Path("results") / name
    return Places(results, runs, jobs, args.fresh, args.dask, args.device)


def check_packages(args: argparse.Namespace, works: bool) -> None:
    """Raise ImportError or RuntimeError if a package or the GPU is missing."""
    if args.device == "gpu" and args.dask is not None:
        raise RuntimeError("--device gpu works on this machine only: leave out --dask")
    if args.device == "gpu" and works:
        try_gpu()
    if args.dask is not None:
        check_installed("distributed", "distributed", "--dask")
    for verb in args.verbs:
        for package in DRAWS.get(verb, ()):
            check_installed(package, "tutorials", f"the verb {verb}")


def check_run(args: argparse.Namespace, config: Configuration, folder: Path) -> None:
    """Raise FileNotFoundError without results; its text says what makes them."""
    if not results_file.methods_in(folder):
        options = {"dataset": config.dataset, "profile": config.profile}
        options |= {"network": args.network, "results": args.results}
        words = " ".join(
            f"--{name} {value}" for name, value in options.items() if value
        )
        raise FileNotFoundError(
            f"no results in {folder}: {PROGRAM} run {words} makes them"
        )


def check_shown(args: argparse.Namespace, folder: Path) -> None:
    """Raise ValueError if the options ask for other results than a folder holds.

    All its methods are shown, so that --method is refused.
    """
    names = ("dataset", "profile", "network", "members", "epochs", "seed")
    asked = {n: getattr(args, n) for n in names if getattr(args, n) is not None}
    there = asdict(results_file.read(folder).configuration)
    check_same_experiment(folder, there, asked)
    if "all" not in (args.method or ["all"]):
        raise ValueError(
            f"--method belongs to {' and '.join(WORK)}: all methods in {folder} are "
            "shown"
        )


def scheduler(text: str) -> str:
    """Return a Dask scheduler's address; ArgumentTypeError if it can't be one."""
    try:
        check_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
