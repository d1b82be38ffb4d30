"""The JSON file: its content, and how it is made.

    sha256       the checksum of all the rest, see minidl.store
    schema       1; incremented when a name here changes its meaning
    settings     threads, rounds, batch, peers, pinned_to (cores; [] where impossible),
                 beside {core, gb_per_s}: the process that streamed through memory at
                 the same time ({}: none; null: it ended early)
    machine      date, cpu, vectors (AVX2, AVX-512), cores, system, versions, libraries
                 (with threads: BLAS, OpenMP), environment (null: not set)
    state        before, after {load_average, sgemm_gflop_per_s, triad_gb_per_s};
                 array_mb, cache_mb: size of each array of the triad, last-level cache

Each requested section is a list of units, each with its `name`:

    layers       table, side, channels, filters, pad, kernel (the module that "auto"
                 chooses), and the entries of networks
    networks     sgemm_gflop_per_s; agreement {contender: {answer: largest difference
                 from the reference's, in units of its largest number}};
                 operations {operation: {contender: figures}}
    attacks      steps, batch, attacks {attack: {ms: summary, overhead: summary of the
                 time outside over the time inside its gradients; ART, Foolbox: summary
                 of their time over ours}}
    memory       peak_mb {contender: 10^6 bytes}
    members      cores, images_per_s {contender: {few, many, ratio: summary}}: one
                 training process on one core, one per core; held_kb_per_image: each
                 process's peak of memory minus its memory after a step of one image,
                 over the images in a batch; moved_kb_per_image (minidl): the bytes that
                 a step must move, as in parts
    scaling      the same: one process on one core, and on all cores
    cold_start   cold, warm {start_s, first_step_s}: seconds for imports and building,
                 and for the first step, without and with Numba's cache
    instructions counted_by, instructions_per_image {operation: {contender: number}}; or
                 not_counted: why
    parts        sgemm_gflop_per_s, triad_gb_per_s, load_average, parts {part: {ms, mb
                 (that it must move), gflop (of products), bound_ms, share, times_bound
                 (null: its bound is 0)}}, see tests.benchmarks.parts

Contenders are "reference", "im2col", "auto" (minidl by default) and "torch".
A summary is {min, low, median, high, max, rounds}; low and high are quartiles.
Figures are {ms: summary, images_per_s, gflop_per_s, vs_sgemm}, rates from the median
and from the operations of a direct convolution. minidl's figures beside PyTorch include
vs_torch, the summary of the ratio in each round.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from minidl.parallel.progress import progress
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
    """Measure on the first cores, with one thread per core; return the result."""
    pinned = pin(options.cores[: options.threads])
    machine.limit(options.threads, options.peers)
    load = os.getloadavg()[0]  # before a process of ours adds to it
    with stream.beside(options.stream_core) as neighbour:
        before = state.measure(options.threads) | {"load_average": load}
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
