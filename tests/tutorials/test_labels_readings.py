"""Readings of the paper, their measured counts, and the page."""

import copy
import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl.store import read_json, write_json
from tests.tutorials import made_up as table2
from tests.tutorials.made_up import SMOKE
from tutorials.anomaly.labels import __main__ as cli
from tutorials.anomaly.labels import scale
from tutorials.anomaly.labels.example import EXAMPLE
from tutorials.anomaly.labels.fit import fit
from tutorials.anomaly.labels.measure import (
    Labels,
    Right,
    attacked,
    count_right,
    read_files,
    read_labels,
)
from tutorials.anomaly.labels.readings import (
    BY_LIBRARY,
    FILE,
    READINGS,
    SUSPECT,
    expect,
    fixed_readings,
)
from tutorials.anomaly.labels.report import write_report
from tutorials.anomaly.labels.unexplained import row
from tutorials.anomaly.labels.verdict import (
    AS_STATED,
    LATER,
    OTHERS,
    TIMES_S,
    is_other,
    of_readings,
    verdict,
)
from tutorials.anomaly.labels.walks import pushed_back, walk_all
from tutorials.paper.experiment import attack as engine
from tutorials.paper.experiment.attack import carry_out
from tutorials.paper.experiment.cases import adv1, adv2, blocks
from tutorials.paper.experiment.config import configure
from tutorials.paper.experiment.environment import environment
from tutorials.paper.experiment.labels import RULES, TRUE
from tutorials.paper.paper_numbers import TABLE2

RESULTS = Path(__file__).parents[2] / "results" / "labels"
MEMBER, ENSEMBLE = "member's current prediction", "ensemble's current prediction"


def reading(adv1, adv2, scaled=False):
    [found] = [
        r for r in READINGS if (r.adv1, r.adv2, r.scaled) == (adv1, adv2, scaled)
    ]
    return expect(found)


def test_readings_are_all_combinations():
    assert [r.number for r in READINGS] == list(range(1, 163))
    assert len({(r.adv1, r.adv2, r.scaled) for r in READINGS}) == 9 * 9 * 2
    assert reading(TRUE, MEMBER, scaled=True).number == SUSPECT


@pytest.mark.parametrize(
    ("one", "two", "surprise", "cifar_fgsm"),
    [
        (TRUE, TRUE, False, True),
        (TRUE, MEMBER, True, False),
        (TRUE, ENSEMBLE, True, False),
        (TRUE, "member's prediction after the first step", True, True),
        (TRUE, "ensemble's current prediction where right at first", True, True),
        (TRUE, "member's first prediction", False, False),
        (MEMBER, TRUE, False, True),
        (MEMBER, MEMBER, False, True),
        (ENSEMBLE, MEMBER, True, True),
        (ENSEMBLE, ENSEMBLE, False, True),
    ],
)
def test_what_is_expected(one, two, surprise, cifar_fgsm):
    found = reading(one, two)
    assert found.orders == {
        "MNIST FGSM": True,
        "MNIST BIM": surprise,
        "CIFAR-10 FGSM": cifar_fgsm,
        "CIFAR-10 BIM": surprise,
    }
    assert ("the surprise" in found.words) == surprise
    assert found.words.endswith("against the paper.") != cifar_fgsm
    assert reading(one, two, scaled=True).orders == found.orders


def test_the_readings_stay_as_they_were_written_down():
    written = fixed_readings(RESULTS)
    assert written.readings == list(map(expect, READINGS))
    assert written.suspect == SUSPECT


# Made-up counts: the paper's own numbers.

N, CONFIG = 10_000, configure("mnist", "full", ["random-init"], members=2)


def as_in_paper(attack, rule, scaled):
    _, _, single, one, two = (round(N * a) for a in TABLE2["MNIST"][attack]["bagging"])
    return Right(
        attack, rule, scaled, [single - 9, single + 9], [one - 5, one + 5], two
    )


def made_up(method="bagging", **changes):
    config = dataclasses.replace(CONFIG, methods=[method])
    right = [
        dataclasses.replace(as_in_paper(*key), **changes.get(key[0], {}))
        for key in attacked()
    ]
    return Labels(config, N, 0.8, right, [], environment())


