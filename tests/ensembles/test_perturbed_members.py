"""Members that are trained on perturbed images, alone or together: as by hand."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from attacks import (
    Adversarial,
    growing,
    mean_probability_gradient,
    model_gradient,
    pgd_perturb,
)
from ensembles import (
    Committee,
    adp,
    materialise,
    random_init,
    train_ensemble,
    train_together,
    training,
)
from ensembles.member_files import member_path
from ensembles.training import train_member
from minidl import Adam, train
from tests.ensembles.conftest import assert_same
from tests.ensembles.tiny_data import COUNT
from tests.oracles import same_bits

PGD = Adversarial(0.2, 0.05, 2, growth=0.5)
HOW = (2, 32)  # epochs, batch size


def one(**settings):
    settings = {"epochs": 2, "batch_size": 32} | settings
    return random_init(1, 5, "mnist-sample", **settings)[0]


def assert_params(member, *models):
    assert same_bits(member.params, [p for model in models for p in model.params])


@pytest.mark.parametrize("batch_size", [32, 40])  # the last batch may be smaller
def test_a_member_is_attacked_by_its_own_gradient(tiny_data, batch_size):
    job = one(perturb=PGD, batch_size=batch_size)
    model, x, y = materialise(job, tiny_data.x_train, tiny_data.y_train)
    optimizer, rng = Adam(model.params), job.generator("training")
    growth = growing(optimizer, math.ceil(COUNT / batch_size))  # half of two epochs
    perturb = pgd_perturb(model_gradient(model), 0.2, 0.05, 2, growth=growth)
    with training.limit_threads(1):
        train(model, x, y, optimizer, 2, batch_size, rng, perturb=perturb)
    assert_params(train_member(job), model)


@pytest.mark.parametrize("loss", ["cross-entropy", "adp"])
def test_members_together_are_attacked_by_the_ensembles_gradient(tiny_data, loss):
    job = one(perturb=replace(PGD, growth=0), together=3, loss=loss)
    committee, x, y = materialise(job, tiny_data.x_train, tiny_data.y_train)
    assert isinstance(committee, Committee)
    optimizer, rng = Adam(committee.params), job.generator("training")
    gradient = mean_probability_gradient(committee.members)
    how = {"perturb": pgd_perturb(gradient, 0.2, 0.05, 2)}
    how |= {"loss": adp} if loss == "adp" else {}
    with training.limit_threads(1):
        train_together(committee, x, y, optimizer, *HOW, rng, **how)
    assert_params(train_member(job), *committee.members)


@pytest.mark.parametrize("together", [1, 3])
def test_an_interrupted_training_goes_on_in_the_same_bits(
    tiny_data, tmp_path, train_until, together
):
    """The random starts are the generator's, and eps the optimizer's steps."""
    job = one(perturb=PGD, together=together, epochs=3)
    for epochs in (1, 2):
        train_until(epochs, train_member, job, tmp_path)
    assert_same(train_member(job, tmp_path), train_member(job))


def test_networks_trained_together_are_the_ensembles_members(tiny_data, tmp_path):
    jobs = [one(together=2), replace(one(), index=7)]
    ensemble = train_ensemble(jobs, folder=tmp_path, workers=1)
    assert len(ensemble.members) == 3
    assert ensemble.weights == [1 / 3] * 3
    found = train_ensemble(jobs, folder=tmp_path, workers=1)
    x = tiny_data.x_test.astype(np.float32)
    assert_array_equal(found.predict_proba(x), ensemble.predict_proba(x))


@dataclass(frozen=True)
class Another(type(PGD)):
    """Fields as those of Adversarial, under another name."""


def elsewhere():
    """Return another class named Another, with the same fields."""

    class Another(type(PGD)):
        pass

    return Another


@dataclass(frozen=True)
class Nested:
    """A perturbation described by another dataclass."""

    part: object

    def __call__(self, members, optimizer, steps):
        return lambda x, y, rng: x


@dataclass
class Changeable:
    """Not frozen: without a hash, and another perturbation any time."""

    eps: float = 0.2

    def __call__(self, members, optimizer, steps):
        return lambda x, y, rng: x


def test_each_perturbation_has_a_file_of_its_own(tmp_path):
    jobs = [
        *(one(), one(perturb=PGD), one(perturb=PGD, together=2), one(together=2)),
        *(one(perturb=replace(PGD, eps=0.3)), one(perturb=replace(PGD, steps=3))),
        *(one(perturb=replace(PGD, growth=0)), one(together=2, loss="adp")),
        *(one(perturb=Another(0.2, 0.05, 2)), one(schedule="cosine")),
        *(one(perturb=Nested(part(0.2, 0.05, 2))) for part in (type(PGD), Another)),
        one(perturb=elsewhere()(0.2, 0.05, 2)),
    ]
    assert len({member_path(job, tmp_path) for job in jobs}) == len(jobs)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"perturb": lambda members, optimizer, steps: None}, "perturb"),
        ({"perturb": "pgd"}, "perturb"),
        ({"perturb": Adversarial}, "perturb"),
        ({"perturb": Changeable()}, "perturb"),
        ({"together": 0}, "together"),
        ({"loss": "adp"}, "together"),
        ({"loss": "hinge", "together": 2}, "loss"),
        ({"schedule": "step"}, "schedule"),
    ],
)
def test_what_can_not_be_trained_is_refused_by_name(settings, named):
    with pytest.raises((TypeError, ValueError), match=f"^{named} must"):
        one(**settings)
