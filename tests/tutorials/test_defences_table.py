"""The table of defences: rows, adversaries, kept parts, records, and the page."""

from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose, assert_array_equal

from attacks import (
    Counter,
    Threat,
    cross_entropy,
    ensemble_loss,
    fgsm,
    loss_of,
    margin,
    network,
)
from attacks.evaluation.suites import run_attack
from ensembles import Ensemble, MCDropout
from ensembles.member_files import load_member, member_path, write_finished
from ensembles.training import train_member
from minidl import (
    Adam,
    Dropout,
    Flatten,
    Linear,
    ReLU,
    Sequential,
    accuracy,
    train,
)
from minidl.checks.answers import probabilities
from minidl.data import load_dataset
from minidl.store import DamagedError
from tests.oracles import assert_close, differences, same_bits
from tests.tutorials.made_up import made_up
from tests.tutorials.quarters import EPS, SHAPE, K, images
from tutorials.defences import parts
from tutorials.defences import run as defences_run
from tutorials.defences.__main__ import main
from tutorials.defences.denoised import autoencoder
from tutorials.defences.detector import head_on
from tutorials.defences.findings import (
    above_members,
    answer,
    combination,
    findings,
    missing,
)
from tutorials.defences.measure import Bench, attack
from tutorials.defences.page import markdown, table
from tutorials.defences.parts import Part
from tutorials.defences.record import Record, path_of, read, write
from tutorials.defences.rows import chosen, rows
from tutorials.defences.run import cost, run
from tutorials.defences.settings import Strength, settings_of
from tutorials.defences.suite import ADAPTIVE, BIM, FGSM, accepted, usual
from tutorials.defences.victims import KINDS, Voters, climb
from tutorials.paper.claims.verdicts import defences_of, judge
from tutorials.paper.experiment.config import configure
from tutorials.paper.experiment.environment import environment
from tutorials.paper.experiment.members import member_jobs
from tutorials.paper.experiment.places import Places

WEAK = Strength(10, 8, 1, 2, 20, 4, 3)


def build(rng):
    layers = [Flatten(), Linear(16, 24, rng=rng), ReLU(), Dropout(0.3)]
    return Sequential([*layers, Linear(24, K, rng=rng)], SHAPE)


X, Y = images(0)
TEST, LABELS = images(1, 40)


@pytest.fixture(scope="module")
def networks():
    found = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        found.append(build(rng))
        train(found[-1], X, Y, Adam(found[-1].params, 0.01), 10, 32, rng)
    return found


def beside(kind, networks, dtype=np.float32):
    """What stands beside each network, untrained: it has gradients all the same."""
    rng = np.random.default_rng(5)
    made = {
        "distilled": lambda net: (deepcopy(net), 0.0),
        "autoencoder": lambda net: (autoencoder(SHAPE, rng), 0.0),
        "detector": lambda net: (head_on(net.shapes[parts.DEPTH - 1], rng), 0.1),
    }
    one = made.get(kind)
    return [(p.astype(dtype), t) for p, t in map(one, networks)] if one else []


def victim(kind, networks, dtype=np.float32):
    networks = networks[:1] if kind == "dropout" else networks
    networks = [deepcopy(net).astype(dtype) for net in networks]
    weights = [0.75, 0.25][: len(networks)]
    return KINDS[kind](Voters(networks, weights, beside(kind, networks, dtype), WEAK))


def attacks_of(defence):
    counter = Counter()
    found = usual(defence, counter, WEAK)
    return counter, found | {ADAPTIVE: defence.adaptive(counter)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_attack_stays_in_the_ball_and_the_counter_counts(networks, kind):
    defence = victim(kind, networks)
    counter, found = attacks_of(defence)
    threat, rng = Threat("Linf", EPS), np.random.default_rng(0)
    for name, one in found.items():
        before = counter.gradients + counter.queries
        x_adv = run_attack(name, one, TEST[:4], LABELS[:4], threat, rng)
        assert counter.gradients + counter.queries > before
        assert name == "APGD-DLR" or (x_adv != TEST[:4]).any() or kind == "rounding"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "dropout"])
