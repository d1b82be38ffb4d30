"""How many of the paper's own networks start to learn?

    python -m tutorials.starts

Both of the paper's tables take about two hours on two cores. Finished networks and
epochs are kept in the folder of runs: the same command continues.
"""

from pathlib import Path

from minidl.store import write_json
from minidl.store.files import check_writable
from tutorials.command_line import (
    Parser,
    add_places,
    check_used,
    load_once,
    number_of_epochs,
    one_line_errors,
    parser_of,
    start,
    whole_number,
    writable_runs,
)
from tutorials.paper.experiment.config import DATASETS, LITERAL, NETWORKS
from tutorials.paper.results.files import check_same_experiment
from tutorials.paper.search.trials import PARTS
from tutorials.starts.count import Plan, count
from tutorials.starts.page import TABLES, path_of, read, write_page

OF_COUNT = (
    *("dataset", "network", "seeds", "epochs", "train_images"),
    *("jobs", "runs"),
)


def make_parser() -> Parser:
    """Return the parser."""
    parser = parser_of("tutorials.starts", __doc__)
    add = parser.add_argument
    verbs = "train, count and write the page, or write the page only"
    add("verb", nargs="?", choices=["count", "page"], default="count", help=verbs)
    add("--dataset", choices=PARTS, help=f"(default: {' and '.join(TABLES)})")
    add("--network", choices=NETWORKS, default=LITERAL, help=f"(default: {LITERAL})")
    add("--seeds", type=whole_number(1, 1000), default=20, help="(default: 20)")
    add(
        "--epochs",
        type=number_of_epochs,
        help="of the best optimizer (default: the paper's)",
    )
    add("--train-images", type=whole_number(1, 60_000), help="(default: all)")
    add_places(parser, "results/starts")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Count, and write the files and the page."""
    parser = make_parser()
    args = parser.parse_args(argv)
    datasets = [args.dataset] if args.dataset else TABLES
    if args.verb == "page":
        check_used(parser, args, "count", *OF_COUNT)
    plans = [
        Plan(
            dataset,
            args.network,
            args.seeds,
            args.epochs or DATASETS[dataset].epochs,
            args.train_images,
        )
        for dataset in datasets
    ]
    with one_line_errors(parser.prog, lambda: "the same command continues"):
        check_writable("--results", args.results)
        if args.verb == "count":
            runs = writable_runs(args.runs)
            check_free(plans, args.results)
            for plan in plans:
                check_images(plan)
            for plan in plans:
                path = path_of(args.results, plan.dataset, plan.network)
                found = count(plan, runs / "starts", args.jobs)
                check_free([plan], args.results)  # another command may have been faster
                write_json(path, found)
                print(f"{path} written", flush=True)
        print(f"{write_page(args.results)} written")


def check_images(plan: Plan) -> None:
    """Raise ValueError for more training images than there are."""
    most = len(load_once(plan.dataset).x_train)
    if plan.train_images is not None and plan.train_images > most:
        raise ValueError(
            f"--train-images must be at most {most}, all of {plan.dataset}, got "
            f"{plan.train_images}"
        )


def check_free(plans: list[Plan], folder: Path) -> None:
    """Raise ValueError, before any work, if a folder holds other counts."""
    for plan in plans:
        path = path_of(folder, plan.dataset, plan.network)
        if path.exists():
            check_same_experiment(path, vars(read(path).plan), vars(plan))


if __name__ == "__main__":
    start(main)
