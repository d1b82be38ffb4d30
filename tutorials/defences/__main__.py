"""python -m tutorials.defences run table report: what helps, and what only seems to."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from minidl.parallel import available_cores
from minidl.store.files import check_writable
from tutorials.command_line import (
    Parser,
    a_path,
    check_installed,
    check_used,
    given,
    load_once,
    number_of_processes,
    one_line_errors,
    seed_number,
    start,
    writable_runs,
)
from tutorials.defences.page import show_table, write_report
from tutorials.defences.record import Record, folder_of, read_all, shared
from tutorials.defences.rows import Row, chosen, rows
from tutorials.defences.run import run
from tutorials.defences.settings import DATASETS, STRENGTHS, Settings, settings_of
from tutorials.paper.experiment.places import Places
from tutorials.paper.results.files import check_same_experiment

PROGRAM = "python -m tutorials.defences"
VERBS = {
    "run": "train what each defence needs, attack it, write its file",
    "table": "print the table of all files, and write it in Markdown",
    "report": "write the same page in HTML",
}

TIMES = (
    "\n\nOn two idle cores smoke takes minutes, quick an hour, and mnist in full two\n"
    "and a half to seven hours. Each row is reported as soon as it is measured. An\n"
    "interrupted run continues with the same command."
)


def make_parser() -> Parser:
    """Return the parser."""
    parser = Parser(
        prog=PROGRAM,
        description="Defences under attacks that know them, and that don't.",
        epilog="\n".join(f"{verb:<8} {text}" for verb, text in VERBS.items()) + TIMES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("verbs", nargs="+", choices=VERBS, metavar="verb", help=", ".join(VERBS))
    add("--dataset", choices=DATASETS, default="mnist-sample")
    add("--profile", choices=STRENGTHS, default="quick")
    rows_help = "run only this defence, such as pgd-1; may be repeated"
    add("--row", action="append", default=[], metavar="NAME", help=rows_help)
    add("--seed", type=seed_number, default=0)
    add("--jobs", type=number_of_processes, default=available_cores())
    add("--runs", type=a_path, metavar="DIR", help="(default: the user's cache)")
    place = "(default: results/defences/DATASET-PROFILE)"
    add("--results", type=a_path, metavar="DIR", help=place)
    return parser


def main(argv: list[str] | None = None) -> None:
    """Do what the command line says."""
    parser = make_parser()
    args = parser.parse_args(argv)
    settings = settings_of(args.dataset, args.profile, args.seed)
    every = rows(settings)
    results = args.results or folder_of(args.dataset, args.profile)
    try:
        some = chosen(every, args.row)
    except ValueError as error:
        parser.error(str(error))
    if "run" not in args.verbs:
        check_used(parser, args, "run", "row", "seed", "jobs", "runs")
    with one_line_errors(PROGRAM, lambda: "the same command continues"):
        if "report" in args.verbs:
            check_installed("markdown_it", "tutorials", "the verb report")
        check_writable("--results", results)
        if "run" in args.verbs:
            work(some, settings, args, results)
        if {"table", "report"} & {*args.verbs}:
            show(args.verbs, results, given(parser, args, "dataset", "profile"))


def work(
    some: Sequence[Row], settings: Settings, args: argparse.Namespace, results: Path
) -> None:
    """Carry out the verb `run`."""
    runs = writable_runs(args.runs)
    places = Places(results, runs, args.jobs)
    run(some, settings, load_once(settings.paper.dataset), places)


def show(verbs: Sequence[str], results: Path, asked: Mapping[str, str]) -> None:
    """Carry out the verbs that show the results.

    Raises ValueError if these aren't those that are asked for.
    """
    records = records_in(results)
    check_same_experiment(results, shared(records[0]), asked)
    if "table" in verbs:
        show_table(records, results)
    if "report" in verbs:
        write_report(records, results)


def records_in(results: Path) -> list[Record]:
    """Return all records of a folder in the table's order, unknown rows last.

    Raises FileNotFoundError for a folder without records.
    """
    found = read_all(results)
    if not found:
        raise FileNotFoundError(f"no results in {results}: the verb run makes them")
    one = found[0]
    every = rows(settings_of(one.dataset, one.profile, one.seed))
    order = {row.name: i for i, row in enumerate(every)}
    return sorted(found, key=lambda record: order.get(record.defence, len(order)))


if __name__ == "__main__":
    start(main)
