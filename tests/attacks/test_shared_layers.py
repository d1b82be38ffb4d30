"""Networks that share layers have the gradients of copies."""

from copy import deepcopy

import numpy as np
import pytest

from attacks import (
    ensemble_loss,
    margin_gradient,
    mean_logit_gradient,
    mean_probability_gradient,
    member_gradient,
    sum_gradient,
)
from attacks.forwards import (
    log_mean_probability,
    mean_logits,
    mean_probability,
    network,
)
from attacks.gradients import gradient_of
from minidl import Conv2D, Flatten, Linear, MaxPool2D, ReLU, Sequential
from tests.oracles import assert_close

GRADIENTS = {
    "member": lambda members: member_gradient(members, 0),
    "sum": sum_gradient,
    "mean probability": mean_probability_gradient,
    "ensemble loss": lambda members: gradient_of(ensemble_loss(members)),
    "mean logit": mean_logit_gradient,
    "margin": margin_gradient,
}


def team(rng):
    """Three members with one ReLU, one pooling and one convolution."""
    relu, pool, conv = ReLU(), MaxPool2D(2), Conv2D(2, 8, rng=rng)
    return [
        Sequential([*head, pool, Flatten(), relu, Linear(32, 3, rng=rng)], (6, 6, 2))
        for head in ([conv, ReLU()], [conv], [Conv2D(2, 8, rng=rng), ReLU()])
    ]


@pytest.mark.parametrize("name", GRADIENTS)
def test_members_that_share_layers_have_the_gradient_of_copies(name, rng):
    """All run forward before any runs backward."""
    members = [member.astype(np.float64) for member in team(rng)]
    x, y = rng.random((5, 6, 6, 2)), np.array([0, 1, 2, 0, 1])
    shared = GRADIENTS[name](members)(x, y)
    assert_close(shared, GRADIENTS[name](list(map(deepcopy, members)))(x, y), 1e-12)


@pytest.mark.parametrize(
    "forward_of",
    [lambda m: network(m[0]), mean_logits, mean_probability, log_mean_probability],
)
def test_each_call_has_a_way_back_of_its_own(forward_of, rng):
    forward = forward_of([member.astype(np.float64) for member in team(rng)])
    inputs = [rng.random((n, 6, 6, 2)) for n in (5, 5, 3)]
    slopes = [rng.standard_normal((len(x), 3)) for x in inputs]
    expected = [forward(x)[1](dz) for x, dz in zip(inputs, slopes, strict=True)]
    ways = [forward(x)[1] for x in inputs]
    for way, dz, wanted in zip(ways, slopes, expected, strict=True):
        assert np.array_equal(way(dz), wanted)
