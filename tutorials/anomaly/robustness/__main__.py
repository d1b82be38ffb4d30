"""python -m tutorials.anomaly.robustness: which training choices make networks robust.

Each epoch and each attack is kept: the same command continues.
"""

from pathlib import Path

from minidl.store import write_json
from minidl.store.files import check_writable
from tutorials.anomaly.plan import OF_PLAN, Plan, add_options, plan_of, shared
from tutorials.anomaly.robustness.measure import measure, read_robustness
from tutorials.anomaly.robustness.page import write_page
from tutorials.command_line import (
    Parser,
    check_used,
    in_words,
    one_line_errors,
    parser_of,
    start,
)
from tutorials.paper.experiment.config import PROFILES, configure
from tutorials.paper.results.files import check_same_experiment
from tutorials.paper.search.trials import PARTS

VERBS = {
    "run": "train and attack 36 networks, about 150 core-minutes for MNIST and 1,200 "
    "for CIFAR-10",
    "report": "write the page on everything that is measured",
}


def make_parser() -> Parser:
    """Return the parser."""
    parser = parser_of("tutorials.anomaly.robustness", __doc__)
    add = parser.add_argument
    add("verb", nargs="?", choices=VERBS, default="run", help=in_words(VERBS))
    add("--dataset", choices=PARTS, default="mnist")
    add("--profile", choices=PROFILES, default="full")
    add_options(parser, "results/robustness")
    return parser


def run(plan: Plan, path: Path) -> None:
    """Measure all choices and write the file.

    Raises ValueError, before any work, if it holds another experiment.
    """
    check_free(plan, path)
    found = measure(plan)
    check_free(plan, path)  # another command may have been faster
    write_json(path, found)
    print(f"{path} written", flush=True)


def check_free(plan: Plan, path: Path) -> None:
    """Raise ValueError if a file holds another experiment."""
    if path.exists():
        there = read_robustness(path)
        before = shared(there.configuration, there.images)
        check_same_experiment(path, before, shared(plan.config, plan.images))


def main(argv: list[str] | None = None) -> None:
    """Do what the verb says."""
    parser = make_parser()
    args = parser.parse_args(argv)
    config = configure(args.dataset, args.profile, ["random-init"], seed=args.seed)
    if args.verb == "report":
        check_used(parser, args, "run", *OF_PLAN)
    with one_line_errors(parser.prog, lambda: "the same command continues"):
        check_writable("--results", args.results)
        if args.verb == "run":
            path = args.results / f"{args.dataset}-{args.profile}.json"
            run(plan_of(args, config), path)
        print(f"{write_page(args.results)} written")


if __name__ == "__main__":
    start(main)
