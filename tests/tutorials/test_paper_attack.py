"""The engine against the same thing written out; keeping, finding and counting."""

import dataclasses

import numpy as np
import pytest

from attacks import bim, fgsm, member_gradient, sum_gradient
from ensembles import Ensemble
from ensembles.materialise import untrained
from minidl.data import load_dataset
from minidl.parallel import limit_threads
from minidl.store import write_arrays
from tests.tutorials.made_up import write_member
from tutorials.paper.experiment import attack as engine
from tutorials.paper.experiment import cases
from tutorials.paper.experiment.adversaries import SUM, adversary
from tutorials.paper.experiment.attack import (
    attack_block,
    carry_out,
    finished,
    images_of,
    place_of,
)
from tutorials.paper.experiment.cases import CLEAN, Block, Case, adv1, adv2
from tutorials.paper.experiment.config import configure
from tutorials.paper.experiment.counts import Counts, count, mean_probability
from tutorials.paper.experiment.members import find_team, load_members, member_jobs
from tutorials.paper.results.examples import first_correct, make_examples
from tutorials.paper.results.scores import method_result, plan
from tutorials.paper.run import attacked

CONFIG = configure(profile="smoke", methods=["random-init", "bagging"])
BIM = {"eps": 0.2, "alpha": 0.025, "steps": 8}
FGSM = {"eps": 0.3}


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    """Members that haven't learned anything, which doesn't matter here."""
    folder, jobs = tmp_path_factory.mktemp("runs"), member_jobs(CONFIG)["bagging"]
    for job in jobs:
        write_member(job, folder)
    return find_team(jobs, folder)


@pytest.fixture
def clean(team):
    """Three blocks of clean images, carried out."""
    work = [Block(CLEAN, team, first, first + 20) for first in (0, 20, 40)]
    return work, carry_out(work)


def on_one_thread(function, *arguments, **options):
    """As blocks are attacked: on two threads, rounding turns other signs."""
    with limit_threads(1):
        return function(*arguments, **options)


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("bounds", [(0, 1), None])
@pytest.mark.parametrize("name", ["member 0", SUM])
@pytest.mark.parametrize(("attack", "parameters"), [(fgsm, FGSM), (bim, BIM)])
def test_a_block_is_the_attack_written_out(
    team, attack, parameters, name, bounds, members
):
    case = Case(name, attack.__name__, parameters, members, bounded=bounds is not None)
    p = on_one_thread(attack_block, Block(case, team, 3, 10))

    data, every = load_dataset(CONFIG.dataset), [untrained(job) for job in team.jobs]
    x, y = data.x_test[3:10].astype(np.float32) / np.float32(255), data.y_test[3:10]
    own = every[:members]
    gradient = sum_gradient(own) if name == SUM else member_gradient(own, 0)
    x_adv = on_one_thread(attack, gradient, x, y, **parameters, bounds=bounds)
    assert p.dtype == np.float32
    assert (p == [on_one_thread(m.predict_proba, x_adv) for m in every]).all()
    assert (x_adv.min() < 0) == (bounds is None)


def test_each_member_attacks_with_its_own_gradient(team):
    p = [
        on_one_thread(attack_block, Block(case, team, 0, 9))
        for case in adv1("fgsm", FGSM, 2)
    ]
    assert (p[0] != p[1]).any()
    with pytest.raises(ValueError, match="nobody"):
        adversary("nobody")


def test_images_are_attacked_in_batches(team):
    case = adv2("fgsm", FGSM, 2)
    ends = ((0, 130), (0, 100), (100, 130))
    whole, *parts = (
        on_one_thread(attack_block, Block(case, team, *block)) for block in ends
    )
    assert (whole == np.concatenate(parts, axis=1)).all()


def test_double_precision_is_double(team):
    case = dataclasses.replace(CLEAN, bits=64)
    p = attack_block(Block(case, team, 0, 3))
    assert p.dtype == np.float64
    assert load_members(team, 64)[0].params[0].data.dtype == np.float64


def test_everything_is_computed_on_one_thread(team, threads_seen):
    carry_out([Block(CLEAN, team, 60, 63)], fresh=True)
    assert threads_seen == {1}


class Answer:
    """A member that has answered already."""

    def __init__(self, p):
        self.predict_proba = lambda x: p


