"""From a job to a network and its training data, in the process that trains it."""

from collections.abc import Sequence
from typing import TypeAlias

from ensembles.architectures import build_architecture
from ensembles.bayesian import seen_and_held_out
from ensembles.boosting import Learner, weights_of_images
from ensembles.jobs import CHAINS, MemberJob
from ensembles.methods import add_noise, bootstrap_replicate
from ensembles.together import Committee
from minidl.backend import Array
from minidl.checks.rules import checked
from minidl.layers import Sequential

Network: TypeAlias = Sequential | Committee  # one, or several trained together
Learners: TypeAlias = Sequence[Learner]  # the earlier members of a chain
Data: TypeAlias = tuple[Array, Array]  # images and labels


@checked(job=MemberJob, x="images", y="labels", earlier=Sequence)
def materialise(
    job: MemberJob, x: Array, y: Array, earlier: Learners = ()
) -> tuple[Network, Array, Array]:
    """Return the job's network, with which training starts, and its training data.

    `earlier` are the networks of the job's chain, with their votes.
    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,); the same for the results.
    Raises TypeError or ValueError for other images or labels, for fewer images than the
    job's `train_images`, and for a single one, of which snapshots hold one out.
    """
    before = job.index if job.method in CHAINS else 0
    if len(earlier) != before:
        raise ValueError(
            f"earlier must be {before} members for member {job.index} of {job.method}, "
            f"got {len(earlier)}"
        )
    if job.train_images is not None and job.train_images > len(x):
        raise ValueError(
            f"train_images must be at most {len(x)}, all training images, got "
            f"{job.train_images}"
        )
    if job.method == "snapshots" and len(x) == 1:
        raise ValueError("x must be 2 or more images, some to hold out, got 1")
    model = untrained(job)
    if job.method == "snapshots" and earlier:
        copy_params(earlier[-1][0], model)
    return model, *data_of(job, x[: job.train_images], y[: job.train_images], earlier)


def data_of(job: MemberJob, x: Array, y: Array, earlier: Learners) -> Data:
    """Return the images and labels that the job's method trains on."""
    rng = job.generator("data")
    match job.method:
        case "bagging":
            drawn = bootstrap_replicate(len(x), rng)
        case "boosting":
            drawn = rng.choice(len(x), len(x), p=weights_of_images(earlier, x, y))
        case "gaussian-noise":
            return add_noise(x, job.sigma, rng), y
        case "snapshots":
            return seen_and_held_out(x, y)[0]
        case _:  # its members train on the same images
            return x, y
    return x[drawn], y[drawn]


def untrained(job: MemberJob, attempt: int = 0) -> Network:
    """Return the job's network or networks, with an attempt's initial weights."""
    rng, name = job.generator("weights", attempt), job.architecture
    every = [build_architecture(name, rng) for _ in range(job.together)]
    return every[0] if job.together == 1 else Committee(every)


def networks_of(model: Network) -> tuple[Sequential, ...]:
    """Return a job's networks as a tuple."""
    return model.members if isinstance(model, Committee) else (model,)


def copy_params(source: Network, target: Network) -> None:
    """Copy one network's parameters to another."""
    for p, q in zip(target.params, source.params, strict=True):
        p.data[...] = q.data
