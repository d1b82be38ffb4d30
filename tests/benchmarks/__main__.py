"""python -m tests.benchmarks --peers torch: minidl's speed and memory, measured."""

import sys

from minidl.backend import out_of_memory
from tests.benchmarks.cli import PROGRAM, parse
from tests.benchmarks.plot import write_plot
from tests.benchmarks.result import run, write_json
from tests.benchmarks.table import render


def main(argv: list[str] | None = None) -> int:
    """Measure, print the tables, write the files; return the exit code."""
    options = parse(argv)
    try:
        result = run(options)
        print(render(result))
        if options.json:
            write_json(result, options.json)
        if options.plot:
            write_plot(result, options.plot)
    except MemoryError as error:
        if options.device == "cpu":
            raise
        print(f"{PROGRAM}: error: {out_of_memory(error)}", file=sys.stderr)
        return 1
    except (OSError, RuntimeError, ValueError) as error:
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
