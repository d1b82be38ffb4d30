"""Members trained together: what each learns, by which loss, against which attack."""

import numpy as np
import pytest

from ensembles import Committee, Ensemble, adp, train_together
from ensembles.together import sum_of_costs
from minidl import (
    SGD,
    Adam,
    Flatten,
    Linear,
    Sequential,
    load_checkpoint,
    save_checkpoint,
    train,
)
from tests.minidl.test_training import network, noise, problem
from tests.oracles import assert_close, differences, same_bits

assert problem  # a fixture


def run(committee, problem, epochs=2, seed=1, optimizer=None, **options):
    optimizer = optimizer or Adam(committee.params, 0.01)
    rng = np.random.default_rng(seed)
    return train_together(committee, *problem, optimizer, epochs, 8, rng, **options)


@pytest.mark.parametrize("perturb", [None, noise])
def test_one_member_alone_gets_the_bits_of_train(problem, perturb):
    alone, committee = network(0, 0.5), Committee([network(0, 0.5)])
    optimizer, rng = Adam(alone.params, 0.01), np.random.default_rng(1)
    expected = train(alone, *problem, optimizer, 2, 8, rng, perturb=perturb)
    assert run(committee, problem, perturb=perturb) == expected
    assert same_bits(committee.params, alone.params)


def test_members_by_their_own_costs_dont_change_each_other(problem):
    """In an epoch without dropout each ends as if trained alone on the same batches."""
    committee = Committee([network(0), network(1)])
    sums = run(committee, problem, 1)
    means = []
    for seed, member in enumerate(committee.members):
        alone = network(seed)
        rng = np.random.default_rng(1)
        means.append(train(alone, *problem, Adam(alone.params, 0.01), 1, 8, rng))
        assert same_bits(member.params, alone.params)
    np.testing.assert_allclose(sums, np.sum(means, axis=0), rtol=1e-6)


def test_a_batch_is_perturbed_once_for_all(problem):
    committee, seen, calls = Committee([network(0), network(1)]), [], []
    forward = Sequential.forward

    def perturb(x, y, rng):
        calls.append(noise(x, y, rng))
        return calls[-1]

    for member in committee.members:
        member.forward = lambda x, rng, m=member: seen.append(x) or forward(m, x, rng)
    run(committee, problem, 1, perturb=perturb)
    assert len(calls) == 7
    for i, batch in enumerate(calls):
        np.testing.assert_array_equal(seen[2 * i], batch)
        assert seen[2 * i + 1] is seen[2 * i]


def test_any_loss_of_all_members_is_descended(problem):
    """The squared difference of the members' logits falls."""

    def disagreement(z, y):
        d = z[0] - z[1]
        return (d * d).sum(axis=1), np.stack([2 * d, -2 * d])

    committee = Committee([network(0), network(1)])
    losses = run(committee, problem, 20, loss=disagreement)
    assert losses[-1] < losses[0] / 20


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("loss", [adp, sum_of_costs])
def test_members_that_diverge_are_an_error_that_names_the_learning_rate(problem, loss):
    committee = Committee([network(0), network(1)])
    with pytest.raises(FloatingPointError, match=r"in epoch 1: .* lr = 1e\+30"):
        run(committee, problem, optimizer=SGD(committee.params, 1e30), loss=loss)


def test_backward_is_the_derivative_of_the_forward_pass():
    committee = Committee([network(0), network(1)]).astype(np.float64)
    rng = np.random.default_rng(0)
    x = rng.random((3, 2, 2, 1))
    dout = rng.normal(size=(2, 3, 3))

    def value():
        return float((committee.forward(x) * dout).sum())

    committee.forward(x)
    committee.members[0].forward(1 - x)  # alone; `backward` belongs to both
    assert_close(committee.backward(dout), differences(value, x), 1e-7)
    for p in committee.params:
        assert_close(p.grad, differences(value, p.data), 1e-7)


def test_training_that_was_interrupted_ends_in_the_same_bits(problem, tmp_path):
    whole = Committee([network(0, 0.5), network(1, 0.5)])
    expected = run(whole, problem, 4, perturb=noise)
    part = Committee([network(0, 0.5), network(1, 0.5)])
    optimizer, rng = Adam(part.params, 0.01), np.random.default_rng(1)
    losses = train_together(part, *problem, optimizer, 1, 8, rng, perturb=noise)
    save_checkpoint(tmp_path / "c.npz", part, optimizer, rng)

    part = Committee([network(7, 0.5), network(8, 0.5)])
    optimizer, rng = Adam(part.params), np.random.default_rng(9)
    load_checkpoint(tmp_path / "c.npz", part, optimizer, rng)
    losses += train_together(part, *problem, optimizer, 3, 8, rng, perturb=noise)
    assert losses == expected
    assert same_bits(part.params, whole.params)


def four_classes():
    rng = np.random.default_rng(1)
    return Sequential([Flatten(), Linear(4, 4, rng=rng)], (2, 2, 1))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([network(0), four_classes()], "must have the same number of classes"),
        ([network(0)] * 2, "must have parameters of their own"),
        ([Ensemble([network(0)])], "must be of type Sequential"),
        (
            [network(0), Sequential([Flatten(), *network(1).layers[1:]], (4, 1, 1))],
            "must take one shape",
        ),
    ],
)
def test_what_cant_be_trained_together(members, message):
    with pytest.raises((TypeError, ValueError), match=rf"^members\S* {message}"):
        Committee(members)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda z, y: (z.sum(axis=0), z), r"must return .* shape \(8,\)"),
        (lambda z, y: (z[0, :, 0], z * np.nan), "must return finite numbers"),
    ],
)
def test_a_loss_that_cant_be_descended_is_named_before_a_step(problem, loss, message):
    committee = Committee([network(0)])
    with pytest.raises((TypeError, ValueError), match=f"^loss {message}"):
        run(committee, problem, loss=loss)
    assert same_bits(committee.params, network(0).params)
