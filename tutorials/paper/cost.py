"""How long the whole paper takes on several machines, from measured speeds.

    python -m tutorials.paper.cost results/benchmarks.json docs/distributed.md

Counts the images that pass through a network forward, or forward and back, and divides
by the images per second of one core that the benchmark measured, for mixed models in
proportion to their networks' multiplications.
"""

from collections.abc import Sequence
from functools import cache
from heapq import heapreplace
from math import prod
from pathlib import Path

import numpy as np

from ensembles import MemberJob
from ensembles.architectures import build_architecture
from ensembles.methods import TABLE_OF
from minidl.store import read_json, refused
from tutorials.command_line import a_path, one_line_errors, parser_of
from tutorials.paper.experiment.config import Configuration, configure
from tutorials.paper.experiment.plan import member_jobs
from tutorials.paper.pages.markdown import replace_marked
from tutorials.paper.pages.overview import committed
from tutorials.paper.results import Results, read

# The network of each data set in the benchmark, and the images to train and test on.
DATA = {"mnist": ("Table 1", 60_000, 10_000), "cifar10": ("Table 3", 50_000, 10_000)}
CORES = (1, 2, 8, 16, 40)
Speeds = dict[str, float]  # images per second of one core, by operation


def read_speeds(source: Path) -> dict[str, Speeds]:
    """Return what a benchmark measured, by network and operation."""
    measured = read_json(source)
    with refused(source):
        return {
            network["name"]: {
                name: figures["auto"]["images_per_s"]
                for name, figures in network["operations"].items()
            }
            for network in measured["networks"]
        }


def work(job: MemberJob) -> float:
    """Return how much a member's network computes, in units of its table's."""
    table = TABLE_OF[job.dataset]
    return multiplications(job.architecture) / multiplications(table)


@cache
def multiplications(architecture: str) -> int:
    """Return how many a forward pass of one image takes: each weight once a pixel."""
    model = build_architecture(architecture, np.random.default_rng(0))
    return sum(
        layer.params[0].data.size * prod(shape[:-1])
        for layer, shape in zip(model.layers, model.shapes[1:], strict=True)
        if layer.params
    )


def training_seconds(config: Configuration, images: int, speed: Speeds) -> float:
    """Return one core's seconds for one member with the table's network."""
    return config.epochs * images / speed["training step"]


def evaluation_seconds(config: Configuration, images: int, speed: Speeds) -> float:
    """Return one core's seconds for all attacks on one method's members, such ones.

    Adv. 1 is an attack with each of M members' gradients, Adv. 2 one with the sum of M:
    2 M gradients a step in all. Every result, and the clean images, are shown to M.
    """
    M = config.members
    steps = sum(int(p.get("steps", 1)) for p in config.attacks.values())
    gradients = 2 * M * steps * images
    shown = M * images * (1 + len(config.attacks) * (M + 1))
    return gradients / speed["input gradient"] + shown / speed["forward"]


def hours(dataset: str, speeds: dict[str, Speeds], cores: int) -> tuple[float, float]:
    """Return the hours of training and of evaluation, all four methods.

    A member trains on one core, the next one on the core that is free first. Evaluation
    consists of many small units, and keeps all cores busy.
    """
    network, train_images, test_images = DATA[dataset]
    config = configure(dataset, "full")
    jobs = [job for method in member_jobs(config).values() for job in method]
    busy = [0.0] * cores
    for job in jobs:
        heapreplace(busy, busy[0] + work(job))
    training = max(busy) * training_seconds(config, train_images, speeds[network])
    evaluation = evaluation_seconds(config, test_images, speeds[network])
    evaluation *= sum(map(work, jobs)) / config.members
    return training / 3600, evaluation / cores / 3600


def table(speeds: dict[str, Speeds]) -> str:
    """Return the hours in Markdown."""
    head = ["cores"]
    for dataset in DATA:
        head += [f"{dataset}: training", "attacks", "in all"]
    rows = [head, ["---:"] * len(head)]
    for cores in CORES:
        row = [str(cores)]
        for dataset in DATA:
            parts = hours(dataset, speeds, cores)
            row += [f"{value:.2f} h" for value in (*parts, sum(parts))]
        rows.append(row)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def measured(runs: Sequence[Results]) -> str:
    """Return how long the committed runs have trained."""
    took = [
        f"{run.configuration.dataset} {run.execution.core_hours:.2f} core-hours on "
        f"{run.environment.cpu}"
        for run in runs
    ]
    return (
        "Measured in the committed runs, on cores that had other work beside it, "
        f"training took: {'; '.join(took)}."
    )


def update(source: Path, page: Path) -> None:
    """Put the table into a page, between its marks."""
    speeds, runs = read_speeds(source), [read(folder) for folder in committed()]
    text = (
        f"{table(speeds)}\n\n"
        f"Computed from the images per second of one core in [{source.name}]"
        f"(../{source}), by `python -m tutorials.paper.cost {source} {page}`. Mixed "
        "models are counted by their networks' multiplications, which is somewhat too "
        "little: extra layers also move data. Cores of another kind, or that share "
        f"their memory with many, differ. {measured(runs)}"
    )
    replace_marked(page, "hours", text)


def main(argv: list[str] | None = None) -> None:
    """Do what the command line says."""
    parser = parser_of("tutorials.paper.cost", __doc__)
    parser.add_argument("benchmark", type=a_path, help="a file of its --json")
    parser.add_argument("page", type=a_path, help="where the table is put")
    args = parser.parse_args(argv)
    with one_line_errors(parser.prog):
        update(args.benchmark, args.page)


if __name__ == "__main__":
    main()
