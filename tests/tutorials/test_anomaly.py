"""The anomaly's experiments: adversaries, directions, counting and the page."""

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import bim, fgsm, input_gradient, member_gradient
from attacks.evaluation.intervals import wilson
from ensembles import Ensemble
from minidl.store import DamagedError, read_json, write_json
from tests.attacks.conftest import CLASSES
from tests.oracles import slope
from tests.tutorials.made_up import SMOKE
from tutorials.anomaly import __main__ as cli
from tutorials.anomaly import run
from tutorials.anomaly.directions import Step, look, pairwise_cosines
from tutorials.anomaly.experiments import EXPERIMENTS
from tutorials.anomaly.findings import curves, finding, left, rows
from tutorials.anomaly.plan import Plan
from tutorials.anomaly.record import Outcome, Record, read, write
from tutorials.anomaly.report import QUESTIONS, write_report
from tutorials.anomaly.run import perform
from tutorials.paper.claims.intervals import of_both, student
from tutorials.paper.experiment.adversaries import (
    ADVERSARIES,
    CLIP,
    CLIPPED,
    IN_WORDS,
    SUM,
    clipped_gradient,
    clipped_input_gradient,
    mean_of_perturbations,
)
from tutorials.paper.experiment.cases import Case
from tutorials.paper.experiment.environment import environment

RESULTS = Path(__file__).parents[2] / "results" / "anomaly"


@pytest.fixture
def x(rng):
    return rng.random((6, 6, 6, 2))


@pytest.fixture
def y(rng):
    return rng.integers(CLASSES, size=6)


def clipped_cost(model, x, y):
    """-log(clip(p(y))), from what the network predicts."""
    p = model.predict_proba(x)[np.arange(len(y)), y]
    return -np.log(np.clip(p, CLIP, 1 - CLIP))


def test_the_clipped_gradient_is_that_of_the_clipped_cost(members, x, y, rng):
    model, v = members[0], rng.standard_normal(x.shape)
    along = slope(lambda: clipped_cost(model, x, y).sum(), x, v, 1e-6)
    found = clipped_input_gradient(model, x, y)
    assert_allclose((found * v).sum(), along, rtol=1e-5)


@pytest.mark.parametrize(("logit", "zero"), [(30, True), (-30, True), (10, False)])
def test_who_is_sure_has_no_clipped_gradient(members, x, y, logit, zero):
    model = members[0]
    model.params[-2].data[:] *= 0.01  # the bias decides
    bias = model.params[-1].data
    bias[:] = 0
    bias[y[0]] = logit
    g = clipped_input_gradient(model, x[:1], y[:1])
    assert (not g.any()) == zero
    assert input_gradient(model, x[:1], y[:1]).any()


def test_the_sum_of_clipped_gradients(members, x, y):
    expected = sum(clipped_input_gradient(m, x, y) for m in members)
    assert_array_equal(clipped_gradient(members)(x, y), expected)


def test_the_mean_of_perturbations_is_in_the_middle(members, x, y):
    attack = partial(bim, eps=0.1, alpha=0.03, steps=4)
    each = [attack(member_gradient(members, i), x, y) for i in range(3)]
    found = mean_of_perturbations(members, attack, x, y)
    assert_allclose(found, np.mean(each, axis=0), atol=1e-15)
    assert abs(found - x).max() <= 0.1 + 1e-12
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("name", ADVERSARIES)
def test_of_one_member_all_adversaries_are_its_own(members, x, y, name):
    attack = partial(fgsm, eps=0.1)
    found = ADVERSARIES[name](members[:1], attack, x, y)
    assert_allclose(found, attack(member_gradient(members, 0), x, y), atol=1e-15)


def test_cosines_of_known_vectors():
    g = np.zeros((3, 2, 1, 1, 2))
    g[0, 0, 0, 0], g[1, 0, 0, 0], g[2, 0, 0, 0] = (1, 0), (0, 5), (-2, 0)
    g[0, 1, 0, 0], g[1, 1, 0, 0] = (1, 1), (1, 0)  # the third has none
    cosines, there = pairwise_cosines(g)  # of 01, 02, 12
    assert_allclose(cosines, [[0, np.sqrt(0.5)], [-1, 0], [0, 0]], atol=1e-12)
    assert_array_equal(there, [[True, True], [True, False], [True, False]])


