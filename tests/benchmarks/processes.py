"""Measurements that need processes of their own: memory, cold starts, cores."""

import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeAlias

from tests.benchmarks.child import STEPS
from tests.benchmarks.cli import Options
from tests.benchmarks.contenders import Trainer
from tests.benchmarks.parts import moved_per_image
from tests.benchmarks.problems import build, synthetic_batch
from tests.benchmarks.started import Child, started
from tests.benchmarks.timing import summary

Cores: TypeAlias = tuple[int, ...]
SECONDS = 2  # of training per request to a child
ROUNDS = 5


def child(
    name: str,
    how: str,
    options: Options,
    cores: Sequence[int],
    cache: str | None = None,
) -> AbstractContextManager[Child]:
    """Start a process that trains on some cores, with one thread per core.

    Its first step has one image, to load code without filling memory with images; with
    a cache of its own, the first step has a whole batch.
    """
    settings = {"network": name, "how": how, "batch": options.batch}
    settings |= {"first": options.batch if cache else 1}
    settings |= {"cores": cores, "threads": len(cores)}
    own = {"NUMBA_CACHE_DIR": cache} if cache else {}
    return started("child", settings, **own)


def memory(name: str, options: Options) -> dict[str, Any]:
    """Return the peak resident memory of STEPS training steps, in MB."""
    # Compiling takes memory too, so a step here first fills Numba's cache on disk.
    Trainer(build(name)).step(*synthetic_batch(name, options.batch))
    peaks = {}
    for how in options.contenders:
        with child(name, how, options, options.cores[: options.threads]) as process:
            process.ask(0, STEPS)
            peaks[how] = process.answer()["peak_mb"]
    return {"name": name, "peak_mb": peaks}


def members(name: str, options: Options) -> dict[str, Any]:
    """Return images/s of one training process on one core, and of one per core."""
    each = [(core,) for core in options.cores]
    unit = rates(name, options, each[:1], each)
    moved = moved_per_image(name, options.batch) / 1e3
    unit["images_per_s"]["auto"]["moved_kb_per_image"] = moved
    return unit


def scaling(name: str, options: Options) -> dict[str, Any]:
    """Return images/s of one training process on one core, and on all cores."""
    return rates(name, options, [options.cores[:1]], [options.cores])


def rates(
    name: str, options: Options, few: list[Cores], many: list[Cores]
) -> dict[str, Any]:
    """Return each finalist's training rates on few and on many cores, alternating."""
    found = {}
    for how in options.finalists:
        with ExitStack() as stack:
            trainings = {
                cores: stack.enter_context(child(name, how, options, cores))
                for cores in dict.fromkeys([*few, *many])
            }
            pairs = [
                [together([trainings[cores] for cores in each]) for each in (few, many)]
                for _ in range(min(ROUNDS, options.rounds))
            ]
        held = [t.latest["peak_mb"] - t.first["idle_mb"] for t in trainings.values()]
        found[how] = {
            "few": summary([a for a, _ in pairs]),
            "many": summary([b for _, b in pairs]),
            "ratio": summary([b / a for a, b in pairs]),
            "held_kb_per_image": 1e3 * sum(held) / len(held) / options.batch,
        }
    return {"name": name, "cores": len(options.cores), "images_per_s": found}


def together(trainings: list[Child]) -> float:
    """Return the total images per second of processes that train at the same time."""
    for process in trainings:
        process.ask(SECONDS, 0)
    return sum(process.answer()["images_per_s"] for process in trainings)


def cold_start(name: str, options: Options) -> dict[str, Any]:
    """Return the seconds of a first training step, before and after compiling."""
    cores = options.cores[: options.threads]
    figures: dict[str, Any] = {"name": name}
    with tempfile.TemporaryDirectory() as cache:
        for state in ("cold", "warm"):
            with child(name, "auto", options, cores, cache) as process:
                first = process.first
            figures[state] = {k: first[k] for k in ("start_s", "first_step_s")}
    return figures