def test_the_naive_gradient_is_that_of_the_networks_alone(networks, kind):
    """But for rounding, whose true gradient is 0; weights are those of the votes."""
    defence = victim(kind, networks, np.float64)
    x = TEST[:3].astype(np.float64)
    z, _ = defence.naive(x)
    loss = loss_of(defence.naive)
    found = loss(x, LABELS[:3])[1]
    expected = differences(lambda: loss(x, LABELS[:3])[0].sum(), x)
    assert_close(found, expected, 1e-6)
    assert found.any() == (kind != "rounding")
    if kind in ("plain", "rounding", "distilled"):
        p = probabilities(defence.classifier.predict_proba, x)
        assert_allclose(np.exp(z), p, atol=1e-9)


def test_the_adaptive_attack_gets_through_rounding(networks):
    defence = KINDS["rounding"](Voters(networks, [1, 1], [], replace(WEAK, steps=40)))
    _, found = attacks_of(defence)
    threat, left = Threat("Linf", EPS), {}
    for name in ("PGD-8", ADAPTIVE):
        rng = np.random.default_rng(0)
        x_adv = run_attack(name, found[name], TEST, LABELS, threat, rng)
        p = defence.classifier.predict_proba(x_adv)
        left[name] = (p.argmax(axis=1) == LABELS).mean()
    assert left["PGD-8"] > 0.8
    assert left[ADAPTIVE] < 0.3


def test_the_adaptive_attack_finds_members_that_a_sure_member_hides():
    """One of three is fooled already, and so sure that the vote has no slope."""
    members = []
    for border in (0.0, 0.6, 0.6):  # class 1 where the mean pixel is above it
        linear = Linear(16, 2, rng=np.random.default_rng(0))
        linear.W.data[:] = np.array([-1, 1]) * 1000 / 16
        linear.b.data[:] = np.array([1, -1]) * 1000 * border
        members.append(Sequential([Flatten(), linear], SHAPE))
    x, y = np.full((1, *SHAPE), 0.5, np.float32), np.array([0])
    ensemble, vote = Ensemble(members), ensemble_loss(members, margin)
    assert ensemble.predict(x) == y
    assert not vote(x, y)[1].any()
    one = climb([network(member) for member in members], margin, WEAK)(Counter())
    x_adv = run_attack("", one, x, y, Threat("Linf", 0.2), np.random.default_rng(0))
    assert ensemble.predict(x_adv) != y


def test_square_doesnt_search_for_images_that_are_rejected(networks):
    defence = victim("detector", networks)
    defence.classifier = Unsure()
    found = usual(defence, Counter(), replace(WEAK, queries=300))
    x, y = np.full((8, *SHAPE), 0.5, np.float32), np.zeros(8, int)
    rng = np.random.default_rng(0)
    x_adv = run_attack("", found["Square"], x, y, Threat("Linf", 0.2), rng)
    assert (Unsure().predict_proba(x_adv).argmax(axis=1) == 1).all()


class Unsure:
    """Rejects (2) images with a dark first pixel; misclassifies (1) if it is bright."""

    def predict_proba(self, x):
        first = x.reshape(len(x), -1)[:, 0]
        p = [0 * first + 2, np.where(first > 0.55, 4, 1), np.where(first < 0.45, 4, 1)]
        return np.transpose(p / np.sum(p, axis=0))


def test_a_draw_of_dropout_has_its_own_derivative(networks):
    model = deepcopy(networks[0]).astype(np.float64)
    x = TEST[:3].astype(np.float64)

    def loss(x, y):
        return loss_of(network(model, np.random.default_rng(7)))(x, y)

    found = loss(x, LABELS[:3])[1]
    assert_close(found, differences(lambda: loss(x, LABELS[:3])[0].sum(), x), 1e-6)
    other = loss_of(network(model, np.random.default_rng(8)))(x, LABELS[:3])[1]
    assert abs(other - found).max() > 1e-4
    draw = network(model, np.random.default_rng(7))
    z, back = draw(x)
    draw(x)  # other masks, in the same network
    assert_array_equal(back(cross_entropy(z, LABELS[:3])[1]), found)


