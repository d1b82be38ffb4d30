"""What has no gradient, given to what needs one: told so at once."""

import numpy as np
import pytest

import attacks
from ensembles import Ensemble


class Scores:
    def predict_proba(self, x):
        return np.full((len(x), 2), 0.5)


ERROR = r"must be a network with a backward pass, got Scores: .* or take square"


@pytest.mark.parametrize(
    "name", ["sum_gradient", "margin_gradient", "log_mean_probability", "ensemble_loss"]
)
def test_members(name, cnn):
    with pytest.raises(TypeError, match=rf"^members\[1\] {ERROR}"):
        getattr(attacks, name)([cnn, Scores()])
    with pytest.raises(TypeError, match="got Ensemble"):
        getattr(attacks, name)([Ensemble([cnn])])


@pytest.mark.parametrize("name", ["network", "model_loss", "model_gradient"])
def test_models(name):
    with pytest.raises(TypeError, match=f"^model {ERROR}"):
        getattr(attacks, name)(Scores())


def test_images_and_labels(cnn, x, y):
    """Used alone, input_gradient would differentiate by 0..255 without a word."""
    with pytest.raises(TypeError, match="float64, got uint8"):
        attacks.input_gradient(cnn, (255 * x).astype(np.uint8), y)
    for wrong in (np.arange(8), -np.arange(8)):
        with pytest.raises(ValueError, match=r"^y must be 0 to 3, got"):
            attacks.input_gradient(cnn, x, wrong)
