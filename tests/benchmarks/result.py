"""The JSON file: what it holds, and how it is made.

    sha256       the checksum of all the rest, see minidl.store
    schema       1; goes up when a name here changes its meaning
    settings     threads, rounds, batch, peers, pinned_to (cores; [] where impossible),
                 beside {core, gb_per_s}: the process that streamed through memory
                 meanwhile ({}: none; null: it ended early)
    machine      date, cpu, vectors (AVX2, AVX-512), cores, system, versions, libraries
                 (with threads: BLAS, OpenMP), environment (null: not set)
    state        before, after {load_average, sgemm_gflop_per_s, triad_gb_per_s};
                 array_mb, cache_mb: of each of the triad's arrays, of the last level

Each section that was asked for is a list of units, each with its `name`:

    layers       table, side, channels, filters, pad, kernel (the module that "auto"
                 chooses), and as networks
    networks     sgemm_gflop_per_s; agreement {contender: {answer: largest difference
                 from the reference's, in units of its largest number}};
                 operations {operation: {contender: figures}}
    attacks      steps, batch, attacks {attack: {ms: summary, overhead: summary of the
                 time outside its gradients over that inside; ART, Foolbox: summary of
                 their time over ours}}
    memory       peak_mb {contender: 10^6 bytes}
    members      cores, images_per_s {contender: {few, many, ratio: summary}}: one
                 training process on one core, one on each; held_kb_per_image: how far
                 peaks of memory lie above what each process held after a step of one
                 image, by the images of their batches; moved_kb_per_image (minidl): the
                 bytes that a step must move, as in parts
    scaling      the same: one process on one core, one on all
    cold_start   cold, warm {start_s, first_step_s}: seconds for imports and building,
                 and for the first step, without and with Numba's cache
    instructions counted_by, instructions_per_image {operation: {contender: number}}; or
                 not_counted: why
    parts        sgemm_gflop_per_s, triad_gb_per_s, load_average, parts {part: {ms, mb
                 (that it must move), gflop (of products), bound_ms, share, times_bound
                 (null: its bound is 0)}}, see tests.benchmarks.parts

Contenders are "reference", "im2col", "auto" (minidl as it comes) and "torch".
A summary is {min, low, median, high, max, rounds}; low and high are quartiles.
Figures are {ms: summary, images_per_s, gflop_per_s, vs_sgemm} of the medians, the
direct convolution's operations counted, and for minidl beside PyTorch also vs_torch,
the summary of its ratio in each round.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from minidl.progress import progress
from tests.benchmarks import (
    attacks,
    instructions,
    layers,
    machine,
    networks,
    parts,
    processes,
    state,
    stream,
)
from tests.benchmarks.cli import Options
from tests.benchmarks.cores import pin
from tests.benchmarks.problems import NETWORKS

SCHEMA = 1
Measure: TypeAlias = Callable[[Any, Options], dict[str, Any]]
SECTIONS: dict[str, tuple[Measure, Sequence[Any]]] = {  # and their units
    "layers": (layers.measure, layers.LAYERS),
    "networks": (networks.measure, tuple(NETWORKS)),
    "attacks": (attacks.measure, tuple(NETWORKS)),
    "memory": (processes.memory, tuple(NETWORKS)),
    "members": (processes.members, tuple(NETWORKS)),
    "scaling": (processes.scaling, tuple(NETWORKS)),
    "cold_start": (processes.cold_start, tuple(NETWORKS)),
    "instructions": (instructions.measure, tuple(NETWORKS)),
    "parts": (parts.measure, tuple(NETWORKS)),
}


def run(options: Options) -> dict[str, Any]:
    """Measure, on the first cores and with as many threads; return the result."""
    pinned = pin(options.cores[: options.threads])
    machine.limit(options.threads, options.peers)
    with stream.beside(options.stream_core) as neighbour:
        before = state.measure(options.threads)
        figures = measure(options)
        after = state.measure(options.threads)
    settings = {
        "threads": options.threads,
        "rounds": options.rounds,
        "batch": options.batch,
        "peers": list(options.peers),
        "pinned_to": pinned,
        "beside": neighbour,
    }
    return {
        "schema": SCHEMA,
        "settings": settings,
        "machine": machine.describe(options.device),
        "state": {"before": before, "after": after, **stream.sizes()},
        **figures,
    }


def measure(options: Options) -> dict[str, list[dict[str, Any]]]:
    """Return the figures of all units of the chosen sections."""
    figures: dict[str, list[dict[str, Any]]] = {s: [] for s in options.sections}
    jobs = [(s, unit) for s in options.sections for unit in SECTIONS[s][1]]
    for section, unit in progress(jobs, len(jobs), "benchmarks"):
        figures[section].append(SECTIONS[section][0](unit, options))
    return figures
