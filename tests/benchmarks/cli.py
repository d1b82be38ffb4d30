"""The command line: parsed once, and checked before anything is measured."""

import argparse
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

PROGRAM = "python -m tests.benchmarks"
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


@dataclass(frozen=True)
class Options:
    """What is measured, and how."""

    threads: int = 1
    rounds: int = 15
    peers: tuple[str, ...] = ()
    sections: tuple[str, ...] = tuple(s for s in SECTIONS if s != "profile")
    json: Path | None = None
    plot: Path | None = None
    batch: int = 128

    @property
    def contenders(self) -> tuple[str, ...]:
        """Who competes; "auto" is minidl as it comes."""
        return ("reference", "im2col", "auto", *self.peers)

    @property
    def finalists(self) -> tuple[str, ...]:
        """Who is worth the minutes of several processes."""
        return ("auto", *self.peers)


class Parser(argparse.ArgumentParser):
    """A parser whose errors take one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with code 2."""
        self.exit(2, f"{self.prog}: error: {message}\n")


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
    add("--threads", type=whole_number(os.cpu_count()), default=1, metavar="N")
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
    sections = args.only or list(Options.sections)
    chosen = {*sections, "profile"} if args.profile else set(sections)
    if args.device == "gpu":
        parser.error("--device gpu is not yet measured; use cpu")
    for peer in args.peers:
        if importlib.util.find_spec(peer) is None:
            parser.error(f"{peer} isn't installed: {HOW_TO_INSTALL[peer]}")
    if args.plot and "networks" not in chosen:
        parser.error("--plot shows the section networks, which --only leaves out")
    if args.plot and importlib.util.find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: pip install matplotlib")
    ordered = tuple(name for name in SECTIONS if name in chosen)
    peers = tuple(dict.fromkeys(args.peers))
    return Options(args.threads, args.rounds, peers, ordered, args.json, args.plot)