def test_chapter_9_says_what_the_files_show():
    """Both controls beside the suspect, row by row, and its accomplices."""
    measured = {p.name: read_files(p) for p in sorted(RESULTS.glob("*/"))}
    every = [labels for files in measured.values() for labels in files]
    readings = fixed_readings(RESULTS).readings
    of_each = [[fit(r, [labels]) for r in readings] for labels in every]
    controls = stated, scaled = readings[AS_STATED - 1], readings[TIMES_S - 1]
    assert scaled == dataclasses.replace(stated, number=TIMES_S, scaled=True)
    suspect = dataclasses.asdict(readings[SUSPECT - 1])
    differ = {k for k, v in dataclasses.asdict(scaled).items() if suspect[k] != v}
    assert differ == {"number", "adv2", "orders", "words"}
    library = dataclasses.asdict(readings[BY_LIBRARY - 1])
    differ = {k for k, v in library.items() if suspect[k] != v}
    assert differ == {"number", "adv1", "orders", "words"}
    assert library["adv1"] == "member's first prediction"
    numbers = AS_STATED, TIMES_S
    for labels, fits in zip(every, of_each, strict=True):
        one, two, own, later = (fits[n - 1] for n in (*numbers, SUSPECT, LATER))
        library = fits[BY_LIBRARY - 1]
        mnist = labels.configuration.dataset == "mnist"
        noisy = labels.method == "gaussian-noise"
        assert (one.shown, two.shown, own.shown) == (1, 1, 2 if mnist or noisy else 1)
        assert own.surely == (2 if mnist else 1)
        assert (later.shown, later.as_expected) == (2, 2)
        assert (library.shown, library.as_expected) == (2, 2)
        assert one.difference > two.difference or not mnist
        assert two.difference > max(own.difference, later.difference)
        for control in controls:
            cells = labels.cells("fgsm", control.adv1, control.adv2, control.scaled)
            assert cells["adv1_ensemble"].accuracy > cells["adv2_ensemble"].accuracy
    off = {
        (name, labels.method): fit(readings[SUSPECT - 1], [labels]).difference
        for name, files in measured.items()
        for labels in files
    }
    literal = {who: d for who, d in off.items() if who[0] == "mnist-full-literal"}
    assert max(literal, key=literal.__getitem__)[1] == "gaussian-noise"
    assert max(d for (_, method), d in off.items() if method == "bagging") < 0.05
    others = [labels for labels in every if is_other(labels)]
    fits = [fit(r, others) for r in readings]
    assert fits[SUSPECT - 1].shown == fits[LATER - 1].shown - 1 == fits[0].asked - 1
    pairs = zip(readings, fits, strict=True)
    alike = [r for r, found in pairs if found.shown >= fits[SUSPECT - 1].shown]
    assert len(alike) - 1 > 20
    assert not {r.adv2.partition("'s ")[2] for r in alike} & {"", "first prediction"}


def test_the_papers_own_numbers_fit():
    found = fit(reading(TRUE, MEMBER), [made_up()])
    assert found.difference == pytest.approx(0, abs=1e-12)
    assert found[:6] == (2, 2, 2, 0, 2, 6)


def test_orders_that_dont_come_out_are_counted():
    other = made_up(bim={"adv2": 0}, fgsm={"adv2": N})
    found = fit(reading(TRUE, MEMBER), [made_up(), other])
    assert found[:6] == (4, 2, 2, 2, 2, 12)
    apart = TABLE2["MNIST"]["bim"]["bagging"][4] + 1
    apart -= TABLE2["MNIST"]["fgsm"]["bagging"][4]
    assert found.difference == pytest.approx(apart / 12)
    none = fit(reading(TRUE, TRUE), [made_up()])  # expected: no surprise
    assert (none.shown, none.as_expected) == (2, 1)


def test_equal_accuracies_are_in_no_order():
    """The mean of 0.1, 0.2 and 0.3 isn't quite 0.2."""
    tied = made_up(bim={"adv1": [1000, 2000, 3000], "adv2": 2000})
    assert fit(reading(TRUE, TRUE), [tied]).shown == 1


def test_the_number_that_s_was_chosen_on_is_no_prediction():
    labels = [made_up("random-init")]
    stated, scaled = (fit(reading(TRUE, TRUE, s), labels) for s in (False, True))
    assert (stated.numbers, scaled.numbers) == (6, 5)
    own = abs(
        TABLE2["MNIST"]["fgsm"]["random-init"][3]
        - TABLE2["MNIST"]["fgsm"]["bagging"][3]
    )
    assert 6 * stated.difference - own == pytest.approx(5 * scaled.difference)


