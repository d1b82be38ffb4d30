"""A classifier without a gradient, given to what needs one: told so at once."""

import numpy as np
import pytest

from attacks import (
    input_gradient,
    log_mean_probability,
    margin_gradient,
    mean_probability_loss,
    member_gradient,
    model_loss,
    network,
    sum_gradient,
)
from ensembles import Ensemble


class Scores:
    def predict_proba(self, x):
        return np.full((len(x), 2), 0.5)


ERROR = r"must be a network with a backward pass, got Scores: .* or take square"


@pytest.mark.parametrize(
    "make",
    [
        sum_gradient,
        margin_gradient,
        mean_probability_loss,
        log_mean_probability,
        lambda members: member_gradient(members, 0),
    ],
)
def test_members(make, cnn):
    with pytest.raises(TypeError, match=rf"^members\[1\] {ERROR}"):
        make([cnn, Scores()])


def test_models(x, y):
    for use in (
        lambda: network(Scores()),
        lambda: input_gradient(Scores(), x, y),
        lambda: model_loss(Scores())(x, y),
    ):
        with pytest.raises(TypeError, match=f"^model {ERROR}"):
            use()


def test_an_ensemble_is_no_member(cnn):
    with pytest.raises(TypeError, match="got Ensemble"):
        sum_gradient([Ensemble([cnn])])