def test_counts_are_those_of_members_and_ensembles():
    """Rounded as the ensemble rounds: a tie is decided in the same way."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], (5, 500)).astype(np.float32)
    y, members = rng.integers(3, size=500), list(map(Answer, p))
    ensembles = [Ensemble(members[:M]) for M in range(1, 6)]
    x, right = np.zeros(500), p.argmax(axis=2) == y
    found = count(p, y)
    assert found == Counts(
        500,
        right.sum(axis=1).tolist(),
        [int((ensemble.predict(x) == y).sum()) for ensemble in ensembles],
        [int(((~right).sum(axis=0) == k).sum()) for k in range(6)],
    )
    assert len({*found.ensembles}) == 5
    assert (mean_probability(p) == ensembles[-1].predict_proba(x)).all()


def test_images_that_fool_nobody_are_counted_too():
    p = np.tile([0.0, 1.0], (2, 3, 1))
    assert count(p, np.ones(3)) == Counts(3, [3, 3], [3, 3], [3, 0, 0])


@pytest.mark.parametrize(
    "change",
    [
        {"case": Case("member 1", "fgsm", FGSM, 2)},
        {"case": Case("member 0", "bim", FGSM, 2)},
        {"case": Case("member 0", "fgsm", {"eps": 0.2}, 2)},
        {"case": Case("member 0", "fgsm", FGSM, 1)},
        {"case": Case("member 0", "fgsm", FGSM, 2, bits=64)},
        {"case": Case("member 0", "fgsm", FGSM, 2, bounded=False)},
        {"first": 1},
        {"stop": 8},
        {"checksums": ("a", "b")},
    ],
)
def test_another_block_has_another_place(team, change):
    one = Block(Case("member 0", "fgsm", FGSM, 2), team, 0, 7)
    if "checksums" in change:
        change = {"team": dataclasses.replace(team, **change)}
    own, other = place_of(one), place_of(dataclasses.replace(one, **change))
    assert own.key != other.key
    assert own.path != other.path
    assert place_of(dataclasses.replace(one)) == own


def test_predictions_belong_to_what_members_compute(team, tmp_path):
    """Not to how long training took, or where."""
    job, _ = team.jobs
    model = untrained(job)
    for change in (False, True):
        model.params[0].data[0] += change
        write_member(job, tmp_path, model, seconds=9.5)
        again = find_team([job], tmp_path).checksums[0]
        assert (again == team.checksums[0]) != change


def test_predictions_belong_to_the_test_images(team, monkeypatch):
    """A file of the same name may hold others."""
    block = Block(CLEAN, team, 0, 20)
    before, data = place_of(block), load_dataset(CONFIG.dataset)
    for name in ("x_test", "y_test"):
        changed = getattr(data, name).copy()
        changed[0] += 1
        others = data._replace(**{name: changed})
        monkeypatch.setattr(engine, "load_dataset", lambda name, d=others: d)
        images_of.cache_clear()
        found = place_of(block)
        assert found.path != before.path
        assert found.key != before.key
    images_of.cache_clear()


def test_what_is_finished_is_not_computed_again(clean, capsys, monkeypatch):
    work, first = clean
    monkeypatch.setattr(engine, "attack_block", lambda *a, **o: pytest.fail("again"))
    capsys.readouterr()
    assert finished(work) == 3
    assert carry_out(work) == first
    assert "3 of 3 evaluations found" in capsys.readouterr().out


def test_the_same_block_twice_is_attacked_once(team, clean, monkeypatch):
    seen = []

    def attack(block, device):
        seen.append(block.first)
        return attack_block(block)

    monkeypatch.setattr(engine, "attack_block", attack)
    work, first = clean
    assert carry_out([*work, work[0]], fresh=True) == [*first, first[0]]
    assert seen == [0, 20, 40]


def test_much_room_is_named(team, capsys, monkeypatch):
    monkeypatch.setattr(engine, "attack_block", lambda *a, **o: np.zeros((2, 20, 10)))
    engine.report([Block(CLEAN, team, 0, 10_000)] * 10, fresh=True)
    assert capsys.readouterr().out.startswith("8 MB of predictions are kept in ")


@pytest.mark.parametrize("arrays", [{"p": np.zeros(3)}, {"q": np.zeros((2, 20, 10))}])
def test_a_file_without_probabilities_is_computed_again(clean, arrays):
    work, first = clean
    path, key = place_of(work[0])
    write_arrays(path, arrays, key=key)
    assert carry_out(work) == first
    assert engine.read(path, key).shape == (2, 20, 10)


def test_a_folder_in_the_place_of_a_file_is_named_before_any_work(team, monkeypatch):
    block = Block(CLEAN, team, 80, 99)
    monkeypatch.setattr(engine, "attack_block", lambda *a, **o: pytest.fail("work"))
    path = place_of(block).path
    path.mkdir(parents=True)
    with pytest.raises(IsADirectoryError, match=f"{path.name} is a folder"):
        carry_out([block])
    path.rmdir()


def test_fresh_computes_everything_again(clean):
    work, first = clean
    path, key = place_of(work[0])
    write_arrays(path, {"p": np.zeros((2, 20, 10), np.float32)}, key=key)
    assert carry_out(work)[0] != first[0]
    assert carry_out(work, fresh=True) == first


def test_the_plan_holds_every_attack_gradient_and_image(team, monkeypatch):
    monkeypatch.setattr(cases, "BLOCK", 8)
    planned = list(plan(team, CONFIG.attacks, 20, 30))
    assert len({place_of(block) for block in planned}) == len(planned)
    clean = [(b.first, b.stop) for b in planned if b.case == CLEAN]
    assert clean == [(0, 8), (8, 16), (16, 20), (20, 28), (28, 30)]
    for attack, parameters in CONFIG.attacks.items():
        for name in ("member 0", "member 1", SUM):
            case = Case(name, attack, parameters, 2)
            assert [b.stop for b in planned if b.case == case] == [8, 16, 20]


def test_all_images_are_attacked_if_no_number_is_given():
    assert attacked(configure(profile="full"), 1000) == 1000
    assert attacked(configure(profile="quick"), 1000) == 300
    assert attacked(configure(profile="quick"), 100) == 100


def test_a_method_is_collected_from_its_blocks(team):
    """Attacked are the first 8 of 10 images; each part has counts of its own."""
    attacks = {"fgsm": FGSM}
    three = [*adv1("fgsm", FGSM, 2), adv2("fgsm", FGSM, 2)]
    done = [
        (Block(CLEAN, team, 0, 8), Counts(8, [4, 8], [4, 6], [4, 4, 0])),
        (Block(CLEAN, team, 8, 10), Counts(2, [0, 2], [0, 2], [0, 2, 0])),
        (Block(three[0], team, 0, 8), Counts(8, [1, 2], [1, 3], [0, 3, 5])),
        (Block(three[1], team, 0, 8), Counts(8, [3, 0], [3, 1], [0, 3, 5])),
        (Block(three[2], team, 0, 8), Counts(8, [0, 0], [0, 0], [0, 0, 8])),
    ]
    found = method_result(team, attacks, done, attacked=8)
    assert found.clean.members == [0.4, 1.0]
    assert found.clean.images == 10
    assert found.clean.ensemble == 0.8
    assert found.clean.fooled == [4, 6, 0]
    assert found.clean_attacked.members == [0.5, 1.0]
    assert found.clean_attacked.images == 8
    assert [s.ensemble for s in found.attacks["fgsm"].adv1] == [3 / 8, 1 / 8]
    assert found.attacks["fgsm"].adv2.fooled == [0, 0, 8]


def test_members_are_loaded_once_for_consecutive_blocks(team):
    loaded = load_members(team)
    assert load_members(team) is loaded


def test_members_that_were_trained_anew_meanwhile_are_not_attacked(team):
    """Their answers would be kept as the old members'."""
    before = dataclasses.replace(team, checksums=("a", *team.checksums[1:]))
    with pytest.raises(ValueError, match=r"npz has changed: another process has train"):
        load_members(before)


class Oracle:
    """Classifies every image as what its first pixel says."""

    classes = 4

    def predict(self, x):
        return np.rint(x[:, 0, 0, 0] * 255).astype(int)


def test_the_first_correct_image_of_each_class_is_chosen():
    y = np.array([2, 0, 0, 3, 2, 0])
    x = np.zeros((6, 1, 1, 1), np.uint8)
    x[:, 0, 0, 0] = [1, 0, 0, 3, 2, 0]  # what is predicted: the first 2 is wrong
    assert first_correct(Oracle(), x, y) == [1, 4, 3]


def test_examples_are_inside_the_ball(team):
    found = make_examples(team, "bim", BIM)
    model = untrained(team.jobs[0])
    assert (model.predict(found["x"]) == found["y"]).all()
    assert (model.predict(found["x_adv"]) == found["predicted"]).all()
    assert np.abs(found["x_adv"] - found["x"]).max() <= 0.2 + 1e-6
    assert found["x_adv"].min() >= 0
    assert found["x_adv"].max() <= 1
    assert (np.diff(found["y"]) > 0).all()
