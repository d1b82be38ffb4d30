"""A unit of evaluation against the same thing written out; saving and finding units."""

import dataclasses

import numpy as np
import pytest

from attacks import bim, fgsm, member_gradient, sum_gradient
from ensembles import Ensemble
from ensembles.member_files import TrainedMember, member_path, write_finished
from ensembles.methods import untrained
from minidl import accuracy
from minidl.data import load_dataset
from minidl.parallel import limit_threads
from minidl.store import key_of, read_json, write_json
from tutorials.paper.experiment import attack as evaluation
from tutorials.paper.experiment import plan as units
from tutorials.paper.experiment.attack import (
    Counts,
    Unit,
    add,
    count,
    evaluate,
    images_of,
    load_members,
)
from tutorials.paper.experiment.config import configure
from tutorials.paper.experiment.plan import (
    attacked,
    checksum,
    evaluate_units,
    member_jobs,
    place_of,
    plan,
)
from tutorials.paper.results.examples import ExamplesJob, first_correct, make_examples
from tutorials.paper.results.table2 import method_result, score, select

CONFIG = configure(profile="smoke", methods=["random-init", "bagging"])


def write_member(job, model, folder, seconds=1.5):
    member = TrainedMember(job, [p.data for p in model.params], [2.0], seconds)
    write_finished(member_path(job, folder), member, job)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of members; they haven't learned anything, which doesn't matter here."""
    folder = tmp_path_factory.mktemp("runs")
    for jobs in member_jobs(CONFIG).values():
        for job in jobs:
            write_member(job, untrained(job), folder)
    return folder


@pytest.fixture(scope="module")
def jobs():
    return tuple(member_jobs(CONFIG)["bagging"])


def unit(jobs, attack=None, source=None, first=0, stop=7, **parameters):
    return Unit(jobs, ("a", "b"), attack, parameters, source, first, stop)


def expected(members, x, y):
    """Accuracies by the library's own function."""
    return [accuracy(m, x, y) for m in (*members, Ensemble(members))]


@pytest.mark.parametrize("source", [0, 1, None])
@pytest.mark.parametrize("attack", [None, "fgsm", "bim"])
def test_a_unit_is_the_attack_written_out(runs, jobs, attack, source):
    parameters = {} if attack is None else CONFIG.attacks[attack]
    counts = evaluate(unit(jobs, attack, source, 3, 10, **parameters), runs)

    data, members = load_dataset(CONFIG.dataset), [untrained(job) for job in jobs]
    x, y = data.x_test[3:10].astype(np.float32) / np.float32(255), data.y_test[3:10]
    gradient = (
        sum_gradient(members) if source is None else member_gradient(members, source)
    )
    with limit_threads(1):  # as units are: on two, rounding turns other signs
        if attack == "fgsm":
            x = fgsm(gradient, x, y, eps=0.3)
        if attack == "bim":
            x = bim(gradient, x, y, eps=0.2, alpha=0.025, steps=8)
        wanted = expected(members, x, y)
        wrong = sum(m.predict(x) != y for m in members)
    assert counts.images == 7
    found = [n / 7 for n in (*counts.members, counts.ensemble)]
    assert found == pytest.approx(wanted)
    assert counts.fooled == [int((wrong == k).sum()) for k in range(3)]


@pytest.mark.parametrize(
    "work",
    [
        lambda jobs, runs: evaluate(unit(jobs, "fgsm", 0, eps=0.1), runs),
        lambda jobs, runs: make_examples(ExamplesJob(jobs[0], None, {}, runs)),
    ],
    ids=["a unit", "examples"],
)
def test_everything_is_computed_on_one_thread(runs, jobs, threads_seen, work):
    work(jobs, runs)
    assert threads_seen == {1}


def test_images_are_attacked_in_batches(runs, jobs):
    whole = evaluate(unit(jobs, "fgsm", 0, 0, 130, eps=0.1), runs)
    parts = [
        evaluate(unit(jobs, "fgsm", 0, *ends, eps=0.1), runs)
        for ends in ((0, 100), (100, 130))
    ]
    assert whole == add(parts)


