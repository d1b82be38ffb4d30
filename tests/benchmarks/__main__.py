"""python -m tests.benchmarks --peers torch: minidl's speed and memory, measured."""

from minidl.store import write_json
from tests.benchmarks.cli import PROGRAM, parse
from tests.benchmarks.plot import write_plot
from tests.benchmarks.result import run
from tests.benchmarks.table import render
from tutorials.command_line import one_line_errors


def main(argv: list[str] | None = None) -> None:
    """Measure, print the tables, write the files."""
    options = parse(argv)
    with one_line_errors(PROGRAM, device=options.device):
        result = run(options)
        print(render(result))
        if options.json:
            write_json(options.json, result)
        if options.plot:
            write_plot(result, options.plot)


if __name__ == "__main__":
    main()
