"""How the settings that the paper leaves open were chosen: cross-validation.

    python -m tutorials.paper.choose epochs --dataset mnist-sample
    python -m tutorials.paper.choose sigma --dataset mnist-sample

Each fifth of the training images in turn is left out of training and classified
afterwards. Only clean accuracy is measured; no attack is run and no test image read.
The numbers that `experiment/config.py` took from here stand there, with the rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ensembles import METHODS, MemberJob, materialise
from minidl import accuracy, train
from minidl.data import load_dataset
from minidl.optimizers import OPTIMIZERS
from minidl.parallel import (
    available_cores,
    limit_threads,
    local_executor,
    run_jobs,
)
from minidl.progress import progress
from tutorials.command_line import (
    load_once,
    number_of_epochs,
    number_of_processes,
    one_line_errors,
    parser_of,
)
from tutorials.paper.experiment.config import DATASETS
from tutorials.paper.paper_numbers import HALVES, cost_of_noise

FOLDS = 5
BATCH_SIZES = (16, 32, 64)
SIGMAS = (0.0, 0.1, 0.2, 0.3, 0.4)


@dataclass(frozen=True)
class Trial:
    """One training: a member's job, and the fold that it isn't shown."""

    job: MemberJob
    fold: int

    def name(self) -> str:
        """Return what is compared: all but the fold."""
        job = self.job
        return f"{job.method} batch={job.batch_size} sigma={job.sigma}"


def validate(trial: Trial) -> tuple[Trial, list[float]]:
    """Return the accuracy on the fold left out, after each epoch."""
    data, job = load_dataset(trial.job.dataset), trial.job
    held_out = np.arange(len(data.x_train)) % FOLDS == trial.fold
    x, y = data.x_train[held_out], data.y_train[held_out]
    seen = data.x_train[~held_out], data.y_train[~held_out]
    model, x_seen, y_seen = materialise(job, *seen)
    optimizer = OPTIMIZERS[job.optimizer](model.params, job.lr)
    rng = np.random.default_rng(trial.fold)
    scores: list[float] = []
    with limit_threads(1):
        train(
            model,
            x_seen,
            y_seen,
            optimizer,
            job.epochs,
            job.batch_size,
            rng,
            callbacks=[lambda epoch, loss: scores.append(accuracy(model, x, y))],
        )
    return trial, scores


def epoch_trials(dataset: str, epochs: int) -> Iterator[Trial]:
    """Yield trials of the batch sizes, with the plain method and the least accurate."""
    for method in ("random-init", "bagging"):
        for batch_size in BATCH_SIZES:
            settings = {"epochs": epochs, "batch_size": batch_size}
            jobs = METHODS[method](FOLDS, 0, dataset, **settings)
            yield from map(Trial, jobs, range(FOLDS))


def sigma_trials(dataset: str, epochs: int) -> Iterator[Trial]:
    """Yield trials of the noise; those of one fold differ in nothing else."""
    settings = {"epochs": epochs, "batch_size": DATASETS[dataset].batch_size}
    jobs = METHODS["gaussian-noise"](FOLDS, 0, dataset, sigma=0.1, **settings)
    for sigma in SIGMAS:
        noisy = [replace(job, sigma=sigma) for job in jobs]
        yield from map(Trial, noisy, range(FOLDS))


def report(outcomes: list[tuple[Trial, list[float]]]) -> None:
    """Print the mean and the lowest fold's accuracy after each epoch."""
    for name in dict.fromkeys(trial.name() for trial, _ in outcomes):
        scores = np.array([s for trial, s in outcomes if trial.name() == name])
        print(name)
        for label, row in (("mean", scores.mean(axis=0)), ("lowest", scores.min(0))):
            print(f"  {label:<6}", *(f"{value:.4f}" for value in row))


def largest_sigma(outcomes: list[tuple[Trial, list[float]]], allowed: float) -> float:
    """Return the largest noise that costs no more accuracy than is allowed."""
    means = {
        sigma: np.mean([s[-1] for trial, s in outcomes if trial.job.sigma == sigma])
        for sigma in SIGMAS
    }
    return max(sigma for sigma in SIGMAS if means[0.0] - means[sigma] <= allowed)


def search(setting: str, dataset: str, epochs: int, jobs: int) -> None:
    """Carry out one of the two searches and print what it found."""
    make = epoch_trials if setting == "epochs" else sigma_trials
    trials = sorted(make(dataset, epochs), key=lambda trial: trial.fold)
    with local_executor(jobs) as executor:
        finished = run_jobs(validate, trials, executor)
        outcomes = list(progress(finished, len(trials), "trials"))
    outcomes.sort(key=lambda outcome: trials.index(outcome[0]))
    report(outcomes)
    if setting == "sigma":
        allowed = cost_of_noise(dataset if dataset in HALVES else "mnist")
        sigma = largest_sigma(outcomes, allowed)
        print(
            f"largest sigma that costs at most {allowed:.4f}, as in the paper: {sigma}"
        )


def main(argv: list[str] | None = None) -> None:
    """Do what the command line says."""
    parser = parser_of("tutorials.paper.choose", __doc__)
    add = parser.add_argument
    add("setting", choices=["epochs", "sigma"])
    add("--dataset", choices=DATASETS, default="mnist-sample")
    add("--epochs", type=number_of_epochs, help="how long to train each trial")
    add("--jobs", type=number_of_processes, default=available_cores())
    args = parser.parse_args(argv)
    epochs = args.epochs or DATASETS[args.dataset].quick_epochs
    with one_line_errors(parser.prog):
        load_once(args.dataset)
        search(args.setting, args.dataset, epochs, args.jobs)


if __name__ == "__main__":
    main()
