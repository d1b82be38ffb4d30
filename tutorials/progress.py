"""The exercises of all chapters, with ticks at those solved.

python -m tutorials.progress
"""

from tutorials.command_line import one_line_errors, parser_of
from tutorials.exercises.catalogue import exercises
from tutorials.exercises.checking import solved


def main(argv: list[str] | None = None) -> None:
    """Print all exercises, with ticks at those solved."""
    parser = parser_of("tutorials.progress", __doc__)
    parser.parse_args(argv)
    with one_line_errors(parser.prog):
        show()


def show() -> None:
    """Print the chapters' exercises."""
    done, every = solved(), exercises()
    chapter = ""
    for name, exercise in every.items():
        if exercise.number.split(".")[0] != chapter:
            chapter = exercise.number.split(".")[0]
            print(f"\nChapter {chapter}")
        mark = "x" if name in done else " "
        print(f"  [{mark}] {exercise.number:<4} {name:<25} {exercise.task}")
    print(f"\n{len(done)} of {len(every)} solved")


if __name__ == "__main__":
    main()
