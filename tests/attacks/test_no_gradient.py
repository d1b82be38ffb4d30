"""What has no gradient, given to what needs one: told so at once."""

import numpy as np
import pytest

from attacks import (
    ensemble_loss,
    input_gradient,
    log_mean_probability,
    margin_gradient,
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
        ensemble_loss,
        log_mean_probability,
        lambda members: member_gradient(members, 0),
    ],
)
def test_members(make, cnn):
    with pytest.raises(TypeError, match=rf"^members\[1\] {ERROR}"):
        make([cnn, Scores()])
    with pytest.raises(TypeError, match="got Ensemble"):
        make([Ensemble([cnn])])


@pytest.mark.parametrize("use", [network, model_loss])
def test_models(use):
    with pytest.raises(TypeError, match=f"^model {ERROR}"):
        use(Scores())


def test_images_and_labels(cnn, x, y):
    """Used alone, input_gradient would differentiate by 0..255 without a word."""
    with pytest.raises(TypeError, match="float64, got uint8"):
        input_gradient(cnn, (255 * x).astype(np.uint8), y)
    for wrong in (np.arange(8), -np.arange(8)):
        with pytest.raises(ValueError, match=r"^y must be 0 to 3, got"):
            input_gradient(cnn, x, wrong)
