"""Each rule for labels against an explicit loop."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import bim, fgsm, input_gradient
from tests.attacks.conftest import CLASSES
from tests.oracles import slope
from tutorials.paper.experiment.adversaries import (
    SUM,
    adversary,
    one_member,
    with_label,
)
from tutorials.paper.experiment.cases import adv1, adv2
from tutorials.paper.experiment.labels import (
    RULES,
    TRUE,
    in_one_step,
    label_gradient,
    relabelled,
)

EPS, ALPHA, STEPS = 0.4, 0.15, 4  # far enough for images to be fooled and come back
BIM = partial(bim, eps=EPS, alpha=ALPHA, steps=STEPS)
WHO = (SUM, one_member(1))


@pytest.fixture
def x(rng):
    return rng.random((25, 6, 6, 2))


@pytest.fixture
def y(members, x, rng):
    """Labels that the ensemble predicts for most images."""
    right = sum(m.predict_proba(x) for m in members).argmax(axis=1)
    return np.where(rng.random(len(x)) < 0.7, right, rng.integers(CLASSES, size=len(x)))


def predicted(members, owner, x):
    """Return the predicted labels of each owner, (M, N) or (1, N)."""
    p = np.array([m.predict_proba(x) for m in members])
    return (p if owner == "member" else p.mean(0, keepdims=True)).argmax(-1)


def written_out(who, rule, members, x, y):
    """BIM, step by step and image by image, with one rule for labels."""
    sources = range(3) if who == SUM else [1]
    found = []
    for image, true in zip(x, y, strict=True):
        start = x_i = image[None]
        for step in range(STEPS):
            g = 0
            for i in sources:
                label = true
                if rule != TRUE:
                    owner, time = rule.split("'s ")
                    row = i if owner == "member" else 0
                    now = predicted(members, owner, x_i)[row, 0]
                    first = predicted(members, owner, start)[row, 0]
                    label = {
                        "first prediction": first,
                        "current prediction": now,
                        "prediction after the first step": now if step else true,
                        "current prediction where right at first": (
                            now if first == true else true
                        ),
                    }[time]
                g = g + input_gradient(members[i], x_i, np.array([label]))
            x_i = np.clip(x_i + ALPHA * np.sign(g), start - EPS, start + EPS).clip(0, 1)
        found.append(x_i[0])
    return np.array(found)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("rule", RULES)
def test_each_rule_equals_the_explicit_loop(members, x, y, who, rule):
    found = adversary(with_label(who, rule))(members, BIM, x, y)
    assert_allclose(found, written_out(who, rule, members, x, y), atol=1e-12)


@pytest.mark.parametrize("who", WHO)
def test_no_two_rules_are_the_same_in_several_steps(members, x, y, who):
    each = [adversary(with_label(who, rule))(members, BIM, x, y) for rule in RULES]
    differ = [(a != b).any() for n, a in enumerate(each) for b in each[:n]]
    assert all(differ)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("rule", RULES)
def test_in_one_step_some_rules_are_the_same(members, x, y, who, rule):
    attack = partial(fgsm, eps=0.2)
    one, same = (
        adversary(with_label(who, name))(members, attack, x, y)
        for name in (rule, in_one_step(rule))
    )
    assert_array_equal(one, same)


def test_one_step_knows_three_labels():
    current = [f"{owner}'s current prediction" for owner in ("member", "ensemble")]
    assert list(dict.fromkeys(map(in_one_step, RULES))) == [TRUE, *current]


def test_a_relabelled_gradient_is_that_of_the_cost_of_its_label(members, x, y, rng):
    """sum_i -log max_k p_ik, as each member believes itself: finite differences."""
    v = rng.standard_normal(x.shape)

    def cost():
        return sum(-np.log(m.predict_proba(x).max(axis=1)).sum() for m in members)

    rule = "member's current prediction"
    found = label_gradient(rule, members, members, x, y)(x, y)
    assert_allclose((found * v).sum(), slope(cost, x, v, 1e-6), rtol=1e-4)


def test_the_label_is_taken_from_the_images_of_the_step(x):
    seen = []
    gradient = relabelled(lambda x, y: seen.append(y), lambda x: x[:, 0, 0, 0] > 0.5)
    gradient(x, None)
    gradient(1 - x, None)
    assert (seen[0] != seen[1]).all()


def test_each_attack_begins_anew(members, x, y):
    """The rule that begins with the true label does so for each batch."""
    attack = adversary(f"{SUM}, member's prediction after the first step")
    first, again = (attack(members, BIM, x, y) for _ in range(2))
    assert_array_equal(first, again)


def test_true_labels_keep_their_cases():
    """So results of earlier versions are found again."""
    parameters = {"eps": 0.3}
    assert adv2("fgsm", parameters, 2).adversary == SUM
    assert [c.adversary for c in adv1("fgsm", parameters, 2)] == [
        "member 0",
        "member 1",
    ]
    rule = "ensemble's first prediction"
    assert adv2("fgsm", parameters, 2, rule).adversary == f"{SUM}, {rule}"
