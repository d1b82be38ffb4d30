"""Work to be killed: `python -m tests.campaigns.killed KIND FOLDER`, on two processes.

With KILLED_AT=parent:3 (or worker:3) that process kills itself before it renames its
third finished file, when that is on disk under its temporary name.
"""

import os
import signal
import sys
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

import minidl.parallel.progress
from attacks import Suite, Threat, bim, evaluate, model_gradient, pgd
from attacks.victims import model_loss
from ensembles import random_init, train_ensemble
from minidl import mnist_cnn
from minidl.parallel import local_executor
from tutorials.command_line import one_line_errors
from tutorials.paper.__main__ import main as paper_program

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # on Windows SIGTERM can't be caught
PAPER = "run --profile smoke --method random-init --jobs 2"


def paper(folder: Path) -> None:
    """Run a small experiment of the paper."""
    places = ["--results", str(folder / "results"), "--runs", str(folder / "runs")]
    paper_program([*PAPER.split(), *places])


def training(folder: Path) -> None:
    """Train four members."""
    settings = {"epochs": 3, "batch_size": 50, "train_images": 300}
    train_ensemble(random_init(4, 5, "mnist-sample", **settings), None, folder, 2)


def suite() -> Suite:
    """Return a network with random weights, and two attacks."""
    model = mnist_cnn(np.random.default_rng(0))
    loss, gradient = model_loss(model), model_gradient(model)

    def run_bim(x, y, eps, rng):
        return bim(gradient, x, y, eps, eps / 5, 10)

    def run_pgd(x, y, eps, rng):
        return pgd(loss, x, y, eps, eps / 5, 10, rng=rng)

    return Suite(model, {"BIM": run_bim, "PGD": run_pgd})


def evaluation(folder: Path) -> None:
    """Attack the network, in ten batches for each attack."""
    x = np.random.default_rng(1).random((200, 28, 28, 1), np.float32)
    y = mnist_cnn(np.random.default_rng(0)).predict(x)
    with local_executor(2) as executor:
        evaluate(suite, x, y, Threat("Linf", 0.05), 20, 0, folder, executor)


KINDS = {"paper": paper, "training": training, "evaluation": evaluation}


def renamed(rename, turns, last, *paths) -> None:
    """Rename a file; at the last turn, kill this process instead."""
    if next(turns) == last:
        os.kill(os.getpid(), KILL)
    rename(*paths)


def prepare(role: str) -> None:
    """Make this process kill itself if KILLED_AT names its role."""
    who, _, turn = os.environ.get("KILLED_AT", "").partition(":")
    if who == role:
        os.replace = partial(renamed, os.replace, count(1), int(turn))


if __name__ == "__mp_main__":
    prepare("worker")

if __name__ == "__main__":
    prepare("parent")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored behind a `&`
    minidl.parallel.progress.SECONDS_BETWEEN_LINES = 60.0
    with one_line_errors("killed", lambda: "what is finished is kept"):
        print("working", flush=True)
        KINDS[sys.argv[1]](Path(sys.argv[2]))
    print("done", flush=True)
