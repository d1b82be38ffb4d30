"""Members that are trained together to differ: ADP.

Pang et al., Improving Adversarial Robustness via Promoting Ensemble Diversity, 2019.
Nothing hides a gradient: the adaptive attack climbs the ensemble's own loss, with many
steps (Tramer et al., On Adaptive Attacks to Adversarial Example Defenses, 2020).
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from attacks.forwards import log_mean_probability
from ensembles import Committee, Ensemble, adp, train_together
from minidl import Adam, Sequential
from minidl.backend import Array

Build = Callable[[np.random.Generator], Sequential]


class Diverse(Ensemble):
    """The ensemble of members trained by ADP's loss."""

    def __init__(
        self,
        build: Build,
        x: Array,
        y: Array,
        rng: np.random.Generator,
        members: int = 3,
        alpha: float = 2,
        beta: float = 0.5,
        epochs: int = 5,
        batch_size: int = 32,
    ) -> None:
        """Train the members; `losses` are each epoch's mean cost."""
        committee = Committee([build(rng) for _ in range(members)])
        optimizer, how = Adam(committee.params), (epochs, batch_size, rng)
        loss = partial(adp, alpha=alpha, beta=beta)
        self.losses = train_together(committee, x, y, optimizer, *how, loss=loss)
        super().__init__(committee.members)
        self.forward = log_mean_probability(committee.members)
