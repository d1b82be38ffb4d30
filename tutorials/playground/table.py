"""Accuracies on MNIST's first 1,000 test images under the page's attacks.

They are counted in float32, by minidl's compiled kernels, with all ten networks and no
defence. The first network stands for all in attacks with a single network's gradient.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minidl.data import load_dataset
from minidl.parallel import limit_threads
from minidl.store import key_of, read_json, write_json
from minidl.store.finish import Place, finish
from tutorials.playground.attack import Setting, seen
from tutorials.playground.networks import committee, stored
from tutorials.playground.training import SIGMA

IMAGES, BATCH = 1000, 100
EVERY, LARGEST = 5, 30  # eps in hundredths
EPS = range(0, LARGEST + 1, EVERY)
WHOSE = ("sum", "own", "0")

Count = tuple[Setting, int]  # eps in hundredths


def settings() -> Iterator[Setting]:
    """Yield all settings that are counted."""
    for net in SIGMA:
        for rule in ("bim", "fgsm"):
            for whose in WHOSE:
                yield Setting(net=net, rule=rule, whose=whose)


def table(runs: Path, workers: int) -> dict[str, Any]:
    """Return how many images are still classified correctly at each eps."""
    works = {
        place_of(one(s, eps), runs): one(s, eps) for s in settings() for eps in EPS
    }
    done = finish(works, count, read, write, workers, "settings counted")
    counts = {works[place]: found for place, found in done}
    rows = {name_of(s): [counts[one(s, eps)] for eps in EPS] for s in settings()}
    return {"images": IMAGES, "every": EVERY, "steps": 8, "counts": rows}


def one(s: Setting, eps: int) -> Count:
    """Return the count to make; at eps 0 all attacks are the same."""
    return (s, eps) if eps else (Setting(net=s.net, rule="fgsm", whose="0"), 0)


def name_of(s: Setting) -> str:
    """Return a setting's name in the table."""
    return f"{s.net} {s.rule} {s.whose}"


def place_of(work: Count, runs: Path) -> Place:
    """Return where a count is kept."""
    key = key_of(*work, IMAGES, stored()["q"], stored()["scales"])
    return Place(runs / f"{key[:16]}.json", key)


def count(work: Count, images: int = IMAGES) -> int:
    """Return the number of the first images that are still classified correctly."""
    s, eps = work
    data = load_dataset("mnist")
    x, y = data.x_test[:images].astype(np.float32) / 255, data.y_test[:images]
    networks = [m.astype(np.float32) for m in committee(s.net)]
    parts = [slice(n, n + BATCH) for n in range(0, images, BATCH)]
    with limit_threads(1):
        each = [seen(s, networks, x[p], y[p], eps / 100) for p in parts]
    return int((np.concatenate(each) == y).sum())


def read(path: Path, key: str) -> int:
    """Return a kept count."""
    return int(read_json(path, key)["right"])


def write(path: Path, right: int, key: str) -> None:
    """Keep a count."""
    write_json(path, {"right": right}, key)
