"""The training loop, and accuracy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.backend import Array, device_of, rounds_to_zero
from minidl.batches import batches_of
from minidl.checks import check_labels
from minidl.checks.answers import check_classifier, probabilities
from minidl.checks.rules import alone, checked
from minidl.checks.training import (
    TRAINING,
    Callback,
    Loss,
    Perturb,
    check_finite,
    loss_or,
    perturbed,
    trained_here,
    watched,
)
from minidl.classifiers import Classifier, classes_of, classifier_device
from minidl.layers import Sequential
from minidl.losses import cross_entropy
from minidl.optimizers import Optimizer
from minidl.parallel.progress import reported


@checked(model=Sequential, **TRAINING, loss=loss_or(cross_entropy))
def train(
    model: Sequential,
    x: Array,
    y: Array,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    callbacks: Sequence[Callback] = (),
    perturb: Perturb | None = None,
    loss: Loss = cross_entropy,
) -> list[float]:
    """Minimise J over batches drawn without replacement; return each epoch's mean J.

    If given, perturb(x, y, rng) replaces each batch first: adversarial training, noise,
    augmentation. The generator decides everything random: the order of the images,
    dropout's masks and what `perturb` draws. So model, optimizer and generator are the
    whole state between two epochs. `loss(out, y)` returns each image's J, and the
    gradient of their sum.
    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,) labels, or (N, ...) targets
    of another loss; `perturb` takes floats and returns floats of the same shape and
    type, in [0, 1].
    Raises TypeError or ValueError for bad arguments, and at the batch where `perturb`
    returns anything else; FloatingPointError if J or a parameter is no longer finite.
    """
    losses = []
    batches = epochs * -(-len(x) // batch_size)
    with trained_here(model.params), reported(batches, "batches") as done:

        def counted(out: Array, y: Array) -> tuple[Array, Array]:
            done()
            return loss(out, y)

        for epoch in range(1, epochs + 1):
            with watched(model, x[:batch_size], epoch, optimizer):
                how = optimizer, batch_size, rng, perturb, counted
                J = train_epoch(model, x, y, *how)
                check_finite("J", J, epoch, optimizer.lr)
            losses.append(J)
            for callback in callbacks:
                callback(epoch, J)
    return losses


@rounds_to_zero
def train_epoch(
    model: Sequential,
    x: Array,
    y: Array,
    optimizer: Optimizer,
    batch_size: int,
    rng: np.random.Generator,
    perturb: Perturb | None = None,
    loss: Loss = cross_entropy,
) -> float:
    """Take one step per batch, through all images once; return the mean of J."""
    total: Any = 0.0  # becomes a 0-d array on the model's device
    order = rng.permutation(len(x))
    for x_batch, y_batch in batches_of(x, y, order, batch_size, model.device):
        if perturb is not None:
            x_batch = perturbed(perturb, x_batch, y_batch, rng)
        total = total + descend(model, x_batch, y_batch, optimizer, rng, loss)
    return float(total) / len(x)


def descend(
    model: Sequential,
    x: Array,
    y: Array,
    optimizer: Optimizer,
    rng: np.random.Generator,
    loss: Loss = cross_entropy,
) -> Any:
    """Take one step against the gradient of the mean of J; return the sum of J."""
    out = model.forward(x, rng)
    costs, dout = loss(out, y)
    model.backward(dout / len(x), input_grad=False)  # of the mean
    optimizer.step()
    return costs.sum()


@checked(classifier=alone(check_classifier), x="images", y="labels", batch_size="count")
def accuracy(
    classifier: Classifier, x: Array, y: Array, batch_size: int = 512
) -> float:
    """Return the fraction of images whose most probable class is their label.

    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,). Raises TypeError or
    ValueError for bad arguments, and unless the classifier returns probabilities.
    """
    check_labels("y", y, len(x), classes_of(classifier))
    device = classifier_device(classifier, device_of(x))
    correct: Any = 0  # becomes a 0-d array on that device
    for x_batch, y_batch in batches_of(x, y, np.arange(len(x)), batch_size, device):
        p = probabilities(classifier.predict_proba, x_batch)
        check_labels("y", y, len(y), p.shape[1])  # all: a GPU's range is cached
        correct = correct + (p.argmax(axis=1) == y_batch).sum()
    return int(correct) / len(x)
