"""Usual answers: the right ones pass, and wrong ones are told by name what is wrong."""

import pytest

from tests.tutorials.usual_answers import RIGHT, WRONG
from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import diagnose

UNNAMED = ("numbers are wrong", "it is right except", "is it random?")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_in_another_form_passes(name):
    for answer in RIGHT[name]:
        assert diagnose(exercises()[name], answer) is None


def test_wrong_answers_are_refused_and_mostly_named():
    said = {
        (name, kind): diagnose(exercises()[name], answer)
        for name, kinds in WRONG.items()
        for kind, answer in kinds.items()
    }
    assert [key for key, sentence in said.items() if sentence is None] == []
    unnamed = [k for k, s in said.items() if any(words in s for words in UNNAMED)]
    assert len(said) > 280
    assert len(unnamed) < 0.03 * len(said), unnamed
