"""python -m tutorials.playground: write the page, one file that opens anywhere."""

from pathlib import Path

from tutorials.command_line import a_path, one_line_errors, parser_of
from tutorials.playground.content import ADDRESS
from tutorials.playground.page import write_page


def main(argv: list[str] | None = None) -> None:
    """Write the page, and say where."""
    parser = parser_of("tutorials.playground", __doc__)
    parser.add_argument("path", nargs="?", type=a_path, default=Path("playground.html"))
    parser.add_argument(
        "--chapters",
        default=ADDRESS,
        metavar="ADDRESS",
        help="the address of a chapter, with {} for its name",
    )
    args = parser.parse_args(argv)
    with one_line_errors(parser.prog):
        write_page(args.path, args.chapters)
        print(f"{args.path} written: open it in a browser")


if __name__ == "__main__":
    main()
