"""The command line: parsed once, and checked before anything is measured."""

import argparse
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.cores import cores
from tutorials.paper.cli import Parser

PROGRAM = "python -m tests.benchmarks"
FORMATS = (".png", ".svg", ".pdf")
HOW_TO_INSTALL = {"torch": "pip install torch"}
SECTIONS = {
    "layers": "each convolution of Tables 1 and 3",
    "networks": "both networks: training, forward, gradients, BIM, an ensemble",
    "memory": "peak resident memory of a training process",
    "members": "two training processes on two cores beside one on one",
    "scaling": "one training process on all cores beside one on one",
    "cold_start": "the first training step of a fresh process",
    "profile": "where the time of a training step goes",
}

USUAL = tuple(name for name in SECTIONS if name != "profile")
SEVERAL_CORES = ("members", "scaling")


@dataclass(frozen=True)
class Options:
    """What is measured, and how."""

    threads: int = 1
    rounds: int = 15
    peers: tuple[str, ...] = ()
    sections: tuple[str, ...] = USUAL
    json: Path | None = None
    plot: Path | None = None
    batch: int = 128
    cores: tuple[int, ...] = field(default_factory=cores)  # all that there are

    @property
    def contenders(self) -> tuple[str, ...]:
        """Who competes; "auto" is minidl as it comes."""
        return ("reference", "im2col", "auto", *self.peers)

    @property
    def finalists(self) -> tuple[str, ...]:
        """Who is worth the minutes of several processes."""
        return ("auto", *self.peers)


def whole_number(at_most: int | None = None) -> Callable[[str], int]:
    """Return a converter of text to integers from 1 to at_most."""

    def convert(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= (at_most or int(text)):
            limit = f"from 1 to {at_most}" if at_most else "of at least 1"
            raise argparse.ArgumentTypeError(
                f"must be an integer {limit}, got {text!r}"
            )
        return int(text)

    return convert


def make_parser() -> Parser:
    """Return the parser of all options."""
    parser = Parser(
        prog=PROGRAM,
        description="Measure minidl's speed and memory, beside PyTorch's if asked.",
        epilog="\n".join(f"{name:<11} {text}" for name, text in SECTIONS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--peers", nargs="+", choices=HOW_TO_INSTALL, default=[], help="compare with")
    add("--threads", type=whole_number(len(cores())), default=1, metavar="N")
    add("--rounds", type=whole_number(), default=15, metavar="N", help="of each timing")
    add("--json", type=Path, metavar="FILE", help="write all figures to it")
    add("--plot", type=Path, metavar="FILE", help="write a plot to it (.png, .svg)")
    add("--device", choices=["cpu", "gpu"], default="cpu")
    add("--only", nargs="+", choices=SECTIONS, metavar="SECTION", help="see below")
    add("--profile", action="store_true", help="add the section profile")
    return parser


def parse(argv: list[str] | None = None) -> Options:
    """Return what to measure; exit with one line if that isn't possible."""
    parser = make_parser()
    args = parser.parse_args(argv)
    sections = chosen_sections(args)
    if args.device == "gpu":
        parser.error("--device gpu is not measured yet; --device cpu is")
    for peer in args.peers:
        if importlib.util.find_spec(peer) is None:
            parser.error(f"--peers {peer} isn't installed: {HOW_TO_INSTALL[peer]}")
    if len(cores()) == 1 and {*SEVERAL_CORES} & {*(args.only or ())}:
        parser.error(
            f"{' and '.join(SEVERAL_CORES)} need two cores, this process has one"
        )
    if args.plot:
        check_plot(parser, args.plot, sections)
    for path in filter(None, (args.json, args.plot)):
        if path.is_dir():
            parser.error(f"{path} is a folder, not a file")
    peers = tuple(dict.fromkeys(args.peers))
    return Options(args.threads, args.rounds, peers, sections, args.json, args.plot)


def chosen_sections(args: argparse.Namespace) -> tuple[str, ...]:
    """Return what --only and --profile ask for, in the order of SECTIONS."""
    chosen = {*(args.only or USUAL), *(["profile"] if args.profile else [])}
    if len(cores()) == 1:
        chosen -= {*SEVERAL_CORES}
    return tuple(name for name in SECTIONS if name in chosen)


def check_plot(parser: Parser, path: Path, sections: tuple[str, ...]) -> None:
    """Exit with one line if there would be nothing to draw, or no means to."""
    if "networks" not in sections:
        parser.error("--plot shows the section networks, which --only leaves out")
    if path.suffix not in FORMATS:
        parser.error(f"--plot must end in {', '.join(FORMATS)}, got {path.name!r}")
    if importlib.util.find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: pip install matplotlib")
