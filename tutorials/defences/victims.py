"""Each defence as the table attacks it: a classifier, and two ways to its gradient.

`naive` is the forward pass of an adversary who ignores the defence, or follows its true
gradient. `adaptive(counter)` is the attack of an adversary who knows the defence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from attacks import (
    Counter,
    apgd_targeted,
    bpda,
    eot,
    logits_of,
    loss_of,
    margin,
    network,
    pgd,
    targeted_dlr,
)
from attacks.evaluation.suites import Attack
from attacks.forwards import Forward, log_mean, mean_of
from attacks.gradients import gradient_of
from attacks.losses import Loss
from ensembles import Ensemble, MCDropout
from ensembles.member_files import member_path, read_member
from ensembles.training import voters
from minidl.backend import Array
from minidl.layers import Round, Sequential
from tutorials.defences.detector import Detector, undetected_margin
from tutorials.defences.parts import DEPTH, load
from tutorials.defences.rows import Row
from tutorials.defences.settings import Strength

LEVELS = 4  # of a rounded pixel
MakeAttack = Callable[[Counter], Attack]


@dataclass
class Victim:
    """A classifier with its adversaries."""

    classifier: Any
    naive: Forward
    adaptive: MakeAttack
    rejects: bool = False  # its last class means that the image is rejected


class Voters(NamedTuple):
    """A row's trained networks, and how long their adversaries search."""

    networks: Sequence[Sequential]
    votes: Sequence[float]
    beside: Sequence[tuple[Sequential, float]]  # each network's part, and its threshold
    strength: Strength


def victim(row: Row, folder: Path, strength: Strength) -> Victim:
    """Return a row's trained defence, with its members from the folder of runs."""
    members = [read_member(member_path(job, folder), job) for job in row.jobs]
    networks, votes = voters(members)
    beside = [
        load(part, net, folder) for part, net in zip(row.parts, networks, strict=False)
    ]
    return KINDS[row.kind](Voters(networks, votes, beside, strength))


def plain(voters: Voters) -> Victim:
    """Networks alone: they hide no gradient, so the attack follows it for longer."""
    strength = voters.strength
    forward = log_mean([network(net) for net in voters.networks], voters.votes)

    def adaptive(counter: Counter) -> Attack:
        loss = counter.loss(loss_of(forward, targeted_dlr))
        z = counter.scores(logits_of(forward))
        how: Any = {"steps": strength.steps, "targets": strength.targets}
        return lambda x, y, eps, rng: apgd_targeted(z, loss, x, y, eps, rng=rng, **how)

    return Victim(Ensemble(voters.networks, voters.votes), forward, adaptive)


def dropout(voters: Voters) -> Victim:
    """Dropout stays on; the naive adversary attacks the network without dropout."""
    [net], strength = voters.networks, voters.strength

    def adaptive(counter: Counter) -> Attack:
        def one(rng: np.random.Generator) -> Any:
            return counter.loss(loss_of(network(net, rng), margin))

        def attack(x: Array, y: Array, eps: float, rng: np.random.Generator) -> Array:
            mean = eot(one, strength.draws, rng)
            return pgd(mean, x, y, eps, eps / 10, strength.eot_steps, rng=rng)

        return attack

    return Victim(MCDropout(net), network(net), adaptive)


def distilled(voters: Voters) -> Victim:
    """Students: their logits have a gradient where their cross-entropy has none."""
    students = [student for student, _ in voters.beside]
    each = [network(student) for student in students]
    adaptive = climb(each, margin, voters.strength)
    return Victim(Ensemble(students), log_mean(each), adaptive)


def denoised(voters: Voters) -> Victim:
    """An autoencoder in front of each network."""
    naive = log_mean([network(net) for net in voters.networks])
    pairs = zip(voters.networks, voters.beside, strict=True)
    each = [Sequential([front, net], net.input_shape) for net, (front, _) in pairs]
    through = [network(one) for one in each]
    return Victim(Ensemble(each), naive, climb(through, margin, voters.strength))


def rounded(voters: Voters) -> Victim:
    """Rounding in front of each network."""
    nets = voters.networks
    each = [Sequential([Round(LEVELS), *net.layers], net.input_shape) for net in nets]
    naive = log_mean([network(one) for one in each])  # the true gradient is 0
    through = [bpda(network(net), Round(LEVELS).forward) for net in nets]
    return Victim(Ensemble(each), naive, climb(through, margin, voters.strength))


def detector(voters: Voters) -> Victim:
    """A head beside each network: they vote on classes, and on rejecting the image."""
    pairs = zip(voters.networks, voters.beside, strict=True)
    each = [Detector(net, DEPTH, *part) for net, part in pairs]
    naive = log_mean([network(net) for net in voters.networks])
    joint = [one.forward for one in each]
    adaptive = climb(joint, undetected_margin, voters.strength)
    return Victim(Ensemble(each), naive, adaptive, rejects=True)


def climb(each: Sequence[Forward], loss: Loss, strength: Strength) -> MakeAttack:
    """Return PGD with restarts on a loss above 0 where the members' vote is fooled.

    It follows the gradient of the vote, the mean probability, and where this fails the
    gradient of the mean logits: in the vote a confident member hides the others.
    """
    vote = log_mean(each)
    along_logits = gradient_of(loss_of(mean_of(each), loss))

    def values(x: Array, y: Array) -> Array:
        return loss(vote(x)[0], y)[0]

    def adaptive(counter: Counter) -> Attack:
        own = counter.loss(loss_of(vote, loss))
        other = counter.loss(lambda x, y: (values(x, y), along_logits(x, y)))
        how: Any = {"steps": strength.steps, "restarts": strength.restarts}

        def attack(x: Array, y: Array, eps: float, rng: np.random.Generator) -> Array:
            x_adv = x.copy()
            for function in (own, other) if len(each) > 1 else (own,):
                if len(left := np.flatnonzero(values(x_adv, y) <= 0)):
                    walk = partial(pgd, function, x[left], y[left], eps, eps / 10)
                    x_adv[left] = walk(rng=rng, stop_above=0, **how)
            return x_adv

        return attack

    return adaptive


KINDS: dict[str, Callable[[Voters], Victim]] = {
    "plain": plain,
    "dropout": dropout,
    "distilled": distilled,
    "autoencoder": denoised,
    "rounding": rounded,
    "detector": detector,
}
