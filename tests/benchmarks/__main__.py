"""python -m tests.benchmarks --peers torch: minidl's speed and memory, measured."""

import os
from pathlib import Path

from minidl.store import write_json
from tests.benchmarks import state
from tests.benchmarks.cli import PROGRAM, parse
from tests.benchmarks.plot import write_plot
from tests.benchmarks.result import run
from tests.benchmarks.table import render
from tutorials.command_line import one_line_errors

ALL_THE_SAME = "--busy writes files anyway"


def main(argv: list[str] | None = None) -> None:
    """Measure, print the tables and write the files; on a busy machine only if told."""
    options = parse(argv)
    strict = bool(options.files) and not options.busy
    with one_line_errors(PROGRAM, device=options.device):
        doubt = state.busy(os.getloadavg()[0], os.cpu_count() or 1)
        if strict and doubt:
            raise ValueError(f"{doubt}; nothing was measured, {ALL_THE_SAME}")
        result = run(options)
        print(render(result), flush=True)
        doubt = state.drift(result) if strict else ""
        kept = {path: set_aside(path) if doubt else path for path in options.files}
        if options.json:
            write_json(kept[options.json], result)
        if options.plot:
            write_plot(result, kept[options.plot])
        if doubt:
            names = ", ".join(map(str, kept.values()))
            raise ValueError(f"{doubt}; figures are in {names}, {ALL_THE_SAME}")


def set_aside(path: Path) -> Path:
    """Return another name, such as speed.busy.json for speed.json."""
    return path.with_stem(f"{path.stem}.busy")


if __name__ == "__main__":
    main()