def test_a_look_at_known_gradients(members, x, y):
    g = np.zeros((3, 2, 6, 6, 2))
    g[0, 0, 0, 0, 0], g[1, 0, 0, 0, 1], g[2, 0, 0, 0, 0] = 3, 4, -3
    step = look(5, members, g, x[:2], y[:2])
    assert step.step == 5
    assert step.images == 2
    assert step.zero == pytest.approx(1)  # all three of the second image
    assert step.with_cosine == 1
    assert step.cosine == pytest.approx(-1 / 3)  # of 0, -1 and 0
    assert step.negative == pytest.approx(1 / 3)
    assert step.opposed == 1
    assert step.unity == pytest.approx(4 / 10)
    assert step.longest == pytest.approx(4 / 10)
    right = Ensemble(members).predict(x[:2]) == y[:2]
    assert step.correct == right.sum()


def test_a_group_of_several_counts_as_its_mean():
    case = Case("member 0", "bim", {}, 2)
    one, other = Outcome(case, 100, [49, 60]), Outcome(case, 100, [51, 80])
    assert of_both(left([one], 2)) == wilson(0.6, 100)
    low, high = wilson(0.5, 100)[1:]
    mean, both = student([0.49, 0.51]), of_both(left([one, other], 1))
    assert both.value == pytest.approx(0.5)
    below, above = 0.5 - both.low, both.high - 0.5
    assert below**2 == pytest.approx((0.5 - mean.low) ** 2 + (0.5 - low) ** 2)
    assert above**2 == pytest.approx((mean.high - 0.5) ** 2 + (high - 0.5) ** 2)


# On real members: a small run of everything.


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_experiment_ends_in_its_part_of_the_page(plan, tmp_path, name):
    record = perform(name, plan)
    path = write(record, tmp_path)
    assert read(path) == record
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert QUESTIONS[name] in page
    assert finding(record) in page
    assert "</svg>" in (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
    if name == "members":
        found = curves(record).values()
        for M, estimates in enumerate(zip(*found, strict=True), start=1):
            assert f"| {M} | {' | '.join(map(str, estimates))} |" in page
    elif name in EXPERIMENTS:
        for group, estimate in rows(record).items():
            assert f"| {group} | {estimate} |" in page


def test_the_walk_is_the_attack(plan):
    """What the directions see at the end is what the same case leaves."""
    last = perform("directions", plan).steps[-1]
    [outcome] = perform("rules", plan).groups[f"BIM: {SUM}"]
    assert (last.images, last.correct) == (30, outcome.correct[-1])
    assert last.step == SMOKE.attacks["bim"]["steps"]


def test_an_interrupted_walk_goes_on(plan, monkeypatch, capsys):
    monkeypatch.setattr("tutorials.anomaly.run.BATCH_SIZE", 10)
    walked, walk = [], run.follow

    def follow(one):
        if len(walked) == 2:
            raise KeyboardInterrupt
        walked.append(one.first)
        return walk(one)

    monkeypatch.setattr(run, "follow", follow)
    with pytest.raises(KeyboardInterrupt):
        perform("directions", plan)
    stopped = walked.copy()
    walked.clear()
    monkeypatch.setattr(run, "follow", follow)
    assert sum(step.images for step in perform("directions", plan).steps) == 9 * 30
    assert stopped == [0, 10]
    assert walked == [20]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["budgets", "directions"])
def test_two_processes_find_the_same(plan, name, monkeypatch):
    monkeypatch.setattr("tutorials.paper.experiment.cases.BLOCK", 10)
    monkeypatch.setattr("tutorials.anomaly.run.BATCH_SIZE", 10)
    plan = dataclasses.replace(plan, fresh=True)
    one, two = (perform(name, dataclasses.replace(plan, jobs=j)) for j in (1, 2))
    assert one == two


BUDGETS = {
    "FGSM (0.3)": ("fgsm", 0.3),
    "FGSM at BIM's eps (0.2)": ("fgsm", 0.2),
    "BIM (0.2)": ("bim", 0.2, 0.025, 8),
    "BIM at FGSM's eps (0.3)": ("bim", 0.3, 0.0375, 8),
    "BIM, the caption's eps (0.025)": ("bim", 0.025, 0.025, 8),
}