def test_each_adversary_has_the_numbers_of_its_rule():
    labels = made_up()
    right = [
        dataclasses.replace(r, adv2=1, adv1=[2, 2]) if r.rule == MEMBER else r
        for r in labels.right
    ]
    labels = dataclasses.replace(labels, right=right)
    cells = labels.cells("fgsm", TRUE, "member's first prediction", True)  # one step
    assert cells["adv2_ensemble"].accuracy == 1 / N
    assert cells["adv1_ensemble"].accuracy > 0.5
    cells = labels.cells("bim", TRUE, "member's first prediction", True)
    assert cells["adv2_ensemble"].accuracy > 0.5
    cells = labels.cells("bim", MEMBER, TRUE, True)
    assert cells["adv1_ensemble"].mean_of == [2 / N, 2 / N]


OTHER = [made_up(), made_up("gaussian-noise")]  # both have bagging's numbers
SHOWS = "Reading 84 shows all of the paper's orders, and is"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([made_up("random-init")], "There is no verdict yet."),
        ([made_up("random-init", bim={"adv2": 0}), *OTHER], SHOWS),
        ([OTHER[0], made_up("mixed-models", bim={"adv2": 0})], "the opposite of 1 of"),
        ([made_up(bim={"adv1": [9200, 9200], "adv2": 9210})], "leaves some"),
    ],
)
def test_methods_that_chose_no_reading_decide(files, says):
    readings = [expect(r) for r in READINGS]
    others = [file for file in files if is_other(file)]
    fits = [fit(r, others or files) for r in readings]
    assert says in verdict(fits, others)
    folders = {"mnist-full": files}
    page = of_readings(
        readings, folders, {"mnist-full": [fit(r, files) for r in readings]}
    )
    assert page.index(says) < page.index("| no. |")
    assert (f"| {OTHERS} |" in page) == bool(others)
    shown = page[: page.index("<details>")].splitlines()
    first = [line.split(" | ")[0].strip("| *") for line in shown if line[:1] == "|"]
    assert {"1", "3", "82", "84"} <= {*first}
    every = page[page.index("<details>") :].splitlines()
    assert sum(line.startswith("| ") for line in every) == 2 + len(READINGS)


def test_pushed_back_is_wrong_before_and_right_after():
    right = np.array([[1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 0, 0]], bool)
    back = [[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]]
    assert_array_equal(pushed_back(right), np.array(back, bool))


# On real members: a small run of everything.


def engine_counts(team, case):
    [counted] = carry_out(list(blocks(case, team, 0, 30)))
    return counted


def test_the_counts_are_the_engines(plan, team):
    found = {(r.attack, r.rule, r.scaled): r for r in count_right(plan, team, 0.5)}
    assert len(found) == 24
    for (attack, rule, scaled), right in found.items():
        if rule not in (TRUE, MEMBER):
            continue
        s = 0.5 if scaled else 1
        lengths = {n: v * s for n, v in SMOKE.attacks[attack].items() if n != "steps"}
        own = attack, SMOKE.attacks[attack] | lengths, 2, rule
        each = [engine_counts(team, case) for case in adv1(*own)]
        assert right.single == [each[0].members[0], each[1].members[1]]
        assert right.adv1 == [c.ensembles[-1] for c in each]
        assert right.adv2 == engine_counts(team, adv2(*own)).ensembles[-1]


@pytest.mark.parametrize("rule", [TRUE, MEMBER, ENSEMBLE])
def test_a_walk_is_the_attack_after_each_number_of_steps(plan, team, rule):
    bim = {"eps": 0.2, "alpha": 0.1, "steps": 3}
    case = adv2("bim", bim, 2, rule)
    [found] = walk_all([case], plan, team)
    for steps in (1, 2, 3):
        counted = engine_counts(team, adv2("bim", bim | {"steps": steps}, 2, rule))
        assert found.right[steps] == counted.ensembles[-1]
        assert found.members_right[steps] == sum(counted.members)
    assert len(found.right) == len(found.back) == 4
    assert walk_all([case], plan, team) == [found]  # from its file


