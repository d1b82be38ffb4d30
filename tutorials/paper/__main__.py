"""python -m tutorials.paper run table2 figures report: the paper, end to end."""

import sys
import warnings
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from minidl.backend import out_of_memory
from tutorials.paper.cli import INTERRUPTED, complain, load_once, parse
from tutorials.paper.config import Configuration
from tutorials.paper.figures import write_figures
from tutorials.paper.report import write_report
from tutorials.paper.run import Places, how_far, run
from tutorials.paper.strict import strict
from tutorials.paper.strict_page import write_strict
from tutorials.paper.table2 import write_table2

SHOW = {"table2": write_table2, "figures": write_figures, "report": write_report}


def main(argv: list[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    verbs, config, places = parse(argv)
    try:
        if "run" in verbs:
            experiment(config, places)
        if "strict" in verbs:
            strict(config, places)
            write_strict(places.results)
        for verb in verbs:
            if verb in SHOW:
                SHOW[verb](places.results)
    except KeyboardInterrupt:
        complain(f"interrupted; {resume(config, places)}")
        return INTERRUPTED
    except BrokenProcessPool:
        complain("error: a worker process was killed; the same command goes on")
        return 1
    except MemoryError as error:
        if places.device == "cpu":
            raise
        complain(f"error: {out_of_memory(error)}")
        return 1
    except (ValueError, OSError, FloatingPointError, ImportError) as error:
        complain(f"error: {error}")
        return 1
    return 0


def experiment(config: Configuration, places: Places) -> None:
    """Run it and say where the results are."""
    run(config, load_once(config.dataset), places)
    print(f"results are in {places.results}")


def resume(config: Configuration, places: Places) -> str:
    """Return what is finished, and how to go on."""
    command = "the same command" + (" without --fresh" if places.fresh else "")
    return f"{how_far(config, places)}; {command} goes on from there"


def one_line(message: Warning | str, *details: Any) -> str:
    """Return a warning as text, without the source line that issued it."""
    return f"warning: {message}\n"


if __name__ == "__main__":
    warnings.formatwarning = one_line  # type: ignore[assignment]
    sys.exit(main())