def test_the_budgets():
    attacks = {"fgsm": {"eps": 0.3}, "bim": {"eps": 0.2, "alpha": 0.025, "steps": 8}}
    expected = {
        "FGSM, pixels beyond [0, 1]: Adv. 2": [(False, SUM, "fgsm", 0.3)],
        "BIM, pixels beyond [0, 1]: Adv. 2": [(False, SUM, "bim", 0.2, 0.025, 8)],
    }
    for title, attack in BUDGETS.items():
        expected[f"{title}: Adv. 1"] = [(True, f"member {i}", *attack) for i in (0, 1)]
        expected[f"{title}: Adv. 2"] = [(True, SUM, *attack)]
    groups = EXPERIMENTS["budgets"].groups(attacks, 2)
    assert expected == {
        name: [
            (case.bounded, case.adversary, case.attack, *case.parameters.values())
            for case in cases
        ]
        for name, cases in groups.items()
    }


def test_each_adversary_is_put_in_words():
    assert ADVERSARIES.keys() == IN_WORDS.keys() >= {SUM, CLIPPED}


def test_members_that_arent_there_are_named_with_a_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"2 of 2 members of .* run --data"):
        perform("rules", Plan(SMOKE, tmp_path, 10, 1))


def record_of(experiment, groups, steps=(), images=1000, members=2):
    team = ("mnist", "full", "random-init", 0, members, images)
    return Record(experiment, *team, groups, list(steps), environment())


def made_up(groups, experiment="rules"):
    """Return a record of two members, with these counts of 1,000 images."""
    case = Case(SUM, "bim", {}, 2)
    outcomes = {
        name: [Outcome(case, 1000, [count] * 2) for count in counts]
        for name, counts in groups.items()
    }
    return record_of(experiment, outcomes)


def test_the_sentence_about_rules_follows_the_numbers():
    mean, own = "mean of perturbations", "ensemble's own loss"
    groups = {"BIM: Adv. 1": [500, 500], f"BIM: {mean}": [700], f"BIM: {own}": [700]}
    groups |= {f"BIM: {SUM}": [300], f"BIM: {CLIPPED}": [505]}
    groups |= {"FGSM: Adv. 1": [500, 500]}
    groups |= {f"FGSM: {mean}": [300], f"FGSM: {own}": [600]}
    text = finding(made_up(groups))
    assert f"Weaker attacks: {mean}, {own}. Stronger attacks: {SUM}. " in text
    assert f"Undecided: {CLIPPED}. Under FGSM, one member's gradient" in text
    assert text.endswith(f"stronger under FGSM, as in the paper: {mean}.")
    groups[f"FGSM: {mean}"] = [500]
    assert finding(made_up(groups)).endswith("as in the paper: none.")


def test_the_sentence_about_budgets_follows_the_numbers():
    groups = {"a: Adv. 1": [500, 500], "a: Adv. 2": [400]}
    groups |= {"b: Adv. 1": [500, 500], "b: Adv. 2": [600]}
    groups |= {"c: Adv. 1": [500, 500], "c: Adv. 2": [510], "d: Adv. 2": [0]}
    text = finding(made_up(groups, "budgets"))
    assert text == (
        "a: Adv. 2 is stronger than Adv. 1; b: Adv. 2 is weaker than Adv. 1; "
        "c: Adv. 2 is not significantly different from Adv. 1."
    )


def members_record(adv1, adv2):
    """Adv. 1 by member i leaves adv1[i][M - 1]; Adv. 2 on M members adv2[M - 1]."""
    case = Case(SUM, "bim", {}, 3)
    counted = {"BIM: Adv. 1": adv1, "BIM: Adv. 2": np.diag(adv2).tolist()}
    groups = {
        name: [Outcome(case, 1000, counts) for counts in each]
        for name, each in counted.items()
    }
    return record_of("members", groups, members=3)


def test_curves_are_of_the_first_members():
    record = members_record([[1, 2, 3], [9, 4, 5], [9, 9, 7]], [10, 20, 30])
    found = curves(record)
    assert [e.value for e in found["BIM: Adv. 2"]] == [0.01, 0.02, 0.03]
    assert_allclose([e.value for e in found["BIM: Adv. 1"]], [0.001, 0.003, 0.005])


@pytest.mark.parametrize(
    ("adv2", "enough"),
    [([500, 300, 150], 3), ([100, 500, 150], 3), ([500, 150, 160], 2)],
)
def test_members_suffice_if_no_larger_number_can_be_told_from_all(adv2, enough):
    text = finding(members_record([[100, 500, 510]] * 3, adv2))
    assert f"BIM: Adv. 2: {wilson(adv2[0] / 1000, 1000)} with one member and" in text
    assert text.endswith(
        f"{wilson(adv2[-1] / 1000, 1000)} with 3; from {enough} members on "
        f"({wilson(adv2[enough - 1] / 1000, 1000)}), no ensemble differs significantly "
        "from the largest."
    )