def test_a_rejected_image_fools_nobody():
    class Rejects:  # the last of three classes for bright images
        def predict_proba(self, x):
            bright = x.reshape(len(x), -1).mean(axis=1) > 0.5
            return np.eye(3)[np.where(bright, 2, 1)]

    x = np.zeros((2, 2, 2, 1))
    brighter = lambda x, y, eps, rng: x + np.array([0.1, 0.9]).reshape(2, 1, 1, 1)  # noqa: E731
    found = accepted(brighter, Rejects())(x, np.zeros(2, int), 1.0, None)
    assert_array_equal(found.reshape(2, -1).mean(axis=1), [0.1, 0])


# Rows


def test_rows_of_the_full_table():
    found = {row.name: row for row in rows(settings_of("mnist", "full"))}
    assert {n: row.members for n, row in found.items()} == {
        **{"single": 1, "plain": 10, "noise": 10, "boosting": 5, "snapshots": 5},
        **{"mc-dropout": 1, "distilled-1": 1, "distilled-3": 3, "autoencoder-1": 1},
        **{"autoencoder-3": 3, "rounding-1": 1, "rounding-3": 3, "detector-1": 1},
        **{"detector-3": 3, "adp-3": 3, "fgsm-1": 1, "fgsm-3": 3, "pgd-1": 1},
        **{"pgd-3": 3, "pgd-5": 5, "pgd-joint-3": 3},
    }
    plain = member_jobs(configure("mnist", "full"))["random-init"]
    assert found["plain"].jobs == tuple(plain)  # Table 2's: nothing is trained twice
    assert found["pgd-5"].jobs[:3] == found["pgd-3"].jobs
    assert found["pgd-5"].singles[4].jobs == found["pgd-5"].jobs[4:]
    assert found["pgd-1"].singles == []
    [joint] = found["pgd-joint-3"].jobs
    assert (joint.together, joint.perturb) == (3, found["pgd-5"].jobs[0].perturb)


# Parts

JOB = rows(settings_of("mnist-sample", "smoke"))[0].jobs[0]
JOB = replace(JOB, train_images=64, batch_size=32)


