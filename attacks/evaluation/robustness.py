"""Does a classifier withstand attacks? Robust accuracy, image by image.

The classifier may be anything with `predict_proba`, for example your own defence, and
an attack any function that turns images into adversarial images.
"""

import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from attacks.evaluation.outcomes import Evaluation, Outcome, join
from attacks.evaluation.saved import read_outcome, write_outcome
from attacks.evaluation.suites import (
    KEPT,
    WORK,
    MakeSuite,
    Suite,
    generator,
    made,
    run_attack,
)
from attacks.threat import Threat
from attacks.victims import per_image
from minidl.backend import Array, device_of, to_numpy
from minidl.batches import batches, to_float
from minidl.checks import check_labels
from minidl.checks.answers import probabilities
from minidl.checks.rules import checked
from minidl.parallel import limit_threads, run_jobs
from minidl.store import key_of
from minidl.store.finish import Place, finish

ROUNDING = 1e-4  # of probabilities


@dataclass(frozen=True)
class Batch:
    """Images for one attack, and the classifier's probabilities without it.

    Shapes: x (N, H, W, C), y (N,), p and p_noisy (N, K).
    """

    name: str
    start: int  # of the first among all images
    x: Array
    y: Array
    p: Array
    p_noisy: Array  # of noisy copies


@checked(**WORK, **KEPT)
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

    `make_suite` is called once in this process and, with an executor, once for each
    batch, clean or attacked, on a worker (it must be picklable then). With a folder,
    each finished batch is saved there with its adversarial images, and used again only
    for the same classifier, images and threat model. A classifier is known by its
    answers to the images and to noisy copies, and by which of the saved adversarial
    images fool it. In small batches two that return classes alone may still agree on
    all of these, so give them folders of their own. A change of an attack's settings
    is not noticed, so give the attack another name. The same seed and batch size give
    the same bits on one kind of processor, whatever the executor and interruptions.
    Images on a GPU are attacked there.

    An image counts as fooled if it is misclassified before the attack or after it. (For
    a random defence the two can differ, and saved batches are never used again.) The
    classifier predicts the first batch twice; if the answers differ, the table says
    that it is random, and its attacks must follow the expectation (`attacks.eot`).

    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,) labels or targets. Before
    it attacks, raises TypeError or ValueError for bad arguments, and OSError for a
    folder that can't be written; later, TypeError or ValueError with an attack's name
    if its result isn't images like x or leaves the threat model.
    """
    device, x, y = device_of(x), to_numpy(x), to_numpy(y)
    with limit_threads(1):  # as on a worker: a network trained here has the same bits
        here = made(make_suite, device)
    make = partial(made, make_suite, device) if executor else lambda: here
    parts = {int(part[0]): part for part in batches(np.arange(len(x)), batch_size)}
    images = [(start, x[part]) for start, part in parts.items()]
    clean = dict(run_jobs(partial(predict, make), images, executor))
    p, p_noisy = (np.concatenate([clean[s][i] for s in parts]) for i in (0, 1))
    random = clean[0][2]
    check_labels("y", y, len(x), p.shape[1])
    every = [
        Batch(name, start, x[part], y[part], p[part], p_noisy[part])
        for name in here.attacks
        for start, part in parts.items()
    ]
    works = {place_of(batch, threat, seed, folder): batch for batch in every}
    run = key_of(repr(threat), seed, batch_size, x, y, p)
    fools = partial(fooled_now, here, works, threat)
    read, write = partial(read_outcome, run, fools), partial(write_outcome, run)
    attack = partial(attack_batch, make, threat=threat, seed=seed)
    done = finish(works, attack, read, write, executor, "batches", fresh=random)
    outcomes = {place: outcome for place, (outcome, _) in done}
    parts_of = {
        name: [outcomes[place] for place, batch in works.items() if batch.name == name]
        for name in here.attacks
    }
    joined = {name: join(own) for name, own in parts_of.items()}
    return Evaluation(threat, joined, random)


def predict(
    make_suite: MakeSuite, images: tuple[int, Array]
) -> tuple[int, tuple[Array, Array, bool]]:
    """Return a batch's start, its probabilities, its noisy copies', and if they vary.

    Noisy copies tell classifiers apart that return classes alone, which are often the
    same for all clean images. The first batch is predicted twice, the second time after
    one more image, because a random defence may draw from a seed and the batch.
    Rounding may differ too, but by less than ROUNDING.
    """
    start, x = images[0], to_float(images[1])
    ask = partial(probabilities, make_suite().classifier.predict_proba)
    x_noisy = noisy(x)
    p, p_noisy = ask(x), ask(x_noisy)
    if start > 0:
        return start, (p, p_noisy, False)
    again = ask(np.concatenate([x[:1], x, x_noisy]))[1:]
    changes = abs(again - np.concatenate([p, p_noisy]))
    return start, (p, p_noisy, bool(changes.max() > ROUNDING))


def noisy(x: Array) -> Array:
    """Return (1 - t) x + t u, u uniform in [0, 1]: t grows from image to image."""
    t = per_image(np.arange(1, len(x) + 1) / (len(x) + 1), x)
    u = np.random.default_rng(0).random(x.shape)
    return ((1 - t) * x + t * u).astype(x.dtype)


def place_of(batch: Batch, threat: Threat, seed: int, folder: Any) -> Place:
    """Return where a batch is saved, if anywhere, and the key of what defines it."""
    x, name, answers = to_float(batch.x), batch.name, (batch.p, batch.p_noisy)
    key = key_of(name, batch.start, repr(threat), seed, x, batch.y, *answers)
    return Place(folder and folder / f"{name}-{batch.start}.npz", key)


def fooled_now(
    suite: Suite,
    works: Mapping[Place, Batch],
    threat: Threat,
    place: Place,
    x_adv: Array,
) -> Array:
    """Tell which images saved at a place fool the classifier today; (N,) bool."""
    with limit_threads(1):  # as on a worker
        return fooled(suite, works[place], threat, x_adv)


def fooled(suite: Suite, batch: Batch, threat: Threat, x_adv: Array) -> Array:
    """Tell which images fool the classifier, by x_adv or without an attack; (N,) bool.

    A random defence may be right about an image on which it was wrong before.
    """
    p = probabilities(suite.classifier.predict_proba, x_adv)
    before, after = (threat.fooled(q.argmax(axis=1), batch.y) for q in (batch.p, p))
    return before | after


def attack_batch(
    make_suite: MakeSuite, batch: Batch, threat: Threat, seed: int
) -> tuple[Outcome, Array]:
    """Attack the images of a batch that aren't fooled yet, and check the result.

    Returns the outcome and the images.
    """
    suite, x, y = make_suite(), to_float(batch.x), batch.y
    before = threat.fooled(batch.p.argmax(axis=1), y)
    todo, counter = np.flatnonzero(~before), suite.counter
    gradients, queries = counter.gradients, counter.queries
    x_adv, since = x.copy(), time.perf_counter()
    if len(todo):
        rng, attack = (
            generator(seed, batch.name, batch.start),
            suite.attacks[batch.name],
        )
        x_adv[todo] = run_attack(batch.name, attack, x[todo], y[todo], threat, rng)
    outcome = Outcome(
        before=before,
        fooled=fooled(suite, batch, threat, x_adv),
        distance=threat.distances(x_adv, x),
        gradients=counter.gradients - gradients,
        queries=counter.queries - queries,
        seconds=time.perf_counter() - since,
    )
    return outcome, x_adv
