"""python -m tutorials.anomaly all, or one experiment by its name.

With ten members and 1,000 images of MNIST all take about eight minutes of one core.
"""

from ensembles import METHODS
from minidl.store.files import check_writable
from tutorials.anomaly.findings import finding
from tutorials.anomaly.plan import OF_PLAN, add_options, plan_of
from tutorials.anomaly.record import write
from tutorials.anomaly.report import QUESTIONS, write_report
from tutorials.anomaly.run import check_folder, perform
from tutorials.command_line import (
    Parser,
    check_installed,
    check_used,
    continues,
    one_line_errors,
    start,
    whole_number,
)
from tutorials.paper.experiment.config import DATASETS, PROFILES, configure

PROGRAM = "python -m tutorials.anomaly"


def make_parser() -> Parser:
    """Return the parser."""
    lines = [f"{name:<11} {question}" for name, question in QUESTIONS.items()]
    parser = Parser(prog=PROGRAM, description="Why may Adv. 2 be weaker than Adv. 1?")
    add = parser.add_argument
    add("experiment", choices=[*QUESTIONS, "all", "report"], help="; ".join(lines))
    add("--dataset", choices=DATASETS, default="mnist")
    add("--profile", choices=PROFILES, default="full")
    add("--method", choices=METHODS, default="random-init")
    add("--members", type=whole_number(2, 1000))
    add_options(parser, "results/anomaly")
    add("--fresh", action="store_true", help="repeat finished attacks, too")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Carry out the experiments and write their page."""
    parser = make_parser()
    args = parser.parse_args(argv)
    config = configure(
        args.dataset, args.profile, [args.method], args.members, seed=args.seed
    )
    several = {"all": list(QUESTIONS), "report": []}
    experiments = several.get(args.experiment, [args.experiment])
    if not experiments:
        check_used(parser, args, "experiments", *OF_PLAN, "method", "members", "fresh")
    with one_line_errors(PROGRAM, lambda: continues(args.fresh)):
        check_installed("matplotlib", "tutorials", "the page of figures")
        check_writable("--results", args.results)
        if experiments:
            plan = plan_of(args, config)
            check_folder(args.results, plan)
        for name in experiments:
            record = perform(name, plan)
            check_folder(args.results, plan)  # another command may have been faster
            print(f"{write(record, args.results)} written. {finding(record)}")
        print(f"{write_report(args.results)} written")


if __name__ == "__main__":
    start(main)
