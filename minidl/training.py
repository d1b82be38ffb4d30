"""The training loop, and accuracy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.answers import check_classifier, probabilities
from minidl.backend import Array, device_of, rounds_to_zero
from minidl.batches import batches_of
from minidl.checks import (
    check_count,
    check_generator,
    check_labels,
    check_stored_images,
)
from minidl.classifiers import Classifier, classes_of, place_of
from minidl.layers import Sequential
from minidl.losses import cross_entropy
from minidl.optimizers import Optimizer
from minidl.training_checks import (
    Callback,
    check_callbacks,
    check_finite,
    check_training,
    trained_here,
)


def train(
    model: Sequential,
    x: Array,
    y: Array,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    callbacks: Sequence[Callback] = (),
) -> list[float]:
    """Minimise J over batches drawn without replacement; return each epoch's mean J.

    The generator decides all that is random, the order of the images and dropout's
    masks: model, optimizer and generator are the whole state between two epochs.
    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,) labels.
    Raises TypeError or ValueError for bad arguments, FloatingPointError if J isn't
    finite any more.
    """
    check_training(model, x, y, optimizer, epochs, batch_size)
    check_generator("rng", rng)
    callbacks, losses = check_callbacks(callbacks), []
    with trained_here(optimizer.params):
        for epoch in range(1, epochs + 1):
            losses.append(train_epoch(model, x, y, optimizer, batch_size, rng))
            check_finite(losses[-1], epoch, optimizer.lr)
            for callback in callbacks:
                callback(epoch, losses[-1])
    return losses


@rounds_to_zero
def train_epoch(
    model: Sequential,
    x: Array,
    y: Array,
    optimizer: Optimizer,
    batch_size: int,
    rng: np.random.Generator,
) -> float:
    """Take one step per batch, through all images once; return the mean of J."""
    total: Any = 0.0  # becomes a 0-d array of the model's device
    order = rng.permutation(len(x))
    for x_batch, y_batch in batches_of(x, y, order, batch_size, model.device):
        z = model.forward(x_batch, rng)
        costs, dz = cross_entropy(z, y_batch)
        total = total + costs.sum()
        model.backward(dz / len(z), input_grad=False)  # of the mean
        optimizer.step()
    return float(total) / len(x)


def accuracy(
    classifier: Classifier, x: Array, y: Array, batch_size: int = 512
) -> float:
    """Return the fraction of images whose most probable class is their label.

    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,). Raises TypeError or
    ValueError for bad arguments, and unless the classifier returns probabilities.
    """
    check_classifier("classifier", classifier)
    check_count("batch_size", batch_size)
    check_stored_images("x", x)
    check_labels("y", y, len(x), classes_of(classifier), begins=True)
    device = place_of(classifier, device_of(x))
    correct: Any = 0  # becomes a 0-d array of that device
    for x_batch, y_batch in batches_of(x, y, np.arange(len(x)), batch_size, device):
        p = probabilities(classifier.predict_proba, x_batch)
        check_labels("y", y, len(y), p.shape[1])  # all: their range is known by now
        correct = correct + (p.argmax(axis=1) == y_batch).sum()
    return int(correct) / len(x)
