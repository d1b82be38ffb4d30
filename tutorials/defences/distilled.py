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

from minidl import Adam, Sequential, cross_entropy, soft_cross_entropy, train
from minidl.backend import Array, rounds_to_zero
from minidl.batches import in_batches
from minidl.layers import softmax
from tutorials.defences.kept import Train

Build = Callable[[np.random.Generator], Sequential]  # such as minidl.mnist_cnn


def distil(
    build: Build,
    x: Array,
    y: Array,
    rng: np.random.Generator,
    temperature: float = 20,
    epochs: int = 5,
    batch_size: int = 32,
    lr: float = 1e-3,
    train: Train = train,
) -> Sequential:
    """Train a teacher on labels y (N,); return a student of the teacher's answers."""
    teacher, student = build(rng), build(rng)
    hard = partial(cross_entropy, temperature=temperature)
    soft = partial(soft_cross_entropy, temperature=temperature)
    for model, loss in ((teacher, hard), (student, soft)):
        target = y if model is teacher else soft_labels(teacher, x, temperature)
        optimizer = Adam(model.params, lr)
        train(model, x, target, optimizer, epochs, batch_size, rng, loss=loss)
    return student


@rounds_to_zero
def soft_labels(teacher: Sequential, x: Array, temperature: float) -> Array:
    """Return softmax(z / T) of a teacher's logits z. Shapes: x (N, ...), (N, K)."""
    return softmax(in_batches(teacher.forward, x) / temperature)