@pytest.mark.parametrize("kind", parts.KINDS)
def test_a_part_is_kept_and_found_again(tmp_path, kind):
    if kind == "head":
        member = train_member(JOB)
        member_path(JOB, tmp_path).parent.mkdir(parents=True)
        write_finished(member_path(JOB, tmp_path), member, JOB)
        model = member.model()
    else:
        model = train_member(replace(JOB, train_images=32)).model()
    part = Part(kind, JOB, 0.3)
    trained = parts.train(part, tmp_path)
    path, key = parts.place_of(part, tmp_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    parts.write(path, trained, key)
    network, threshold = parts.load(part, model, tmp_path)
    assert threshold == trained.threshold
    assert (threshold != 0) == (kind == "head")
    assert same_bits(network.params, trained.params)
    assert same_bits(parts.train(part, tmp_path).params, trained.params)
    other = replace(part, eps=0.2)
    assert parts.place_of(other, tmp_path) != (path, key)
    with pytest.raises(DamagedError):
        parts.read(path, "another key")


# The run


def small(name="mnist-sample"):
    settings = settings_of(name, "smoke")
    size = replace(settings.size, robust=settings.size.robust | {"epochs": 1})
    paper = replace(settings.paper, train_images=64)
    return replace(settings, paper=paper, size=size, strength=replace(WEAK, images=4))


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Three rows: rounding, the ensemble of two, and two trained together."""
    folder = tmp_path_factory.mktemp("defences")
    settings, places = small(), Places(folder / "results", folder / "runs", 1)
    places.runs.mkdir()
    names = {"rounding-1", "fgsm-2", "pgd-joint-2"}
    some = [row for row in rows(settings) if row.name in names]
    run(some, settings, load_dataset("mnist-sample"), places)
    return settings, places, some


def test_members_that_a_full_disk_refused_are_named(tmp_path, monkeypatch):
    """Before they are attacked."""
    monkeypatch.setattr(defences_run.training, "train_members", lambda jobs, *_: jobs)
    settings, places = small(), Places(tmp_path, tmp_path, 1)
    some, data = chosen(rows(settings), ["plain"]), load_dataset("mnist-sample")
    with pytest.raises(OSError, match=r"2 of 2 members couldn't be saved in .*room"):
        run(some, settings, data, places)


def test_a_run_writes_one_file_a_defence(ran):
    _, places, some = ran
    found = read(places.results, [row.name for row in some])
    assert [r.defence for r in found] == ["rounding-1", "fgsm-2", "pgd-joint-2"]
    assert [r.members for r in found] == [1, 2, 2]
    assert [len(r.alone) for r in found] == [0, 2, 0]
    assert [np.shape(r.agreement) for r in found] == [(0,), (2, 3), (0,)]
    assert all(r.core_hours > 0 and r.images == 4 for r in found)
    [perturb] = found[2].training["perturb"].values()
    assert perturb["eps"] == EPS


def test_the_counts_are_those_of_attacks_by_hand(ran):
    """FGSM on the ensemble's own loss, which is the same each time; and the unions."""
    settings, places, some = ran
    [row] = [row for row in some if row.name == "fgsm-2"]
    [found] = read(places.results, [row.name])
    data, networks = load_dataset("mnist-sample"), networks_of(row, places.runs)
    x, y = data.x_test[:4].astype(np.float32) / 255, data.y_test[:4]
    ensemble, loss = Ensemble(networks), ensemble_loss(networks)
    right = ensemble.predict(x) == y
    x_adv = fgsm(lambda x, y: loss(x, y)[1], x, y, EPS)
    assert found.correct[FGSM] == (right & (ensemble.predict(x_adv) == y)).sum()
    assert found.clean == round(accuracy(ensemble, data.x_test, data.y_test) * 1000)
    bench = Bench(settings, data, places)
    whole = attack(row, bench)
    left = {name: ~outcome.fooled for name, outcome in whole.outcomes.items()}
    assert found.correct == {name: own.sum() for name, own in left.items()}
    usual = [own for name, own in left.items() if name != ADAPTIVE]
    assert found.usual == np.all(usual, axis=0).sum()
    own = np.all([*left.values()], axis=0)
    assert found.worst == own.sum()
    ones = [attack(single, bench) for single in row.singles]
    members = np.sum([~one.fooled_by_any() for one in ones], axis=0)
    expected = [[sum((own == e) & (members == k)) for k in range(3)] for e in (0, 1)]
    assert found.agreement == expected


def networks_of(row, folder):
    """A row's trained networks."""
    return [load_member(job, folder) for job in row.jobs]


def test_core_hours_are_those_of_a_rows_networks_and_parts():
    members = [SimpleNamespace(seconds=3600.0)] * 2
    plain = rows(settings_of("mnist", "full"))
    for row in plain:
        seconds = dict.fromkeys(row.parts, 1800.0)
        own = 0 if row.part == "student" else 2
        assert cost(row, members, seconds) == own + 0.5 * len(row.parts)


def test_a_finished_run_trains_and_attacks_nothing(ran, capsys):
    settings, places, some = ran
    before = [path_of(places.results, row.name).read_text() for row in some]
    run(some, settings, load_dataset("mnist-sample"), places)
    assert "batches:" not in capsys.readouterr().err
    assert [path_of(places.results, row.name).read_text() for row in some] == before


def test_a_row_that_fails_leaves_the_others_to_be_measured(ran, monkeypatch, capsys):
    settings, places, some = ran
    own = [row for row in some if row.name != "pgd-joint-2"]
    paths = [path_of(places.results, row.name) for row in own]
    before = paths[1].read_text()
    paths[1].unlink()
    real = defences_run.run_alike

    def failing(rows, bench):
        if rows[0].name == "rounding-1":
            raise ValueError("its learner is no better than guessing")
        real(rows, bench)

    monkeypatch.setattr(defences_run, "run_alike", failing)
    with pytest.raises(ValueError, match="its learner"):
        run(own, settings, load_dataset("mnist-sample"), places)
    assert paths[1].read_text() == before
    assert "rounding-1 failed: its learner" in capsys.readouterr().out


def test_another_experiment_is_refused_before_any_work(ran):
    settings, places, some = ran
    other = replace(settings, strength=replace(settings.strength, steps=9))
    with pytest.raises(ValueError, match=r"holds another experiment: attacks"):
        run(some[:0], other, load_dataset("mnist-sample"), places)


def test_results_that_appear_meanwhile_are_not_overwritten(ran, tmp_path, monkeypatch):
    settings, places, some = ran
    there, real = replace(places, results=tmp_path), defences_run.measure

    def faster(row, bench, *others):
        found = real(row, bench, *others)
        write(replace(found, seed=1), tmp_path)
        return found

    monkeypatch.setattr(defences_run, "measure", faster)
    with pytest.raises(ValueError, match="another experiment: seed is 1, asked for 0"):
        run(some[:1], settings, load_dataset("mnist-sample"), there)
    [record] = read(tmp_path, [some[0].name])
    assert record.seed == 1


def test_another_tables_page_is_refused(ran, refused):
    _, places, _ = ran
    argv = ["table", "--dataset", "cifar10", "--results", str(places.results)]
    said = refused(main, argv)
    assert "dataset is 'mnist-sample', asked for 'cifar10'" in said


def test_a_row_that_is_named_twice_is_one():
    every = rows(settings_of("mnist", "full"))
    names = [row.name for row in chosen(every, ["pgd-5", "single", "pgd-5"])]
    assert names == ["single", "pgd-5"]
    assert chosen(every, []) == every


# Records and the page


def record(name="single", worst=0, alone=(), agreement=(), **changes):
    correct = {FGSM: 30, BIM: 20, "PGD-100": 12, ADAPTIVE: worst}
    left = changes.get("correct", correct).values()
    facts = {
        **{"defence": name, "title": name, "dataset": "mnist", "profile": "full"},
        **{"seed": 0, "members": 1, "eps": 0.3, "images": 100, "test_images": 1000},
        **{"clean": 990, "correct": correct, "usual": min(12, worst + 2)},
        **{"worst": min(worst, *left), "alone": list(alone), "training": {}},
        "agreement": [list(counts) for counts in agreement],
        **{"attacks": vars(Strength(100)), "losses": [0.1], "core_hours": 1.5},
        "environment": environment(),
    }
    return Record(**facts | changes)


def test_the_table_is_derived_from_counts():
    shown, interval = table([record(worst=5)]).rows
    values = ["**0.990**", "**0.300**", "**0.200**", "**0.070**", "**0.050**"]
    assert shown == ["**single**", "1", *values, "**0.050**", "1.50"]
    assert interval[6] == "0.022-0.112"  # Wilson's, of 5 in 100


@pytest.mark.parametrize(
    ("worst", "says"), [(3, "within 0.05 of"), (40, "0.380 above")]
)
def test_what_is_left_is_compared_with_the_undefended_network(worst, says):
    """Worst case with worst case, even if the adaptive attack alone leaves more."""
    correct = {FGSM: 95, BIM: 92, "PGD-100": 90, ADAPTIVE: 60}
    own = record("rounding-1", worst, usual=60, correct=correct)
    [sentence] = findings([record(worst=2), own])
    assert "Under the adaptive attack it keeps 0.600, and in the worst" in sentence
    assert f"{says} the undefended network" in sentence
    assert findings([own]) == []


KEPT = {FGSM: 95, BIM: 92, "PGD-100": 90, ADAPTIVE: 81}
ALONE = [
    ((60, 61, 59), [[20, 0, 0, 0], [10, 10, 10, 50]], "more"),
    ((80, 81, 79), [[10, 5, 0, 5], [4, 2, 4, 70]], "decided"),
    ((97, 98, 96), [[0, 0, 9, 11], [0, 0, 0, 80]], "less"),
]


@pytest.mark.parametrize(("alone", "agreement", "verdict"), ALONE)
def test_an_ensemble_is_compared_with_its_members_alone(alone, agreement, verdict):
    whole = record("pgd-3", 80, alone, agreement, correct=KEPT, usual=90)
    [sentence] = combination([whole])
    assert verdict in sentence.rpartition(").")[2]
    difference = above_members(whole).difference
    images = [
        own - k / 3
        for own in (0, 1)
        for k in range(4)
        for _ in range(agreement[own][k])
    ]
    more = 2 * images + [-1, 0, 0, 1]  # half an image at each end, and one between
    members = scipy.stats.ttest_1samp([0.8 - n / 100 for n in alone], 0)
    high = np.mean(more) + 1.95996 * np.std(more) / np.sqrt(102)
    of_members = np.diff(members.confidence_interval(0.95))[0] / 2
    assert difference.value == pytest.approx(np.mean(images))
    half = np.hypot(high - difference.value, of_members)
    assert difference.high - difference.value == pytest.approx(half, rel=1e-4)


def test_a_few_images_decide_nothing():
    """Four of a thousand: the sign test has p = 0.125."""
    counts = {FGSM: 500, BIM: 500, "PGD-100": 500, ADAPTIVE: 500}
    facts = {"correct": counts, "usual": 500, "images": 1000}
    agreement = [[500, 0, 0], [4, 0, 496]]
    whole = record("pgd-2", 500, (496, 496), agreement, **facts)
    compared = above_members(whole)
    assert compared.difference.value == pytest.approx(0.004)
    assert compared.verdict == "undecided"


def test_what_is_missing_is_named_with_the_command():
    every = rows(settings_of("mnist", "full", 3))
    some = [record(row.name, seed=3) for row in every if row.name != "adp-3"]
    [sentence] = missing(some)
    assert sentence.startswith("**1 of 21 rows is missing**: adp-3. ")
    assert "--dataset mnist --profile full --seed 3`" in sentence
    assert missing([*some, record("adp-3", seed=3)]) == []


def test_the_page_answers_first_what_helps():
    records = [record(worst=2), record("rounding-1", 3), trained("pgd-3", 80)]
    text = answer(records)[0]
    assert "undefended network keeps an accuracy of 0.0200" in text
    assert "**pgd-3, 3 networks**, which keeps 0.8000" in text
    assert "**rounding-1, 1 network**, which keeps 0.0300" in text
    assert text.index("with adv") < text.index("without adv")
    assert answer(records[1:]) == []
    shown = markdown(records)
    assert shown.index(text) < shown.index("| defence |")
    assert "18 of 21 rows are missing" in shown


def test_the_page_names_every_published_number_with_its_source():
    text = markdown([record()])
    for number in ("89.62", "88.00", "92.81", "88.77", "82.93"):
        assert number in text
    assert text.count("https://") >= 5


@pytest.mark.parametrize(
    "changes",
    [
        {"worst": 13, "usual": 12},
        {"clean": 1001},
        {"alone": [101]},
        {"alone": [12]},
        {"alone": [12], "agreement": [[88, 0], [1, 12]]},
        {"alone": [12], "agreement": [[88, 1], [0, 11]]},
        {"alone": [12], "agreement": [[87, 1], [2, 10]]},
        {"correct": {FGSM: 30, BIM: 20}},
        {"usual": 25},
        {"correct": {FGSM: 30, BIM: 20, "PGD-100": 12, ADAPTIVE: 11}, "usual": 12},
    ],
)
def test_a_record_that_contradicts_itself_is_refused(tmp_path, changes):
    with pytest.raises(ValueError, match="it"):
        replace(record(worst=12), **changes)


def test_files_of_two_experiments_are_not_one_table(tmp_path):
    write(record(), tmp_path)
    write(record("plain", seed=1), tmp_path)
    with pytest.raises(ValueError, match=r"plain.json holds another experiment: seed"):
        read(tmp_path, ["single", "plain"])
    path_of(tmp_path, "plain").write_bytes(path_of(tmp_path, "single").read_bytes())
    with pytest.raises(DamagedError, match="it holds single"):
        read(tmp_path, ["single", "plain"])


def test_table_and_report_are_written(ran, capsys):
    _, places, _ = ran
    main(["table", "report", "--results", str(places.results)])  # whatever --profile
    shown = capsys.readouterr().out
    assert "This was a smoke test" in shown
    titles = ("Rounding", "FGSM training", "PGD training, the ensemble's loss")
    assert sorted(titles, key=shown.index) == list(titles)
    page = (places.results / "defences.html").read_text(encoding="utf-8")
    assert page.count("<table>") == 3
    assert "rows are missing" in page
    assert "PGD training" in page


def test_mc_dropout_is_one_classifier_for_the_evaluation(networks):
    defence = victim("dropout", networks)
    assert isinstance(defence.classifier, MCDropout)
    p = defence.classifier.predict_proba(TEST)
    assert_array_equal(defence.classifier.predict_proba(TEST), p)


# The paper's section 5: the combination is "more robust".

TOPIC = "Ensembles with adversarial training above ensembles alone"


def trained(name, worst, members=3):
    correct = {FGSM: 95, BIM: 92, "PGD-100": 90, ADAPTIVE: worst}
    facts = {"correct": correct, "usual": worst, "members": members}
    facts |= {"training": {"perturb": {"Adversarial": {"eps": 0.3}}}}
    return replace(record(name), **facts | {"worst": worst})


def test_members_of_one_job_are_the_same_in_all_rows(tmp_path):
    write(record("single"), tmp_path)
    write(record("plain", losses=[9.9, 0.1]), tmp_path)
    message = r"plain\.json holds another experiment: J is 9\.9, asked for"
    with pytest.raises(ValueError, match=message):
        read(tmp_path, ["single", "plain"])


@pytest.mark.parametrize(
    ("worst", "verdict"), [(80, "holds"), (10, "undecided"), (0, "does not hold")]
)
def test_the_combination_is_judged_against_the_plain_ensemble(worst, verdict):
    kept = {FGSM: 30, BIM: 20, "PGD-100": 12, ADAPTIVE: 12}
    plain = record("plain", 12, members=10, correct=kept)
    records = [plain, trained("pgd-5", worst, 5), trained("pgd-1", 0, 1)]
    judged = {v.topic: v for v in judge(made_up(), None, records)}
    assert judged[TOPIC].verdict == verdict
    assert "5 members against 10 plain" in judged[TOPIC].evidence
    assert judged[TOPIC].section == "section 5"


def test_one_combination_above_the_plain_ensemble_is_enough():
    """The paper says that more robust classifiers can be obtained."""
    kept = {FGSM: 30, BIM: 20, "PGD-100": 12, ADAPTIVE: 12}
    plain = record("plain", 12, members=10, correct=kept)
    records = [plain, trained("fgsm-3", 0), trained("pgd-3", 80)]
    judged = {v.topic: v for v in judge(made_up(), None, records)}
    assert judged[TOPIC].verdict == "holds"
    assert judged[TOPIC].evidence.startswith("1 of 2 comparisons hold")
    assert combination(records)[0].startswith(f"HOLDS: {TOPIC}")


def test_one_combination_below_the_plain_ensemble_refutes_nothing():
    kept = {FGSM: 80, BIM: 80, "PGD-100": 80, ADAPTIVE: 50}
    records = [record("plain", 50, members=10, correct=kept, usual=80)]
    records += [trained("fgsm-3", 10), trained("pgd-3", 52)]
    judged = {v.topic: v for v in judge(made_up(), None, records)}
    assert judged[TOPIC].verdict == "undecided"


def test_it_is_judged_only_where_there_are_data():
    for records in ((), [record("plain")], [trained("pgd-5", 80, 5)]):
        assert TOPIC not in {v.topic for v in judge(made_up(), None, records)}


def test_the_records_stand_beside_the_results_of_the_same_experiment(tmp_path):
    results = made_up("mnist", profile="full")
    folder = tmp_path / "results" / "mnist-full"
    there = tmp_path / "results" / "defences" / "mnist-full"
    assert defences_of(results, folder) == []
    seed = results.configuration.seed
    write(record("plain", seed=seed), there)
    assert [r.defence for r in defences_of(results, folder)] == ["plain"]
    write(record("plain", seed=seed + 1), there)
    assert defences_of(results, folder) == []
