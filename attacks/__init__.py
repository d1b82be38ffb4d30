"""Adversarial perturbations: small changes of an image that fool a classifier.

Built on `minidl` and independent of `ensembles`. An attack takes functions instead of a
model: attacking one model, one member of many (Adv. 1) or the sum over all members
(Adv. 2) is the same attack with a different first argument.

| attack             | takes            | norm     | returns                         |
|--------------------|------------------|----------|---------------------------------|
| `fgsm`             | gradient         | Linf     | one step of size eps            |
| `bim`              | gradient         | Linf     | the last of many steps          |
| `mi_fgsm`          | gradient         | Linf     | the same, with momentum         |
| `pgd`              | loss             | Linf, L2 | the best point of all restarts  |
| `apgd`             | loss             | Linf, L2 | the same, with adaptive steps   |
| `apgd_targeted`    | logits, loss     | Linf, L2 | the same, over many targets     |
| `deepfool`         | logits, vjp      | L2, Linf | just past the nearest boundary  |
| `carlini_wagner`   | loss, a margin   | L2       | the closest misclassified image |
| `lbfgs`            | loss, predict    | L2       | the closest image of the target |
| `jsma`             | logits, vjp      | L0       | few changed pixels, targeted    |
| `square`           | predict_proba    | Linf, L2 | the best of many random squares |
| `hop_skip_jump`    | predict          | L2, Linf | the closest misclassified image |
| `train_substitute` | predict          |          | a network to attack instead     |

`bpda` attacks a defence that hides its gradient, and `eot` attacks a random defence.

Images are float32 or float64, and within `bounds` unless these are None. An invalid
argument raises a TypeError or ValueError that names it, before any work is done.
`evaluate`, `accuracy_curve` and `transfer_matrix` measure robustness, and `diagnose`
finds out why an attack failed. Adversarial training of one network is
`minidl.train(..., perturb=pgd_perturb(...))`; jobs for members of an ensemble take
`perturb=Adversarial(...)`. `save_images` saves adversarial images as PNG files, rounded
inside the ball.
"""

from attacks.adaptive import bpda, eot
from attacks.adversarial import Adversarial
from attacks.apgd import apgd
from attacks.apgd_targeted import apgd_targeted
from attacks.bim import bim
from attacks.carlini_wagner import carlini_wagner
from attacks.deepfool import deepfool
from attacks.diagnosis import diagnose, report
from attacks.evaluation.counter import Counter
from attacks.evaluation.curves import accuracy_curve
from attacks.evaluation.robustness import evaluate
from attacks.evaluation.saved import adversarial_images
from attacks.evaluation.suites import Suite, within
from attacks.evaluation.transfer import transfer_matrix
from attacks.fgsm import fgsm
from attacks.forwards import (
    log_mean_probability,
    mean_logits,
    mean_probability,
    network,
)
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
from attacks.hop_skip_jump import hop_skip_jump
from attacks.jsma import jsma
from attacks.lbfgs import lbfgs
from attacks.losses import cross_entropy, dlr, margin, targeted, targeted_dlr
from attacks.mi_fgsm import mi_fgsm
from attacks.norms import distance
from attacks.pgd import pgd
from attacks.pictures import save_gif
from attacks.saving import load_images, save_images
from attacks.square import square
from attacks.steps import steps_to_success, trajectory
from attacks.substitute import train_substitute
from attacks.threat import Threat, clip_to_ball, clip_to_bounds
from attacks.training import fgsm_gap, fgsm_perturb, growing, pgd_perturb
from attacks.victims import (
    LossFn,
    ensemble_loss,
    logits_of,
    loss_of,
    model_loss,
    vjp_of,
)

__all__ = [
    "Adversarial",
    "Counter",
    "GradientFn",
    "LossFn",
    "Suite",
    "Threat",
    "accuracy_curve",
    "adversarial_images",
    "apgd",
    "apgd_targeted",
    "bim",
    "bpda",
    "carlini_wagner",
    "clip_to_ball",
    "clip_to_bounds",
    "cross_entropy",
    "deepfool",
    "diagnose",
    "distance",
    "dlr",
    "ensemble_loss",
    "eot",
    "evaluate",
    "fgsm",
    "fgsm_gap",
    "fgsm_perturb",
    "growing",
    "hop_skip_jump",
    "input_gradient",
    "jsma",
    "lbfgs",
    "load_images",
    "log_mean_probability",
    "logits_of",
    "loss_of",
    "margin",
    "margin_gradient",
    "mean_logit_gradient",
    "mean_logits",
    "mean_probability",
    "mean_probability_gradient",
    "member_gradient",
    "mi_fgsm",
    "model_gradient",
    "model_loss",
    "network",
    "normalized_gradient",
    "pgd",
    "pgd_perturb",
    "report",
    "save_gif",
    "save_images",
    "square",
    "steps_to_success",
    "sum_gradient",
    "targeted",
    "targeted_dlr",
    "train_substitute",
    "trajectory",
    "transfer_matrix",
    "vjp_of",
    "within",
]
