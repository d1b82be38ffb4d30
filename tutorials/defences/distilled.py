"""Defensive distillation: a student learns a teacher's probabilities.

Papernot et al., Distillation as a Defense to Adversarial Perturbations against Deep
Neural Networks, IEEE S&P 2016. Teacher and student are trained at the temperature T,
and the student predicts at 1: its logits are T times as large, and cross-entropy's
gradient rounds to 0. Its adaptive attack climbs a margin of the logits instead, whose
gradient has no scale (Carlini & Wagner, Defensive Distillation is Not Robust to
Adversarial Examples, 2016).
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from attacks.forwards import network
from minidl import Adam, Sequential, cross_entropy, soft_cross_entropy, train
from minidl.backend import Array, rounds_to_zero
from minidl.batches import in_batches
from minidl.layers import softmax
from tutorials.defences.kept import Train

Build = Callable[[np.random.Generator], Sequential]  # such as minidl.mnist_cnn


class Distilled:
    """The student, as a classifier."""

    def __init__(
        self,
        build: Build,
        x: Array,
        y: Array,
        rng: np.random.Generator,
        temperature: float = 20,
        epochs: int = 5,
        batch_size: int = 32,
        lr: float = 1e-3,
        train: Train = train,
    ) -> None:
        """Train a teacher on labels y (N,), and a student on the teacher's answers."""
        teacher, self.model = build(rng), build(rng)
        hard = partial(cross_entropy, temperature=temperature)
        soft = partial(soft_cross_entropy, temperature=temperature)
        for model, loss in ((teacher, hard), (self.model, soft)):
            target = y if model is teacher else soft_labels(teacher, x, temperature)
            optimizer = Adam(model.params, lr)
            train(model, x, target, optimizer, epochs, batch_size, rng, loss=loss)
        self.predict_proba = self.model.predict_proba
        self.forward = network(self.model)


@rounds_to_zero
def soft_labels(teacher: Sequential, x: Array, temperature: float) -> Array:
    """Return softmax(z / T) of a teacher's logits z. Shapes: x (N, ...), (N, K)."""
    return softmax(in_batches(teacher.forward, x) / temperature)
