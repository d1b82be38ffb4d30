"""Does a classifier withstand attacks? Robust accuracy, image by image.

The classifier may be anything with `predict_proba`, and the attacks any functions that
turn images into adversarial ones: a defence of your own as well as a network from here.
"""

import time
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from attacks.evaluation.outcomes import Evaluation, Outcome, join
from attacks.evaluation.saved import read_outcome, write_outcome
from attacks.evaluation.suites import (
    MakeSuite,
    Suite,
    check_work,
    generator,
    made,
    run_attack,
)
from attacks.threat import Threat
from minidl.answers import probabilities
from minidl.backend import Array, device_of, to_numpy
from minidl.checks import check_labels
from minidl.files import check_writable
from minidl.parallel import limit_threads, run_jobs
from minidl.progress import progress
from minidl.store import key_of
from minidl.training import batches, to_float


@dataclass(frozen=True)
class Job:
    """One attack on one batch of images."""

    name: str
    start: int
    x: Array
    y: Array


def evaluate(
    make_suite: MakeSuite,
    x: Array,
    y: Array,
    threat: Threat,
    batch_size: int = 100,
    seed: int = 0,
    folder: str | Path | None = None,
    executor: Executor | None = None,
) -> Evaluation:
    """Attack all images with all attacks, batch by batch.

    `make_suite` is called where the work is done: once in this process, and with an
    executor once for each batch and attack on a worker (it must be picklable then).
    With a folder each finished batch is saved there, adversarial images included, and
    not done again. Batches of another classifier, other images or another threat model
    are recognised; other settings of an attack are not, so give it another name.
    Same seed and batches, same bits on one kind of processor, whatever the executor and
    however often interrupted. Images on a GPU are attacked there.

    An image that is misread once, before the attack or after it, is fooled: a random
    defence's answers differ. (Its batches are never recognised.)

    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,) labels or targets. Raises
    TypeError or ValueError for bad arguments, and OSError for a folder that can't be
    written, before it attacks; TypeError or ValueError, with the attack's name, for
    what isn't images like x or leaves the threat model.
    """
    check_work(x, y, threat, batch_size, seed)
    check_means(make_suite, executor)
    place = None if folder is None else check_writable("folder", folder)
    device, x, y = device_of(x), to_numpy(x), to_numpy(y)
    with limit_threads(1):  # as on a worker: what it trains must have the same bits
        here = made(make_suite, device)
        p = probabilities(here.classifier.predict_proba, to_float(x[:batch_size]))
    check_labels("y", y, len(x), p.shape[1])
    run = key_of(repr(threat), seed, x, y, p)  # p is of a batch: its size counts too
    jobs = [
        Job(name, int(batch[0]), x[batch], y[batch])
        for name in here.attacks
        for batch in batches(np.arange(len(x)), batch_size)
    ]
    make = partial(made, make_suite, device) if executor else lambda: here
    work = partial(attack_batch, make, threat=threat, seed=seed, run=run, folder=place)
    parts: dict[str, dict[int, Outcome]] = {name: {} for name in here.attacks}
    for job, outcome in progress(run_jobs(work, jobs, executor), len(jobs), "batches"):
        parts[job.name][job.start] = outcome
    return Evaluation(
        threat,
        {name: join([part[k] for k in sorted(part)]) for name, part in parts.items()},
    )


def check_means(make_suite: Any, executor: Any) -> None:
    """Raise TypeError unless there is a function to call, and something to call it."""
    if not callable(make_suite):
        raise TypeError(
            "make_suite must be a function that returns a Suite, such as lambda: "
            f"suite, got {type(make_suite).__name__}"
        )
    if not (executor is None or isinstance(executor, Executor)):
        raise TypeError(
            "executor must be a concurrent.futures.Executor or None, got "
            f"{type(executor).__name__}"
        )


def attack_batch(
    make_suite: MakeSuite,
    job: Job,
    threat: Threat,
    seed: int,
    run: str,
    folder: Path | None,
) -> tuple[Job, Outcome]:
    """Attack a batch, or find what was saved of it; either belongs to this `run`."""
    suite, x = made(make_suite), to_float(job.x)
    p = probabilities(suite.classifier.predict_proba, x)
    before = threat.fooled(p.argmax(axis=1), job.y)
    key = key_of(job.name, job.start, repr(threat), seed, x, job.y, p)
    path = None if folder is None else folder / f"{job.name}-{job.start}.npz"
    found = None if path is None else read_outcome(path, run, key, x.nbytes)
    if found is not None:
        return job, found
    outcome, x_adv = attack_images(suite, job, x, before, threat, seed)
    if path is not None:
        write_outcome(path, run, key, outcome, x_adv)
    return job, outcome


def attack_images(
    suite: Suite, job: Job, x: Array, before: Array, threat: Threat, seed: int
) -> tuple[Outcome, Array]:
    """Attack those images of a batch that aren't fooled `before`; check the result."""
    todo, y, counter = np.flatnonzero(~before), job.y, suite.counter
    gradients, queries = counter.gradients, counter.queries
    x_adv, start = x.copy(), time.perf_counter()
    if len(todo):
        rng = generator(seed, job.name, job.start)
        attack = suite.attacks[job.name]
        x_adv[todo] = run_attack(job.name, attack, x[todo], y[todo], threat, rng)
    p = probabilities(suite.classifier.predict_proba, x_adv)
    outcome = Outcome(
        before=before,
        # A random defence may be right about an image that it was wrong about before.
        fooled=before | threat.fooled(p.argmax(axis=1), y),
        distance=threat.distances(x_adv, x),
        gradients=counter.gradients - gradients,
        queries=counter.queries - queries,
        seconds=time.perf_counter() - start,
    )
    return outcome, x_adv