@pytest.fixture
def command(runs, tmp_path, monkeypatch):
    """Weak members need other factors to become as accurate as a number."""
    monkeypatch.setattr(scale, "FACTORS", [0.05, 0.5, 1.0])
    monkeypatch.setattr(scale, "paper_accuracy", lambda *place: 0.4)

    def run(verb, *more):
        argv = [verb, f"--results={tmp_path}"]
        if verb in cli.WORK:
            argv += ["--dataset=mnist-sample", "--profile=smoke", "--jobs=1"]
            argv += [f"--runs={runs}", *(more or ["--images=20"])]
        cli.main(argv)
        return tmp_path

    return run


@pytest.mark.slow
def test_from_s_to_the_page(command, monkeypatch):
    folder = command("scale")
    command("run")
    path = folder / "mnist-sample-smoke" / "random-init.json"
    labels, page = read_labels(path), (folder / "README.md").read_text("utf-8")
    assert labels.images == 20
    assert page.count("This was a smoke test") == 1
    found = fit(expect(READINGS[SUSPECT - 1]), [labels])
    shown = f"{found.shown} of 2 ({found.surely}, {found.against})"
    numbers = f"{shown} | {found.as_expected} of 2 | {found.difference:.3f} |"
    assert f"| **{SUSPECT}** | {TRUE} | {MEMBER} | s | {numbers}" in page
    assert f"{labels.s:.3f} [" in page
    for factor in (1.0, labels.s):
        assert f"perturbations times {factor:g}" in page
    for rule in RULES:
        assert f"\n| {rule} |" in page
    monkeypatch.setattr(engine, "attack_block", lambda *a, **o: pytest.fail("again"))
    before = read_labels(path)
    command("run")
    assert read_labels(path) == before


def test_a_folder_belongs_to_one_experiment(command, refused):
    command("scale")
    assert "images is 20, asked for 30" in refused(command, "run", "--images=30")


@pytest.mark.parametrize(
    ("verb", "says"), [("scale", "not with bagging"), ("run", "verb scale makes it")]
)
def test_what_cannot_be_is_said_before_hours_of_training(command, refused, verb, says):
    assert says in refused(command, verb, "--images=20", "--method=bagging")


def test_a_page_is_of_one_experiment(tmp_path):
    """Another s, which scale with other members has chosen since, is another."""
    path = tmp_path / "mnist-full"
    write_json(path / "random-init.json", made_up("random-init"))
    write_json(path / "bagging.json", dataclasses.replace(made_up(), s=0.7))
    with pytest.raises(ValueError, match=r"bagging.json holds another .* s is 0.7"):
        write_report(tmp_path)


def test_literal_networks_have_a_folder_and_members_of_their_own(command, refused):
    error = refused(command, "scale", "--images=20", "--network=literal")
    assert "--profile smoke --network literal --method random-init" in error
    literal = dataclasses.replace(CONFIG, network="literal")
    assert cli.folder_name(literal) == "mnist-full-literal"


def test_readings_are_written_once(command, refused):
    folder = command("readings")
    assert (folder / FILE).read_bytes() == (RESULTS / FILE).read_bytes()
    assert "no measurements in" in refused(command, "report")
    shutil.copy(RESULTS / EXAMPLE, folder)
    command("report")
    page = (folder / "README.md").read_text("utf-8")
    assert "Nothing is measured yet: `python -m tutorials.anomaly.labels scale`" in page
    assert "There are no runs yet." in page
    assert "cleverhans" in page
    assert "the verb scale makes it" in refused(command, "run")
    content = read_json(folder / FILE)
    write_json(folder / FILE, content | {"readings": content["readings"][:100]})
    assert "it lacks a reading" in refused(command, "report")


def test_what_remains_is_the_distance_from_the_papers_numbers():
    results = table2.with_papers_numbers(table2.made_up("mnist"), "MNIST")
    assert row(results, "bim")[3:] == ["0 of 12", "+0.0000", "+0.0000"]
    cells = copy.deepcopy(results.table2)
    cell = cells["bim"]["bagging"]["adv2_ensemble"]
    lower = dataclasses.replace(cell, accuracy=cell.accuracy - 0.24)
    cells["bim"]["bagging"]["adv2_ensemble"] = lower
    found = row(table2.with_table2(results, cells), "bim")
    assert found[2:] == ["Bagging, Adv. 2, Ensemble", "1 of 12", "-0.0200", "-0.2400"]
