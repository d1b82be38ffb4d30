"""Boosting and snapshots: the formulas by hand, and chains of jobs that resume."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ensembles import (
    Ensemble,
    boosting,
    chains,
    materialise,
    random_init,
    snapshots,
    train_ensemble,
    training,
)
from ensembles.bayesian import mean_likelihood, seen_and_held_out
from ensembles.boosting import learners_vote, reweighted
from ensembles.chains import waves
from ensembles.jobs import MemberJob
from ensembles.member_files import member_path
from ensembles.training import train_member, train_members
from minidl.batches import in_batches
from minidl.data import Dataset
from minidl.parallel import limit_threads
from minidl.store import to_json
from tests.ensembles.conftest import assert_same
from tests.ensembles.tiny_data import COUNT
from tests.oracles import same_bits

K = 10
SMALL = {"epochs": 2, "batch_size": 32, "architecture": "mnist-cnn"}


class Always:
    """A learner of fixed answers, one image a row."""

    def __init__(self, classes):
        self.given = classes

    def predict_proba(self, x):
        return np.eye(K)[self.given]


def samme(answers, y):
    """AdaBoostClassifier(algorithm="SAMME") of scikit-learn, by hand.

    Its _boost: estimator_error = average(incorrect, weights=sample_weight);
    estimator_weight = log((1 - err) / err) + log(n_classes - 1);
    sample_weight = exp(log(sample_weight) + estimator_weight * incorrect), normalised.
    """
    w, votes = np.ones(len(y)) / len(y), []
    for answer in answers:
        wrong = answer != y
        err = np.average(wrong, weights=w)
        votes.append(np.log((1 - err) / err) + np.log(K - 1.0))
        w = np.exp(np.log(w) + votes[-1] * wrong)
        w /= w.sum()
    scores = sum(v * np.eye(K)[a] for v, a in zip(votes, answers, strict=True))
    return w, votes, scores.argmax(axis=1)


def test_votes_weights_and_the_vote_are_sammes(rng):
    y = rng.integers(K, size=200)
    answers = [np.where(rng.random(200) < p, y, 3) for p in (0.6, 0.4, 0.9)]
    w, votes = np.full(200, 1 / 200), []
    for answer in answers:
        votes.append(learners_vote(w, answer != y, K))
        w = reweighted(w, answer != y, votes[-1])
        # The same learner again would be no better than guessing.
        assert w[answer != y].sum() == pytest.approx(1 - 1 / K)
    expected_w, expected, predicted = samme(answers, y)
    assert_allclose(w, expected_w)
    assert_allclose(votes, expected)
    ensemble = Ensemble(map(Always, answers), votes)
    assert_array_equal(ensemble.predict(np.zeros((200, 2, 2, 1))), predicted)


def test_the_next_learners_images_are_drawn_by_sammes_weights(rng):
    y, x = rng.integers(K, size=200), np.zeros((200, 28, 28, 1), np.uint8)
    x[:, 0, 0, 0] = np.arange(200)
    answers = [np.where(rng.random(200) < p, y, 3) for p in (0.6, 0.4)]
    w, votes, _ = samme(answers, y)
    learners = [SimpleNamespace(predict=lambda x, a=a: a) for a in answers]
    job = boosting(3, 0, "mnist-sample", **SMALL)[2]
    _, images, labels = materialise(job, x, y, list(zip(learners, votes, strict=True)))
    drawn = job.generator("data").choice(200, 200, p=w)
    assert_array_equal(images[:, 0, 0, 0], drawn)
    assert_array_equal(labels, y[drawn])


def test_a_perfect_learner_has_a_finite_vote():
    w, right = np.full(50, 1 / 50), np.zeros(50, bool)
    assert learners_vote(w, right, K) == pytest.approx(np.log(99) + np.log(9))


def test_no_learner_has_a_larger_vote_than_a_perfect_one():
    """Not even one whose only error is an image with a tiny weight."""
    w, wrong = np.full(50, 1 / 50), np.arange(50) == 0
    w[0] = 1e-30
    w /= w.sum()
    assert learners_vote(w, wrong, K) == learners_vote(w, ~wrong & wrong, K)
    with np.errstate(all="raise"):
        assert_array_equal(reweighted(np.array([0.0, 1.0]), wrong[:2], 3.0), [0, 1])


@pytest.mark.parametrize("error", [0.9, 0.95, 1.0])
def test_a_learner_no_better_than_guessing_is_refused(error):
    wrong = np.arange(100) < 100 * error
    with pytest.raises(ValueError, match=r"no better than guessing among 10"):
        learners_vote(np.full(100, 0.01), wrong, K)


@pytest.mark.parametrize("count", [7, 520])  # in one batch, or in two
def test_the_mean_likelihood_is_the_geometric_mean(rng, count):
    """A network whose logits are log p: its mean is exp(mean log p), by hand."""
    p = rng.dirichlet(np.ones(K), count)
    y = rng.integers(K, size=count)
    x = np.arange(float(count)).reshape(count, 1, 1, 1)

    known = SimpleNamespace(forward=lambda x: np.log(p[x[:, 0, 0, 0].astype(int)]))
    own = p[np.arange(count), y]
    assert mean_likelihood(known, x, y) == pytest.approx(np.prod(own ** (1 / count)))


def test_a_snapshot_that_is_sure_and_wrong_still_has_a_weight():
    sure = SimpleNamespace(forward=lambda x: np.eye(K)[np.zeros(len(x), int)] * 1e4)
    vote = mean_likelihood(sure, np.zeros((3, 2, 2, 1)), np.ones(3, int))
    assert Ensemble([Always([0])] * 2, [vote, vote]).weights == [0.5, 0.5]


def test_snapshots_hold_out_the_last_tenth(rng):
    x, y = rng.random((55, 2, 2, 1)), np.arange(55)
    (_, seen), (_, out) = seen_and_held_out(x, y)
    assert_array_equal(seen, np.arange(50))
    assert_array_equal(out, np.arange(50, 55))


def test_snapshots_need_an_image_to_train_on_and_one_to_hold_out(rng):
    x, y = rng.integers(256, size=(2, 28, 28, 1), dtype=np.uint8), np.arange(2)
    [job] = snapshots(1, 0, "mnist", **SMALL)
    assert len(materialise(job, x, y)[1]) == 1
    with pytest.raises(ValueError, match=r"^x must be 2 or more images, .*, got 1"):
        materialise(job, x[:1], y[:1])


@pytest.fixture
def learns(monkeypatch):
    """Data that a network learns within two epochs: each class is one bright row."""
    rng, y = np.random.default_rng(3), np.arange(COUNT) % K
    x = rng.integers(60, size=(COUNT, 28, 28, 1), dtype=np.uint8)
    x[np.arange(COUNT), 2 * y + 4] = 250
    found = Dataset(x, y, x[:10], y[:10])
    monkeypatch.setattr(training, "load_dataset", lambda name: found)
    return found


def jobs_of(method, members=3, **settings):
    return method(members, 5, "mnist-sample", **SMALL | {"epochs": 6, **settings})


@pytest.mark.parametrize("count", [COUNT, 80])
def test_boosted_members_are_their_jobs_carried_out_by_hand(learns, count):
    """After two epochs not all are perfect, so that they vote differently."""
    jobs = jobs_of(boosting, epochs=2, train_images=count)
    members = train_members(jobs, workers=1)
    x, y = learns.x_train[:count], learns.y_train[:count]
    w, learners = np.full(count, 1 / count), []
    for member in members:
        _, seen, labels = materialise(member.job, x, y, learners)
        chosen = np.random.default_rng([member.job.seed, 1]).choice(count, count, p=w)
        assert_array_equal(seen, x[chosen])
        assert_array_equal(labels, y[chosen])
        wrong = in_batches(member.model().predict, x) != y
        assert member.vote == learners_vote(w, wrong, K)
        w = reweighted(w, wrong, member.vote)
        learners.append((member.model(), member.vote))
    ensemble = train_ensemble([m.job for m in members], workers=1)
    votes = [member.vote for member in members]
    assert len({*votes}) > 1
    assert_allclose(ensemble.weights, votes / np.sum(votes))


@pytest.mark.parametrize("count", [COUNT, 50])
def test_a_snapshot_begins_where_the_one_before_it_ended(learns, count):
    jobs = jobs_of(snapshots, epochs=1, train_images=count)
    members = train_members(jobs, workers=1)
    x, y = learns.x_train[:count], learns.y_train[:count]
    earlier = [(member.model(), member.vote) for member in members]
    for i in (1, 2):
        model, seen, _ = materialise(jobs[i], x, y, earlier[:i])
        assert len(seen) == count - count // 10
        assert same_bits(model.params, members[i - 1].params)
    held_out = x[len(seen) :], y[len(seen) :]
    with limit_threads(1):  # as in training: BLAS may round differently on several
        for member in members:
            assert member.vote == mean_likelihood(member.model(), *held_out)


def test_the_learning_rate_falls_along_a_cosine(learns, monkeypatch):
    rates = []

    def train(model, x, y, optimizer, epochs, batch_size, rng, callbacks, perturb):
        for epoch in range(1, epochs + 1):
            rates.append(optimizer.lr)
            for callback in callbacks:
                callback(epoch, 1.0)

    monkeypatch.setattr(training, "train", train)
    train_member(jobs_of(random_init, 1, epochs=4, schedule="cosine", lr=0.1)[0])
    assert_allclose(rates, 0.05 * (1 + np.cos(np.pi * np.arange(4) / 4)))


@pytest.mark.parametrize("method", [boosting, snapshots])
def test_a_chain_that_is_interrupted_goes_on_in_the_same_bits(
    learns, tmp_path, train_until, method
):
    """In the middle of the second member; the first is kept, and not trained again."""
    jobs, how = jobs_of(method, 2), {"folder": tmp_path, "workers": 1}
    whole = train_members(jobs, workers=1)
    train_until(3, train_members, jobs, index=1, **how)
    assert member_path(jobs[0], tmp_path).exists()
    assert_same(train_members(jobs[1:], **how)[0], whole[1])
    for a, b in zip(train_members(jobs, **how), whole, strict=True):
        assert_same(a, b)


def test_finished_members_are_kept_when_a_later_one_only_guesses(
    learns, tmp_path, monkeypatch
):
    """The second learner's answers are all wrong."""
    jobs, right = jobs_of(boosting), iter([True, False])
    answers = lambda predict, x: learns.y_train + (not next(right))  # noqa: E731
    monkeypatch.setattr(chains, "in_batches", answers)
    with pytest.raises(ValueError, match=r"^boosting, member 1: .* guessing"):
        train_members(jobs, folder=tmp_path, workers=1)
    assert [member_path(job, tmp_path).exists() for job in jobs] == [True, False, False]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("method", [snapshots, random_init])
