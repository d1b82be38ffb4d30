"""The command line: parsed once, and checked before anything is measured."""

import argparse
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from minidl.backend import Device, try_gpu
from minidl.store.files import check_writable
from tests.benchmarks.cores import cores
from tutorials.command_line import Parser, a_path, whole_number

PROGRAM = "python -m tests.benchmarks"
FORMATS = (".png", ".svg", ".pdf")
HOW_TO_INSTALL = {"torch": "pip install torch"}
SECTIONS = {
    "layers": "each convolution of Tables 1 and 3",
    "networks": "both networks: training, forward, gradients, BIM, an ensemble",
    "attacks": "attacks against their gradients alone, and against ART and Foolbox",
    "memory": "peak resident memory of a training process",
    "members": "one training process per core, against one on one core",
    "scaling": "one training process on all cores, against one on one core",
    "cold_start": "the first training step of a fresh process",
    "instructions": "instructions per image, where they can be counted (minutes)",
    "parts": "where the time of a training step goes, and each part's bound",
}

USUAL = {*SECTIONS} - {"instructions"}
ON_A_GPU = ("layers", "networks")
SEVERAL_CORES = ("members", "scaling")


@dataclass(frozen=True)
class Options:
    """What is measured, and how."""

    threads: int = 1
    rounds: int = 15
    peers: tuple[str, ...] = ()
    sections: tuple[str, ...] = tuple(name for name in SECTIONS if name in USUAL)
    json: Path | None = None
    plot: Path | None = None
    batch: int = 128
    cores: tuple[int, ...] = field(default_factory=cores)  # all that there are
    device: Device = "cpu"
    busy: bool = False  # write files also from a busy machine
    beside: str | None = None  # "stream": another process streams through memory

    @property
    def files(self) -> tuple[Path, ...]:
        """The files to be written."""
        return tuple(filter(None, (self.json, self.plot)))

    @property
    def stream_core(self) -> int | None:
        """The core of the process that streams through memory: the first unused."""
        return self.cores[self.threads] if self.beside else None

    @property
    def contenders(self) -> tuple[str, ...]:
        """All contenders; "auto" is minidl by default, which on a GPU is im2col."""
        others = ("reference", "im2col") if self.device == "cpu" else ("reference",)
        return (*others, "auto", *self.peers)

    @property
    def finalists(self) -> tuple[str, ...]:
        """The contenders that are worth several processes, which take minutes."""
        return ("auto", *self.peers)


def make_parser() -> Parser:
    """Return the parser of all options."""
    parser = Parser(
        prog=PROGRAM,
        description="Measure minidl's speed and memory, beside PyTorch's if asked.",
        epilog="\n".join(f"{name:<12} {text}" for name, text in SECTIONS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    threads, rounds = whole_number(1, len(cores())), whole_number(1, 10_000)
    add = parser.add_argument
    add("--peers", nargs="+", choices=HOW_TO_INSTALL, default=[], help="compare with")
    add("--threads", type=threads, default=1, metavar="N")
    add("--rounds", type=rounds, default=15, metavar="N", help="of each timing")
    add("--batch", type=whole_number(1, 2**20), default=128, metavar="N", help="images")
    add("--json", type=a_path, metavar="FILE", help="write all figures to it")
    add("--plot", type=a_path, metavar="FILE", help="write a plot to it (.png, .svg)")
    add("--busy", action="store_true", help="write files also from a busy machine")
    add("--beside", choices=["stream"], help="keep memory busy from another core")
    add("--device", choices=["cpu", "gpu"], default="cpu")
    add("--only", nargs="+", choices=SECTIONS, metavar="SECTION", help="see below")
    add("--instructions", action="store_true", help="add the section instructions")
    return parser


def parse(argv: list[str] | None = None) -> Options:
    """Return what to measure; exit with one line if it can't be measured."""
    parser = make_parser()
    args = parser.parse_args(argv)
    chosen = chosen_sections(parser, args)
    for peer in args.peers:
        if find_spec(peer) is None:
            parser.error(f"--peers {peer} isn't installed: {HOW_TO_INSTALL[peer]}")
    if args.plot and "networks" not in chosen:
        parser.error("--plot shows the section networks, which --only leaves out")
    if args.plot and args.plot.suffix not in FORMATS:
        parser.error(f"--plot must end in {', '.join(FORMATS)}, got {args.plot.name!r}")
    if args.plot and find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: pip install matplotlib")
    for path in filter(None, (args.json, args.plot)):
        if path.is_dir():
            parser.error(f"{path} is a folder, not a file")
        try:
            check_writable("--json or --plot", path.absolute().parent)
        except OSError as error:
            parser.error(str(error))
    if args.beside and args.threads == len(cores()):
        parser.error("--beside needs a core that --threads leaves free")
    settings = vars(args) | {"peers": tuple(dict.fromkeys(args.peers))}
    del settings["only"], settings["instructions"]
    return Options(sections=chosen, **settings)


def chosen_sections(parser: Parser, args: argparse.Namespace) -> tuple[str, ...]:
    """Return the sections that are asked for; exit if they can't be measured here."""
    on_gpu = args.device == "gpu"
    one_core = len(cores()) == 1 or args.beside is not None
    chosen = {*(args.only or (ON_A_GPU if on_gpu else USUAL))}
    chosen |= {"instructions"} if args.instructions else set()
    if on_gpu:
        if not chosen <= {*ON_A_GPU}:
            parser.error(f"--device gpu measures {' and '.join(ON_A_GPU)} only")
        try:
            try_gpu()
        except RuntimeError as error:
            parser.error(str(error))
    if one_core and args.only and chosen & {*SEVERAL_CORES}:
        parser.error(
            f"{' and '.join(SEVERAL_CORES)} need two cores, and this process has "
            f"{'given one to --beside' if args.beside else 'one'}"
        )
    chosen -= {*SEVERAL_CORES} if one_core else set()
    return tuple(section for section in SECTIONS if section in chosen)
