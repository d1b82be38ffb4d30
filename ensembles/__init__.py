"""Several networks that vote: the paper's defence.

It is built on `minidl` and knows no attacks. An ensemble predicts like a network, and
anything with `predict_proba` can be a member.
"""

from ensembles.adp import adp
from ensembles.bayesian import MCDropout
from ensembles.chains import CHAIN_METHODS, boosting, snapshots
from ensembles.ensemble import Ensemble
from ensembles.jobs import MemberJob
from ensembles.materialise import materialise
from ensembles.methods import (
    METHODS,
    bagging,
    bootstrap_replicate,
    gaussian_noise,
    mixed_models,
    random_init,
)
from ensembles.together import Committee, train_together
from ensembles.training import train_ensemble

__all__ = [
    "CHAIN_METHODS",
    "METHODS",
    "Committee",
    "Ensemble",
    "MCDropout",
    "MemberJob",
    "adp",
    "bagging",
    "boosting",
    "bootstrap_replicate",
    "gaussian_noise",
    "materialise",
    "mixed_models",
    "random_init",
    "snapshots",
    "train_ensemble",
    "train_together",
]