def test_a_member_whose_last_step_diverges_is_not_kept(learns, tmp_path, method):
    """The same call says the same again."""
    jobs = jobs_of(method, 1, epochs=1, batch_size=COUNT, lr=1e38, optimizer="sgd")
    for _ in range(2):
        with pytest.raises(FloatingPointError, match=r"^the parameters' length .* 1e"):
            train_ensemble(jobs, folder=tmp_path, workers=1)
    assert not member_path(jobs[0], tmp_path).exists()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_snapshot_whose_outputs_overflow_has_no_vote(learns):
    [job] = jobs_of(snapshots, 1)
    model, x, y = materialise(job, learns.x_train, learns.y_train)
    for p in model.params:
        p.data *= np.float32(1e15)
    with pytest.raises(FloatingPointError, match=r"^the snapshot's vote is nan in epo"):
        chains.vote_of(job, model, x, y, [])


def test_waves_hold_what_waits_for_none_of_them():
    chain, others = boosting(3, 0, "mnist"), random_init(2, 0, "mnist")
    assert [*waves([chain[2], *others])] == [
        [chain[0], *others],
        [chain[1]],
        [chain[2]],
    ]


def test_a_chain_is_part_of_its_jobs(tmp_path):
    one, other = (boosting(2, 0, "mnist", lr=lr)[1] for lr in (0.1, 0.2))
    assert replace(one, lr=0.2) != other  # the job before it differs
    paths = {member_path(j, tmp_path) for j in (one, other, replace(one, lr=0.2))}
    assert len(paths) == 3
    assert to_json(one).count('"index"') == 2