def test_ensembles_of_two_sizes_are_compared_under_the_same_gradients():
    """Whose gradient is chosen matters far more here than a third member does."""
    adv1 = [[0, 200, 300], [400, 600, 700], [200, 400, 500]]
    text = finding(members_record(adv1, [500, 500, 500]))
    assert "from 3 members on" in text.partition("BIM: Adv. 2")[0]
    same = finding(members_record([[0, 200, 210], [400, 600, 610], adv1[2]], [5] * 3))
    assert "from 2 members on" in same.partition("BIM: Adv. 2")[0]


def test_the_sentence_about_precision_follows_the_numbers():
    names = [f"{n}, float{b}" for n in (SUM, CLIPPED) for b in (32, 64)]
    counts = [[500], [400], [500], [505]]
    groups = dict(zip(names, counts, strict=True))
    text = finding(made_up(groups, "precision"))
    assert "sum of gradients, single precision weakens the attack" in text
    assert "probabilities, single precision makes no significant difference" in text


@pytest.mark.parametrize(
    ("opposed", "words"),
    [
        (10, "agree: their"),
        (40, "neither agree nor point against each other: their"),
        (70, "gradients point against each other: their"),
    ],
)
def test_the_sentence_about_directions_follows_the_numbers(opposed, words):
    step = Step(0, 100, 40.0, 80, 10.0, opposed, 90.0, 50.0, 0.0, 25.0, 10, 90)
    steps = [step, step, dataclasses.replace(step, step=1)]
    text = finding(record_of("directions", {}, steps, images=100))
    assert words in text
    fraction = f"{opposed / 80:.4f}"
    assert f"cosine is 0.500, and below 0 on a fraction of {fraction}" in text
    assert "25.0% with clipped probabilities." in text
    assert "no member has a gradient on a fraction of 0.1000" in text


def test_without_any_gradient_there_is_still_a_sentence():
    step = Step(0, 10, 0.0, 0, 0.0, 0, 0.0, 0.0, 10.0, 10.0, 10, 5)
    text = finding(record_of("directions", {}, [step] * 2, images=10))
    assert "their mean cosine is 0.000" in text


def test_a_file_that_is_no_experiment(tmp_path):
    path = write(made_up({}), tmp_path)
    content = read_json(path)
    write_json(path, content | {"images": "many"})
    with pytest.raises(DamagedError, match=r"rules\.json is .*images must be int"):
        read(path)


@pytest.mark.parametrize("name", ["rules", "precision", "directions"])
def test_an_experiment_that_lacks_a_part_is_named(tmp_path, name):
    content = read_json(RESULTS / f"{name}.json")
    content["steps" if name == "directions" else "groups"].clear()
    write_json(tmp_path / f"{name}.json", content)
    with pytest.raises(DamagedError, match=rf"{name}\.json is damaged"):
        write_report(tmp_path)


def test_an_experiment_under_another_ones_name(tmp_path):
    write(made_up({}), tmp_path).rename(tmp_path / "budgets.json")
    with pytest.raises(DamagedError, match=r"budgets\.json is .*it holds rules"):
        read(tmp_path / "budgets.json")


@pytest.mark.parametrize(("name", "value"), [("images", 30), ("seed", 1)])
def test_one_page_shows_one_team(runs, tmp_path, capsys, refused, name, value):
    """A trial run doesn't overwrite what others have found."""
    fixed = ["directions", "--dataset=mnist-sample", "--profile=smoke", "--jobs=1"]
    fixed += [f"--runs={runs}", f"--results={tmp_path}"]

    def argv(images=20, seed=0):
        return [*fixed, f"--images={images}", f"--seed={seed}"]

    cli.main(argv())
    out = capsys.readouterr().out
    assert "the members' gradients agree" in out
    assert f"{tmp_path / 'README.md'} written" in out
    assert "This was a smoke test" in (tmp_path / "README.md").read_text("utf-8")
    before = (tmp_path / "directions.json").read_bytes()
    said = refused(cli.main, argv(**{name: value}))
    assert f"holds another experiment: {name} is" in said
    assert (tmp_path / "directions.json").read_bytes() == before
    cli.main(argv())  # the same again is no other