def test_counts_add_up():
    total = add([Counts(3, [1, 2], 2, [1, 1, 1]), Counts(2, [2, 0], 1, [0, 2, 0])])
    assert total == Counts(5, [3, 2], 3, [1, 3, 1])


@pytest.mark.parametrize(
    "change",
    [
        {"attack": "bim"},
        {"source": 1},
        {"first": 1},
        {"stop": 8},
        {"checksums": ("a",)},
        {"parameters": {"eps": 0.2}},
        {"members": ()},
    ],
)
def test_another_unit_has_another_key(jobs, change):
    one = unit(jobs, "fgsm", 0, eps=0.1)
    assert key_of(dataclasses.replace(one, **change)) != key_of(one)
    assert key_of(dataclasses.replace(one)) == key_of(one)


def test_the_plan_holds_every_attack_gradient_and_image(runs, monkeypatch):
    monkeypatch.setattr(units, "BLOCK", 8)
    planned = plan(CONFIG, 30, runs)  # 20 of 30 test images are attacked
    assert len({key_of(u) for u in planned}) == len(planned)
    for method in CONFIG.methods:
        own = [u for u in planned if u.method == method]
        clean = [(u.first, u.stop) for u in own if u.attack is None]
        assert clean == [(0, 8), (8, 16), (16, 20), (20, 28), (28, 30)]
        for attack in ("fgsm", "bim"):
            for source in (0, 1, None):
                found = select([(u, None) for u in own], attack, source)
                assert [u.stop for u, _ in found] == [8, 16, 20]


def test_all_images_are_attacked_if_no_number_is_given():
    assert attacked(configure(profile="full"), 1000) == 1000
    assert attacked(configure(profile="quick"), 1000) == 300
    assert attacked(configure(profile="quick"), 100) == 100


def test_what_is_finished_is_not_computed_again(runs, capsys, monkeypatch):
    planned = [u for u in plan(CONFIG, 20, runs) if u.attack != "bim"]
    first = evaluate_units(planned, None, runs)
    monkeypatch.setattr(units, "evaluate", lambda unit, folder: pytest.fail("again"))
    assert evaluate_units(planned, None, runs) == first
    assert (
        f"{len(planned)} of {len(planned)} evaluations found" in capsys.readouterr().out
    )


@pytest.mark.parametrize("damage", ["", "{", '{"images": 1}', "[]"])
def test_a_damaged_file_is_computed_again(runs, damage):
    planned = [u for u in plan(CONFIG, 20, runs) if u.attack is None]
    first = evaluate_units(planned, None, runs)
    place_of(planned[0], runs).path.write_text(damage, encoding="utf-8")
    assert evaluate_units(planned, None, runs) == first
    assert read_json(*place_of(planned[0], runs))


def test_a_changed_digit_or_another_units_file_is_computed_again(runs):
    planned = [u for u in plan(CONFIG, 20, runs) if u.attack is None]
    first = evaluate_units(planned, None, runs)
    one, other, *_ = (place_of(u, runs).path for u in planned)
    text = other.read_text(encoding="utf-8")
    ensemble = first[1][1].ensemble
    assert text.count(f'"ensemble": {ensemble},') == 1
    one.write_text(text, encoding="utf-8")
    text = text.replace(f'"ensemble": {ensemble},', '"ensemble": 20,')
    other.write_text(text, encoding="utf-8")
    assert evaluate_units(planned, None, runs) == first


def test_a_folder_in_the_place_of_counts_is_named_before_any_work(runs, monkeypatch):
    planned = plan(CONFIG, 20, runs)[:2]
    monkeypatch.setattr(units, "evaluate", lambda unit, folder: pytest.fail("work"))
    path = place_of(planned[0], runs).path
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)
    with pytest.raises(IsADirectoryError, match=f"{path.name} is a folder"):
        evaluate_units(planned, None, runs)
    path.rmdir()


def test_evaluations_belong_to_what_members_compute(runs, tmp_path):
    """Not to how long training took, or where."""
    [job, *_] = member_jobs(CONFIG)["bagging"]
    model = untrained(job)
    for seconds in (1.5, 9.5):
        write_member(job, model, tmp_path, seconds)
        assert checksum(job, tmp_path) == checksum(job, runs)
    model.params[0].data[0] += 1
    write_member(job, model, tmp_path)
    assert checksum(job, tmp_path) != checksum(job, runs)