@pytest.mark.parametrize("method", [boosting, snapshots])
def test_a_member_without_those_before_it_is_refused(learns, method):
    [_, job] = jobs_of(method, 2)
    with pytest.raises(ValueError, match=r"^earlier must be 1 members"):
        train_member(job)
    other = {"mnist": "mnist-sample"}.get(job.dataset, "mnist")
    for change in ({"index": 2}, {"train_images": 9}, {"dataset": other}):
        with pytest.raises(ValueError, match=r"^after must be the job before"):
            replace(job, **change)
    with pytest.raises(ValueError, match=r"^after must be the job before"):
        MemberJob("bagging", 1, 0, "mnist", "mnist-cnn", after=job.after)


@pytest.mark.parametrize(
    ("method", "change", "message"),
    [
        ("boosting", {"together": 2}, "together must be 1 for boosting"),
        ("snapshots", {"together": 3}, "together must be 1 for snapshots"),
        ("boosting", {"attempts": 2}, "attempts must be 1 in chains and for networks"),
        ("bagging", {"attempts": 2, "together": 2}, "attempts must be 1 in chains and"),
        ("bagging", {"loss": "adp"}, "together must be 2 to 9 for adp.*, got 1"),
        ("bagging", {"loss": "adp", "together": 10}, "together must be 2 to 9.*got 10"),
        ("snapshots", {"train_images": 1}, "train_images must be 2 or more for snap"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_named(method, change, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        MemberJob(method, 0, 0, "mnist", "mnist-cnn", **change)


def test_settings_that_fit_each_other_are_allowed():
    allowed = MemberJob("bagging", 0, 0, "mnist", "mnist-cnn", loss="adp", together=2)
    assert replace(allowed, together=9).together == 9
    assert replace(allowed, together=1, loss="cross-entropy", attempts=2).attempts == 2


@pytest.mark.parametrize("perturb", [len, MemberJob, object(), "fgsm"])
def test_a_perturbation_is_a_frozen_dataclass_that_can_be_called(perturb):
    with pytest.raises(TypeError, match=r"^perturb must be a callable frozen"):
        MemberJob("bagging", 0, 0, "mnist", "mnist-cnn", perturb=perturb)
