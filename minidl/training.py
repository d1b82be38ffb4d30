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
from minidl.progress import reported
from minidl.training_checks import (
    Callback,
    Loss,
    Perturb,
    check_callbacks,
    check_finite,
    check_perturb,
    check_training,
    checked_loss,
    perturbed,
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
    perturb: Perturb | None = None,
    loss: Loss = cross_entropy,
) -> list[float]:
    """Minimise J over batches drawn without replacement; return each epoch's mean J.

    Each batch is replaced by perturb(x, y, rng) first, if given: adversarial training,
    noise, augmentation. The generator decides all that is random, the order of the
    images, dropout's masks and what `perturb` draws: model, optimizer and generator are
    the whole state between two epochs. J is what `loss(out, y)` returns, each image's
    own, with the gradient of their sum.
    Shapes: x (N, H, W, C) uint8 or floats in [0, 1], y (N,) labels, or (N, ...)
    what another loss takes; `perturb` takes floats, and returns them in the same shape
    and type, in [0, 1].
    Raises TypeError or ValueError for bad arguments, and at the batch where `perturb`
    returns anything else; FloatingPointError if J isn't finite any more.
    """
    check_training(model, x, y, optimizer, epochs, batch_size, loss=loss)
    how = epochs, batch_size, rng, callbacks, perturb, checked_loss(loss)
    return train_epochs(model, x, y, optimizer, *how)


def train_epochs(
    model: Any,
    x: Array,
    y: Array,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    callbacks: Sequence[Callback],
    perturb: Perturb | None,
    loss: Loss,
) -> list[float]:
    """Train through all epochs; return each one's mean of J. Arguments as of `train`.

    `model` is a network, or several side by side; `loss` is checked already.
    """
    check_generator("rng", rng)
    check_perturb(perturb)
    callbacks, losses = check_callbacks(callbacks), []
    batches = epochs * -(-len(x) // batch_size)
    with trained_here(optimizer.params), reported(batches, "batches") as done:

        def counted(out: Array, y: Array) -> tuple[Array, Array]:
            done()
            return loss(out, y)

        for epoch in range(1, epochs + 1):
            J = train_epoch(model, x, y, optimizer, batch_size, rng, perturb, counted)
            losses.append(J)
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
    perturb: Perturb | None = None,
    loss: Loss = cross_entropy,
) -> float:
    """Take one step per batch, through all images once; return the mean of J."""
    total: Any = 0.0  # becomes a 0-d array of the model's device
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
    """Take one step along the gradient of the mean of J; return the sum of J."""
    out = model.forward(x, rng)
    costs, dout = loss(out, y)
    model.backward(dout / len(x), input_grad=False)  # of the mean
    optimizer.step()
    return costs.sum()


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
