"""How the settings that the paper leaves open were chosen.

    python -m tutorials.paper.search --dataset mnist

Each network is scored on training images that were held out when it was trained: the
last images of a full data set, another fifth for each network on the embedded sample
(cross-validation). Only clean accuracy counts; no attack is run and no test image read.
All trials are in results/search/; finished trials aren't repeated.

There are three searches, each with the settings that the searches before it chose. The
aim is the paper's networks: the nearest accuracy wins, not the best.

    optimizer      of five usual in 2017: the first whose mean accuracy is, within one
                   standard error, nearest to the paper's single classifiers. On the
                   sample: the fewest epochs at which bagging, the least accurate
                   method, reaches 0.96
    sigma          of method (iv)'s noise: the largest that costs no more accuracy than
                   the paper's noise cost its single classifiers, tried from the largest
                   down. The sample is too small to choose; all are tried
    architectures  of mixed models, a few epochs each: none is chosen, but a network
                   that learned nothing would have to be replaced
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ensembles import MemberJob
from ensembles.member_files import forget
from minidl.parallel import available_cores, local_executor, run_jobs
from minidl.parallel.progress import progress
from minidl.store import write_json
from minidl.store.files import check_writable
from minidl.store.schema import read_as
from tutorials.command_line import (
    a_path,
    load_once,
    number_of_processes,
    one_line_errors,
    parser_of,
    writable_runs,
)
from tutorials.paper.experiment.config import NETWORKS, PLAIN, suffix
from tutorials.paper.search.rules import Search, Trial, accuracies, choose
from tutorials.paper.search.trials import (
    PARTS,
    architecture_jobs,
    optimizer_jobs,
    sigma_jobs,
    validate,
)

# By search: its jobs, given what is found so far, and what they differ in.
SEARCHES = {
    "optimizer": (optimizer_jobs, ("optimizer", "lr", "batch_size", "epochs")),
    "sigma": (sigma_jobs, ("sigma",)),
    "architectures": (architecture_jobs, ("architecture",)),
}


def search(found: Search, runs: Path, workers: int) -> Iterator[Search]:
    """Yield all trials so far, after each new one.

    Finished trials aren't repeated, and stay until others replace them.
    """
    trials = (*found.optimizer, *found.sigma, *found.architectures)
    known = {trial.job: trial for trial in trials}
    for name, (jobs_of, keys) in SEARCHES.items():
        while missing := [job for job in jobs_of(found) if job not in known]:
            with local_executor(workers) as executor:
                done = run_jobs(partial(validate, runs=runs), missing, executor)
                for trial in progress(done, len(missing), f"{name}: trials"):
                    known[trial.job] = trial
                    yield (found := with_trials(found, name, known))
                    forget(trial.job, runs)  # its epochs: the trial is written
        yield (found := with_trials(found, name, known))
        if getattr(found, name):
            report(found, name, *keys)


def with_trials(found: Search, name: str, known: dict[MemberJob, Trial]) -> Search:
    """Return the trials so far, with all known trials of one search."""
    jobs_of, _ = SEARCHES[name]
    trials: dict[str, Any] = {name: [known[j] for j in jobs_of(found) if j in known]}
    return replace(found, **trials)


def report(found: Search, name: str, *keys: str) -> None:
    """Print the accuracies of each setting of a search."""
    print(f"{name}: accuracy on held-out training images", flush=True)
    for setting, scores in accuracies(getattr(found, name), *keys).items():
        each = " ".join(f"{score:.4f}" for score in scores)
        words = " ".join(map(str, setting))
        print(f"  {words:<24} mean {np.mean(scores):.4f}  of {each}", flush=True)


def begin(dataset: str, path: Path, network: str = PLAIN) -> Search:
    """Return the search in a file, or without a file a search without trials.

    Raises DamagedError for a file of another kind, and ValueError for a search on
    another data set, network or split.
    """
    images = len(load_once(dataset).x_train)
    held_out = images // PARTS[dataset]
    empty = Search(dataset, images - held_out, held_out, [], [], [], network)
    before = read_as(Search, path) if path.exists() else empty
    if replace(before, optimizer=[], sigma=[], architectures=[]) != empty:
        raise ValueError(
            f"{path} holds a search on {before.train_images} images of "
            f"{before.dataset} ({before.network} network), asked for "
            f"{empty.train_images} of {dataset} ({network}): choose another --json"
        )
    return before


def main(argv: list[str] | None = None) -> None:
    """Search, write all trials, and print what the rules choose."""
    parser = parser_of("tutorials.paper.search", __doc__)
    add = parser.add_argument
    add("--dataset", choices=PARTS, default="mnist", help="(default: mnist)")
    add("--network", choices=NETWORKS, default=PLAIN, help=f"(default: {PLAIN})")
    add("--json", type=a_path, metavar="FILE", help="(default: in results/search)")
    add("--runs", type=a_path, metavar="DIR", help="(default: the user's cache)")
    add("--jobs", type=number_of_processes, default=available_cores())
    args = parser.parse_args(argv)
    name = args.dataset + suffix(args.network)
    path = args.json or Path(f"results/search/{name}.json")
    with one_line_errors(parser.prog, lambda: "the same command continues"):
        runs = writable_runs(args.runs)
        check_writable("--json", path.parent)
        before = begin(args.dataset, path, args.network)
        for found in search(before, runs / "search", args.jobs):
            write_json(path, found)
        print(f"{path} written; chosen: {choose(found)}")


if __name__ == "__main__":
    main()
