"""The verdicts: the paper's own numbers must fulfil all that the paper says of them."""

import dataclasses

import pytest

from tests.tutorials.made_up import made_up, with_papers_numbers
from tutorials.paper.claims import CLAIMS
from tutorials.paper.comparisons import Comparison, other_and_own
from tutorials.paper.results import Cell
from tutorials.paper.verdicts import evidence, judge, sentences


def verdicts(results):
    return {verdict.topic: verdict.held for verdict in judge(results)}


def change(results, attack, method, column, accuracy):
    """The same results with another number in one cell."""
    table2 = {
        a: {m: {c: cell for c, cell in cells.items()} for m, cells in methods.items()}
        for a, methods in results.table2.items()
    }
    table2[attack][method][column] = Cell(accuracy, [accuracy], 10_000)
    return dataclasses.replace(results, table2=table2)


@pytest.fixture
def papers(results):
    return with_papers_numbers(results, "MNIST")


def test_the_papers_mnist_numbers_fulfil_its_claims(papers):
    assert set(verdicts(papers).values()) == {True}
    assert len(verdicts(papers)) == len(CLAIMS)


def test_the_papers_cifar10_numbers_fulfil_its_claims():
    results = with_papers_numbers(made_up("cifar10"), "CIFAR-10")
    found = verdicts(results)
    assert set(found.values()) == {True}
    assert len(found) == sum(claim.cifar10 is not None for claim in CLAIMS)


# For each claim, one number of the paper's changed so that this claim fails.
BROKEN = {
    "Clean: ensembles above singles": ("fgsm", "bagging", "no_attack_ensemble", 0.99),
    "Clean: by less than one percent": ("fgsm", "bagging", "no_attack_single", 0.98),
    "FGSM, Adv. 1: ensembles above singles": ("fgsm", "bagging", "adv1_single", 0.7),
    "FGSM, Adv. 2: ensembles above singles": ("fgsm", "bagging", "adv2_ensemble", 0.4),
    "FGSM: accuracy under Adv. 1 above Adv. 2": (
        ("fgsm", "bagging", "adv2_ensemble", 0.68)
    ),
    "Singles: BIM stronger than FGSM": ("bim", "bagging", "adv1_single", 0.41),
    "Singles under BIM": ("bim", "gaussian-noise", "adv1_single", 0.11),
    "BIM, Adv. 1: ensembles above singles": ("bim", "bagging", "adv1_ensemble", 0.11),
    "BIM, Adv. 2: ensembles above singles": ("bim", "bagging", "adv2_ensemble", 0.1),
    "BIM, the surprise: accuracy under Adv. 2 above Adv. 1": (
        ("bim", "mixed-models", "adv2_ensemble", 0.66)
    ),
    "Attacked: Bagging above (i) and (ii)": (
        ("bim", "mixed-models", "adv2_ensemble", 0.93)
    ),
    "Clean: (i) and (ii) above Bagging": (
        ("fgsm", "mixed-models", "no_attack_ensemble", 0.9926)
    ),
    "Attacked: Gauss Noise above all others": (
        ("fgsm", "bagging", "adv1_ensemble", 0.79)
    ),
    "Clean: all others above Gauss Noise": (
        ("fgsm", "bagging", "no_attack_ensemble", 0.9919)
    ),
    "Clean: the noisy ensemble above all singles": (
        ("fgsm", "mixed-models", "no_attack_single", 0.9921)
    ),
}


@pytest.mark.parametrize("topic", BROKEN)
def test_one_number_decides(papers, topic):
    assert verdicts(change(papers, *BROKEN[topic]))[topic] is False


def test_every_claim_about_the_table_was_broken():
    assert BROKEN.keys() == {c.topic for c in CLAIMS} - {"Attacks don't carry over"}


def test_attacks_that_carry_over_refute_the_abstract(papers):
    methods = dict(papers.methods)
    attacked = methods["bagging"].attacks["bim"]
    same = [dataclasses.replace(score, members=[0.1, 0.1]) for score in attacked.adv1]
    attacks = {"fgsm": attacked, "bim": dataclasses.replace(attacked, adv1=same)}
    methods["bagging"] = dataclasses.replace(methods["bagging"], attacks=attacks)
    broken = dataclasses.replace(papers, methods=methods)
    assert verdicts(broken)["Attacks don't carry over"] is False


def test_a_claim_about_a_method_that_is_missing_is_not_judged():
    results = made_up(methods=["random-init", "bagging"])
    found = {v.topic: v for v in judge(results)}
    lacking = found["Attacked: Bagging above (i) and (ii)"]
    assert lacking.held is None
    assert lacking.evidence == "this run lacks mixed-models"
    assert found["BIM, Adv. 1: ensembles above singles"].held is True
    assert any(s.startswith("NOT JUDGED") for s in sentences(results))


def test_one_member_is_no_ensemble(results):
    config = dataclasses.replace(results.configuration, members=1)
    alone = dataclasses.replace(results, configuration=config)
    assert set(verdicts(alone).values()) == {None}


def test_other_members_are_those_whose_gradient_it_is_not(results):
    result = results.methods["bagging"].attacks["bim"]
    assert other_and_own(result) == pytest.approx((0.6, 0.1))


@pytest.mark.parametrize(
    ("higher", "lower", "sign"), [(0.2, 0.1, ">"), (0.1, 0.2, "<"), (0.1, 0.1, "=")]
)
def test_a_comparison_says_what_is_so(higher, lower, sign):
    comparison = Comparison("it", higher, lower)
    assert comparison.holds() == (sign == ">")
    assert str(comparison) == f"it {higher:.4f} {sign} {lower:.4f}"


def test_rounding_is_no_difference():
    assert not Comparison("it", (0.1 + 0.2) / 2, 0.15).holds()
    assert not Comparison("it", 0.15, (0.1 + 0.2) / 2).holds()


def test_a_long_list_shows_what_matters():
    many = [Comparison(f"c{i}", 0.5 + i / 100, 0.4) for i in range(6)]
    assert evidence(many) == "6 of 6, narrowest c0 0.5000 > 0.4000"
    many[3] = Comparison("bad", 0.1, 0.4)
    assert evidence(many) == "5 of 6, not bad 0.1000 < 0.4000"
    assert evidence(many[:2]) == "2 of 2: c0 0.5000 > 0.4000; c1 0.5100 > 0.4000"
