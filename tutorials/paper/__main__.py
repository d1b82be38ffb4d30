"""python -m tutorials.paper run table2 figures report: the paper, end to end."""

from tutorials.command_line import continues, load_once, one_line_errors, start
from tutorials.paper.cli import PROGRAM, parse
from tutorials.paper.experiment.config import Configuration
from tutorials.paper.experiment.places import Places
from tutorials.paper.pages.figures import write_figures
from tutorials.paper.pages.report import write_report
from tutorials.paper.pages.strict import write_strict
from tutorials.paper.pages.table2 import write_table2
from tutorials.paper.run import how_far, run
from tutorials.paper.strict import strict

SHOW = {"table2": write_table2, "figures": write_figures, "report": write_report}


def main(argv: list[str] | None = None) -> None:
    """Do what the command line says."""
    verbs, config, places = parse(argv)
    with one_line_errors(
        PROGRAM, lambda: how_to_continue(config, places), places.device
    ):
        if "run" in verbs:
            run(config, load_once(config.dataset), places)
            print(f"results are in {places.results}")
        if "strict" in verbs:
            strict(config, places)
            write_strict(places.results)
        for verb in verbs:
            if verb in SHOW:
                SHOW[verb](places.results)


def how_to_continue(config: Configuration, places: Places) -> str:
    """Return what is finished, and which command continues."""
    return f"{how_far(config, places)}; {continues(places.fresh)} from there"


if __name__ == "__main__":
    start(main)
