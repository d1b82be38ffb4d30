"""The verdicts: the paper's own numbers must fulfil all that the paper says of them."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from attacks.evaluation.intervals import Estimate, wilson
from tests.tutorials.made_up import made_up, with_papers_numbers, with_table2
from tutorials.paper.claims.comparison import (
    FAILS,
    HOLDS,
    UNDECIDED,
    Comparison,
    compare_cells,
    stands_out,
)
from tutorials.paper.claims.diversity import others_and_own
from tutorials.paper.claims.intervals import (
    exactly,
    of_both,
    of_cell,
    student,
)
from tutorials.paper.claims.sentences import CLAIMS
from tutorials.paper.claims.verdicts import (
    NOT_JUDGED,
    Run,
    evidence,
    judge,
    overall,
    sentences,
)
from tutorials.paper.results import Cell
from tutorials.paper.results.table2 import mean_cell

OF_TABLE2 = [claim for claim in CLAIMS if not (claim.adaptive or claim.combined)]


def verdicts(results):
    return {verdict.topic: verdict.verdict for verdict in judge(results)}


def change(results, attack, method, column, accuracy):
    """The same results with another number in one cell."""
    table2 = {
        a: {m: {c: cell for c, cell in cells.items()} for m, cells in methods.items()}
        for a, methods in results.table2.items()
    }
    table2[attack][method][column] = Cell(accuracy, [accuracy], 10**8)
    return with_table2(results, table2)


@pytest.fixture
def papers(results):
    return with_papers_numbers(results, "MNIST")


@pytest.mark.parametrize("values", [[0.0, 0.05, 0.1], [0.9, 0.95, 1.0]])
def test_no_accuracy_leaves_0_to_1(values):
    _, low, high = of_both(mean_cell(values, 300))
    assert low >= 0
    assert high <= 1
    assert (low == 0) != (high == 1)


def test_the_papers_mnist_numbers_fulfil_its_claims(papers):
    assert set(verdicts(papers).values()) == {HOLDS}
    assert len(verdicts(papers)) == len(OF_TABLE2)


def test_the_papers_cifar10_numbers_fulfil_its_claims():
    results = with_papers_numbers(made_up("cifar10"), "CIFAR-10")
    found = verdicts(results)
    assert set(found.values()) == {HOLDS}
    assert len(found) == sum(bool(c.both or c.cifar10) for c in OF_TABLE2)


# For each claim, one number of the paper's changed so that this claim fails.
BROKEN = {
    "Clean: roughly 99 %": "fgsm bagging no_attack_single 0.979",
    "Clean: ensembles above singles": "fgsm bagging no_attack_ensemble 0.98",
    "Clean: ensembles above singles by less than one percent": (
        "fgsm bagging no_attack_single 0.98"
    ),
    "FGSM, Adv. 1: ensembles above singles": "fgsm bagging adv1_single 0.7",
    "FGSM, Adv. 2: ensembles above singles": "fgsm bagging adv2_ensemble 0.4",
    "FGSM: accuracy under Adv. 1 above Adv. 2": "fgsm bagging adv2_ensemble 0.68",
    "Singles: BIM stronger than FGSM": "bim bagging adv1_single 0.41",
    "Singles under BIM: above 10 % only with noise": (
        "bim gaussian-noise adv1_single 0.11"
    ),
    "Singles: more robust when trained with noise": (
        "fgsm gaussian-noise adv1_single 0.37"
    ),
    "BIM, Adv. 1: ensembles above singles": "bim bagging adv1_ensemble 0.11",
    "BIM, Adv. 2: ensembles above singles": "bim bagging adv2_ensemble 0.1",
    "BIM, the surprise: accuracy under Adv. 2 above Adv. 1": (
        "bim mixed-models adv2_ensemble 0.66"
    ),
    "Attacked: Bagging above (i) and (ii)": "bim mixed-models adv2_ensemble 0.93",
    "Clean: (i) and (ii) above Bagging": "fgsm mixed-models no_attack_ensemble 0.9926",
    "Attacked: Gauss Noise above all others": "fgsm bagging adv1_ensemble 0.79",
    "Clean: all others above Gauss Noise": "fgsm bagging no_attack_ensemble 0.9919",
    "Clean: the noisy ensemble above all singles": (
        "fgsm mixed-models no_attack_single 0.9921"
    ),
}


@pytest.mark.parametrize("topic", BROKEN)
def test_one_number_decides(papers, topic):
    *place, accuracy = BROKEN[topic].split()
    assert verdicts(change(papers, *place, float(accuracy)))[topic] == FAILS


def changed_scores(results, method, change):
    """The same results with other scores of one method under both attacks."""
    result = results.methods[method]
    attacks = {
        attack: dataclasses.replace(
            r, adv1=[dataclasses.replace(score, **change) for score in r.adv1]
        )
        for attack, r in result.attacks.items()
    }
    changed = dataclasses.replace(result, attacks=attacks)
    return dataclasses.replace(results, methods=results.methods | {method: changed})


# For each claim about single members, what makes it fail.
BROKEN_SCORES = {
    "Attacks transfer only in part": ("bagging", {"members": [0.1, 0.1]}),
    "Members err differently under attack": ("bagging", {"fooled": [10**7, 0, 0]}),
    "Under FGSM and BIM the majority of members stays better than guessing": (
        ("bagging", {"members": [0.05, 0.1]})
    ),
    "Mixed models are more diverse than random initial weights": (
        ("mixed-models", {"fooled": [6 * 10**6, 4 * 10**6, 0]})
    ),
}


@pytest.mark.parametrize("topic", BROKEN_SCORES)
def test_scores_of_members_decide(papers, topic):
    broken = changed_scores(papers, *BROKEN_SCORES[topic])
    assert verdicts(broken)[topic] in (FAILS, UNDECIDED)
    assert verdicts(papers)[topic] == HOLDS


def test_every_claim_was_broken():
    assert BROKEN.keys() | BROKEN_SCORES.keys() == {c.topic for c in OF_TABLE2}


def test_ten_thousand_images_dont_decide_all_that_the_paper_says():
    """0.9920 against 0.9898 is the narrowest: [-0.0004, 0.0049]."""
    results = with_papers_numbers(made_up("mnist"), "MNIST", images=10_000)
    found = verdicts(results)
    assert found["Clean: ensembles above singles"] == UNDECIDED
    assert found["BIM, Adv. 1: ensembles above singles"] == HOLDS
    assert FAILS not in found.values()


def test_a_claim_about_a_method_that_is_missing_is_not_judged():
    results = made_up(methods=["random-init", "bagging"])
    found = {v.topic: v for v in judge(results)}
    lacking = found["Attacked: Bagging above (i) and (ii)"]
    assert lacking.verdict == NOT_JUDGED
    assert lacking.evidence == "this run lacks mixed-models"
    assert found["Singles under BIM: above 10 % only with noise"].verdict == NOT_JUDGED
    so_far = found["Attacks transfer only in part"].verdict
    assert so_far == "holds so far (2 of 4 methods)"
    assert any(s.startswith("NOT JUDGED") for s in sentences(Run(results)))


def test_one_member_is_no_ensemble(results):
    config = dataclasses.replace(results.configuration, members=1)
    alone = dataclasses.replace(results, configuration=config)
    assert set(verdicts(alone).values()) == {NOT_JUDGED}


def test_other_members_are_those_whose_gradient_it_is_not(results):
    result = results.methods["bagging"].attacks["bim"]
    others, own = others_and_own(result)
    assert others.mean_of == pytest.approx([0.6, 0.6])
    assert own.mean_of == pytest.approx([0.1, 0.1])
    assert others.images == own.images == 10


def test_the_same_members_are_compared_one_by_one():
    """They vary by 0.4, but each differs by 0.019 to 0.021."""
    higher = Cell(0.33, [0.119, 0.320, 0.551], 10**9)
    lower = Cell(0.31, [0.100, 0.300, 0.530], 10**9)
    found = compare_cells("", higher, lower)
    expected = student([0.019, 0.020, 0.021])
    assert list(found.difference) == pytest.approx(list(expected), abs=1e-4)
    assert found.verdict == HOLDS
    assert compare_cells("", higher, lower, same_members=False).verdict == UNDECIDED
    reverse = compare_cells("", lower, higher)
    assert reverse.difference.high == pytest.approx(-expected.low, abs=1e-4)
    assert reverse.verdict == FAILS


def test_few_images_decide_nothing_between_means():
    higher = Cell(0.33, [0.119, 0.320, 0.551], 100)
    lower = Cell(0.31, [0.100, 0.300, 0.530], 100)
    assert compare_cells("", higher, lower).verdict == UNDECIDED
    one = Cell(0.5, [0.5], 100)  # has its images' chance already
    assert compare_cells("", one, lower) == Comparison("", of_cell(one), of_cell(lower))


def test_two_equally_strong_attacks_are_rarely_told_apart():
    """Ten members and 1,000 images, the same for both: chance alone, in 5 % at most."""
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(300):
        p = rng.normal(0.5, 0.05, 10).clip(0, 1)  # members of unequal strength
        hard = rng.normal(0, 1, (2, 1000))  # each attack finds other images hard
        noise = rng.normal(0, 1, (2, 10, 1000))
        score = (hard[:, None] + noise) / np.sqrt(2)
        right = score < norm.ppf(p)[None, :, None]
        one, two = (mean_cell(r.mean(axis=1).tolist(), 1000) for r in right)
        wrong += compare_cells("", one, two).verdict != UNDECIDED
    assert wrong <= 15


@pytest.mark.parametrize(
    ("higher", "lower", "sign", "verdict"),
    [
        (0.2, 0.1, ">", HOLDS),
        (0.1, 0.2, "<", FAILS),
        (0.1, 0.1, "=", UNDECIDED),
        ((0.1 + 0.2) / 2, 0.15, "=", UNDECIDED),  # but for rounding
        (0.15, (0.1 + 0.2) / 2, "=", UNDECIDED),
    ],
)
def test_numbers_that_are_known(higher, lower, sign, verdict):
    comparison = Comparison("it", exactly(higher), exactly(lower))
    assert comparison.verdict == verdict
    assert str(comparison).startswith(f"it {higher:.4f} {sign} {lower:.4f} (")


def test_an_interval_that_contains_zero_decides_nothing():
    wide, narrow = Estimate(0.6, 0.4, 0.8), Estimate(0.6, 0.55, 0.65)
    assert Comparison("it", wide, exactly(0.5)).verdict == UNDECIDED
    assert Comparison("it", exactly(0.5), wide).verdict == UNDECIDED
    assert Comparison("it", narrow, exactly(0.5)).verdict == HOLDS
    assert Comparison("it", exactly(0.5), narrow).verdict == FAILS
    text = "it 0.6000 > 0.5000 (+0.1000 [+0.0500, +0.1500])"
    assert str(Comparison("it", narrow, exactly(0.5))) == text


def known(label, higher):
    return Comparison(label, exactly(higher), exactly(0.4))


def test_a_long_list_shows_what_matters():
    many = [known(f"c{i}", 0.5 + i / 100) for i in range(6)]
    assert evidence(many).startswith(
        "6 of 6 comparisons hold, most narrowly c0 0.5000 > "
    )
    many[3] = known("bad", 0.1)
    assert evidence(many).startswith(
        "5 of 6 comparisons hold; the others: bad 0.1000 < "
    )
    assert evidence(many[:2]).count(";") == 1
    many[4] = known("equal", 0.4)
    assert evidence(many).count("; ") == 2


def test_one_comparison_the_other_way_refutes_and_an_open_one_leaves_open():
    good, bad, equal = known("", 0.5), known("", 0.3), known("", 0.4)
    assert overall([good, good]) == HOLDS
    assert overall([good, equal]) == UNDECIDED
    assert overall([good, equal, bad]) == FAILS


def test_another_data_set_is_not_judged_by_sentences_on_mnist():
    said = [c for c in CLAIMS if c.both and not (c.adaptive or c.combined)]
    quotes = [v.quote for v in judge(made_up("fashion-mnist"))]
    assert quotes == [claim.both for claim in said]


def test_the_first_of_several_stands_out_only_with_its_whole_interval():
    best = wilson(0.9, 1000)
    assert stands_out(best, [wilson(0.5, 1000), wilson(0.86, 1000)])
    assert not stands_out(best, [wilson(0.5, 1000), wilson(0.89, 1000)])
    assert stands_out(best, [])