def test_evaluations_belong_to_the_test_images(runs, monkeypatch):
    """A file of the same name may hold others."""
    [unit, *_] = plan(CONFIG, 20, runs)
    before, data = place_of(unit, runs), load_dataset(CONFIG.dataset)
    for name in ("x_test", "y_test"):
        changed = getattr(data, name).copy()
        changed[0] += 1
        others = data._replace(**{name: changed})
        monkeypatch.setattr(evaluation, "load_dataset", lambda name, d=others: d)
        images_of.cache_clear()
        found = place_of(unit, runs)
        assert found.path != before.path
        assert found.key != before.key
    images_of.cache_clear()


def test_fresh_computes_everything_again(runs):
    planned = [u for u in plan(CONFIG, 20, runs) if u.attack is None]
    evaluate_units(planned, None, runs)
    wrong = Counts(20, [0, 0], 0, [0, 0, 20])
    path, key = place_of(planned[0], runs)
    write_json(path, wrong, key)
    assert evaluate_units(planned, None, runs)[0][1] == wrong
    assert evaluate_units(planned, None, runs, fresh=True)[0][1] != wrong


def test_scores_are_fractions_of_all_blocks():
    blocks = [
        (None, Counts(8, [4, 8], 6, [4, 4, 0])),
        (None, Counts(2, [1, 2], 2, [1, 1, 0])),
    ]
    found = score(blocks)
    assert (found.images, found.members, found.ensemble) == (10, [0.5, 1.0], 0.8)
    assert found.fooled == [5, 5, 0]


def test_a_method_is_collected_from_its_units(jobs):
    """Attacked are the first 8 of 10 images; each part has counts of its own."""
    done = [
        (unit(jobs, None, None, 0, 8), Counts(8, [4, 8], 6, [4, 4, 0])),
        (unit(jobs, None, None, 8, 10), Counts(2, [0, 2], 2, [0, 2, 0])),
        (unit(jobs, "fgsm", 0, 0, 8), Counts(8, [1, 2], 3, [0, 3, 5])),
        (unit(jobs, "fgsm", 1, 0, 8), Counts(8, [3, 0], 1, [0, 3, 5])),
        (unit(jobs, "fgsm", None, 0, 8), Counts(8, [0, 0], 0, [0, 0, 8])),
    ]
    found = method_result([None, None], ["fgsm"], done, attacked=8)
    assert found.clean.members == [0.4, 1.0]
    assert found.clean.images == 10
    assert found.clean_attacked.members == [0.5, 1.0]
    assert found.clean_attacked.images == 8
    assert [s.ensemble for s in found.attacks["fgsm"].adv1] == [3 / 8, 1 / 8]
    assert found.attacks["fgsm"].adv2.fooled == [0, 0, 8]


class Sure:
    """A member that says 1 of every image."""

    def predict_proba(self, x):
        return np.tile([0.0, 1.0], (len(x), 1))


def test_images_that_fool_nobody_are_counted_too():
    x, y = np.zeros((3, 2, 2, 1)), np.array([1, 1, 1])
    assert count([Sure(), Sure()], x, y) == Counts(3, [3, 3], 3, [3, 0, 0])


def test_members_are_loaded_once_for_consecutive_units(runs, jobs):
    loaded = load_members(jobs, ("a", "b"), runs)
    assert load_members(jobs, ("a", "b"), runs) is loaded
    assert load_members(jobs, ("a", "c"), runs) is not loaded


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


def test_examples_are_inside_the_ball(runs, jobs):
    job = ExamplesJob(jobs[0], "bim", CONFIG.attacks["bim"], runs)
    found = make_examples(job)
    model = untrained(jobs[0])
    assert (model.predict(found["x"]) == found["y"]).all()
    assert (model.predict(found["x_adv"]) == found["predicted"]).all()
    assert np.abs(found["x_adv"] - found["x"]).max() <= 0.2 + 1e-6
    assert found["x_adv"].min() >= 0
    assert found["x_adv"].max() <= 1
    assert (np.diff(found["y"]) > 0).all()
