"""python -m tutorials.anomaly.labels scale, then run for each method, then report."""

from pathlib import Path

from ensembles import METHODS
from minidl.store import write_json
from minidl.store.files import check_writable
from tutorials.anomaly.labels.example import EXAMPLE, make_example
from tutorials.anomaly.labels.measure import Labels, check_others, count_right
from tutorials.anomaly.labels.readings import FILE, fixed_readings
from tutorials.anomaly.labels.report import write_report
from tutorials.anomaly.labels.scale import (
    SCALE,
    factor_text,
    find_scale,
    read_scale,
    scaled,
    target_of,
)
from tutorials.anomaly.labels.walks import walk_all
from tutorials.anomaly.plan import OF_PLAN, Plan, add_options, plan_of, team_of
from tutorials.command_line import (
    Parser,
    check_installed,
    check_used,
    continues,
    in_words,
    one_line_errors,
    parser_of,
    start,
    whole_number,
)
from tutorials.paper.experiment.cases import Case, adv1, adv2
from tutorials.paper.experiment.config import (
    DATASETS,
    NETWORKS,
    PLAIN,
    PROFILES,
    Configuration,
    configure,
    suffix,
)
from tutorials.paper.experiment.environment import environment
from tutorials.paper.experiment.labels import RULES

VERBS = {
    "readings": "write the list of all readings, with what each is expected to find",
    "scale": "choose s with random initial weights",
    "run": "attack one method with all labels, as stated and times s",
    "example": "draw the steps of one image, on the small networks of the chapters",
    "report": "write the page on everything that is measured",
}


def make_parser() -> Parser:
    """Return the parser."""
    parser = parser_of("tutorials.anomaly.labels", __doc__)
    add = parser.add_argument
    add("verb", choices=VERBS, help=in_words(VERBS))
    add("--dataset", choices=DATASETS, default="mnist")
    add("--profile", choices=PROFILES, default="full")
    add("--network", choices=NETWORKS, default=PLAIN)
    add("--method", choices=METHODS, default="random-init")
    add("--members", type=whole_number(2, 1000), help="(default: profile's)")
    add_options(parser, "results/labels")
    add("--fresh", action="store_true", help="repeat finished attacks, too")
    return parser


def scale(plan: Plan, folder: Path) -> Path:
    """Choose s and write its file."""
    target_of(plan.config)  # before members are asked for
    found = find_scale(plan, team_of(plan))
    print(f"s = {factor_text(found.estimate)}")
    check_others(folder, plan)  # another command may have been faster
    write_json(folder / SCALE, found)
    return folder / SCALE


def measure(plan: Plan, folder: Path) -> Path:
    """Attack one method with all labels and write its file."""
    config, s = plan.config, read_scale(folder / SCALE).s
    team = team_of(plan)
    right = count_right(plan, team, s)
    walks = walk_all(walked(config, len(team.jobs), s), plan, team)
    path = folder / f"{team.method}.json"
    check_others(folder, plan)  # another command may have been faster
    write_json(path, Labels(config, plan.images, s, right, walks, environment()))
    return path


def walked(config: Configuration, members: int, s: float) -> list[Case]:
    """Return what is watched at each step: BIM, Adv. 2 and Adv. 1 of one member."""
    return [
        case
        for factor in (1.0, s)
        for rule in RULES
        for own in [("bim", scaled(config.attacks["bim"], factor), members, rule)]
        for case in (adv1(*own)[0], adv2(*own))
    ]


def main(argv: list[str] | None = None) -> None:
    """Do what the verb says."""
    parser = make_parser()
    args = parser.parse_args(argv)
    config = configure(
        args.dataset,
        args.profile,
        [args.method],
        args.members,
        seed=args.seed,
        network=args.network,
    )
    if args.verb not in WORK:
        others = "network", "method", "members", "fresh"
        check_used(parser, args, " and ".join(WORK), *OF_PLAN, *others)
    with one_line_errors(parser.prog, lambda: continues(args.fresh)):
        check_installed("matplotlib", "tutorials", "the page of figures")
        check_writable("--results", args.results)
        if args.verb != "report":
            fixed_readings(args.results)  # before anything is measured
        if args.verb in WORK:
            plan = plan_of(args, config)
            folder = args.results / folder_name(config)
            check_others(folder, plan)
            print(f"{WORK[args.verb](plan, folder)} written")
        if args.verb == "example":
            write_json(args.results / EXAMPLE, make_example())
        if args.verb == "readings":
            print(f"{args.results / FILE} is there")
        else:
            print(f"{write_report(args.results)} written")


WORK = {"scale": scale, "run": measure}


def folder_name(config: Configuration) -> str:
    """Return the folder of one data set's and network's files."""
    return f"{config.dataset}-{config.profile}{suffix(config.network)}"


if __name__ == "__main__":
    start(main)
