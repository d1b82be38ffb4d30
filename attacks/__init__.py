"""Adversarial perturbations: small changes of an image that fool a classifier.

Built on `minidl`; knows no ensemble. An attack takes a gradient function, not a model:
one model, one member of many (Adv. 1) or the sum over all members (Adv. 2) are the
same attack with another first argument.
"""

from attacks.bim import bim
from attacks.fgsm import fgsm
from attacks.gradients import (
    GradientFn,
    input_gradient,
    margin_gradient,
    mean_logit_gradient,
    mean_probability_gradient,
    member_gradient,
    model_gradient,
    normalized_gradient,
    sum_gradient,
)
from attacks.threat import clip_to_ball, clip_to_bounds

__all__ = [
    "GradientFn",
    "bim",
    "clip_to_ball",
    "clip_to_bounds",
    "fgsm",
    "input_gradient",
    "margin_gradient",
    "mean_logit_gradient",
    "mean_probability_gradient",
    "member_gradient",
    "model_gradient",
    "normalized_gradient",
    "sum_gradient",
]
