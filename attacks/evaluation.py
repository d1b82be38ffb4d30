"""Does a classifier withstand attacks? Robust accuracy, image by image.

The classifier may be anything with `predict_proba`, and the attacks any functions that
turn images into adversarial ones: a defence of your own as well as a network from here.
"""

import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np

from attacks.counting import Counter
from attacks.norms import flat
from attacks.outcomes import Evaluation, Outcome, join
from attacks.saved import read_outcome, write_outcome
from attacks.threat import Threat, check_threat
from attacks.victims import images, probabilities
from minidl.backend import Array
from minidl.checks import check_count, check_labels, check_stored_images
from minidl.parallel import limit_threads, run_jobs
from minidl.progress import progress
from minidl.store import key_of
from minidl.training import Classifier, batches, to_float

# (x, y, eps, rng) -> x_adv; y holds targets if the threat model is targeted.
Attack: TypeAlias = Callable[[Array, Array, float, np.random.Generator], Array]


@dataclass
class Suite:
    """A classifier and the attacks it must withstand, by name.

    The counter, if the attacks' functions were wrapped in it, tells what they cost.
    """

    classifier: Classifier
    attacks: Mapping[str, Attack]
    counter: Counter = field(default_factory=Counter)


MakeSuite: TypeAlias = Callable[[], Suite]


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
    Same seed, same bits, whatever the executor and however often interrupted.

    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,) labels or targets. Raises
    TypeError or ValueError for bad arguments, and ValueError if an attack leaves the
    threat model.
    """
    check_stored_images("x", x)
    check_labels("y", y, len(x))
    check_threat(threat)
    check_count("batch_size", batch_size)
    check_count("seed", seed, 0)
    with limit_threads(1):  # as on a worker: what it trains must have the same bits
        here = make_suite()
        p = probabilities(here.classifier.predict_proba, to_float(x[:batch_size]))
    check_suite(here)
    check_labels("y", y, len(x), p.shape[1])
    run = key_of(repr(threat), seed, x, y, p)  # p is of a batch: its size counts too
    jobs = [
        Job(name, int(batch[0]), x[batch], y[batch])
        for name in here.attacks
        for batch in batches(np.arange(len(x)), batch_size)
    ]
    make = (lambda: here) if executor is None else make_suite
    place = None if folder is None else Path(folder)
    work = partial(attack_batch, make, threat=threat, seed=seed, run=run, folder=place)
    parts: dict[str, dict[int, Outcome]] = {name: {} for name in here.attacks}
    for job, outcome in progress(run_jobs(work, jobs, executor), len(jobs), "batches"):
        parts[job.name][job.start] = outcome
    return Evaluation(
        threat,
        {name: join([part[k] for k in sorted(part)]) for name, part in parts.items()},
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
    suite, x = make_suite(), to_float(job.x)
    p = probabilities(suite.classifier.predict_proba, x)
    before = threat.fooled(p.argmax(axis=1), job.y)
    key = key_of(job.name, job.start, repr(threat), seed, x, job.y, p)
    path = None if folder is None else folder / f"{job.name}-{job.start}.npz"
    found = None if path is None else read_outcome(path, run, key)
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
        found = suite.attacks[job.name](x[todo], y[todo], threat.eps, rng)
        threat.check(found, x[todo])
        x_adv[todo] = found
    p = probabilities(suite.classifier.predict_proba, x_adv)
    outcome = Outcome(
        before=before,
        fooled=threat.fooled(p.argmax(axis=1), y),
        distance=threat.distances(x_adv, x),
        gradients=counter.gradients - gradients,
        queries=counter.queries - queries,
        seconds=time.perf_counter() - start,
    )
    return outcome, x_adv


def generator(seed: int, name: str, start: int) -> np.random.Generator:
    """Return the generator of one attack on one batch, whatever goes before it."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), start])


def within(attack: Attack, threat: Threat) -> Attack:
    """Return an attack without eps of its own that gives up where it goes too far.

    NaN isn't far: what isn't a number stays, and is an error of the evaluation.
    """
    check_threat(threat)

    def limited(x: Array, y: Array, eps: float, rng: np.random.Generator) -> Array:
        x_adv = attack(x.copy(), y, eps, rng)  # x itself is what it is compared with
        inside = replace(threat, eps=eps).contains(x_adv, x)
        broken = np.isnan(flat(x_adv)).any(axis=1)
        return np.where(images(inside | broken, x), x_adv, x)

    return limited


def check_suite(suite: Suite) -> None:
    """Raise unless there are attacks, with names that can name files."""
    if not suite.attacks:
        raise ValueError("the suite must have at least one attack, got none")
    check_names("an attack's name", suite.attacks)
    for name in suite.attacks:
        if not name or set(name) & set("/\\\0"):
            raise ValueError(
                f"an attack's name must be usable in a file's, got {name!r}"
            )


def check_names(what: str, names: Iterable[object]) -> None:
    """Raise TypeError for a name that isn't a text."""
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{what} must be a text, got {name!r}")
