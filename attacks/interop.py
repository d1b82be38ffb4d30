"""Our networks and ensembles under other libraries' attacks: ART and Foolbox.

Both are made for automatic differentiation, but ask for gradients in a few places each,
and there take ours. An adapter is made from a `Forward` of `attacks.forwards`, such as
`network(model)` or `log_mean_probability(members)`, or from a gradient function.

    art_classifier   ART: all attacks on a classifier in NumPy, white box and black box
    art_ensemble     ART: its own ensemble, whose gradient is the members' mean
    foolbox_model    Foolbox: the attacks that only ask for scores or decisions
    foolbox_attack   Foolbox: a gradient descent (FGSM, PGD ...) along our gradient

Neither library is imported before one of these is called. All raise ModuleNotFoundError
without it, and TypeError or ValueError for arguments that make no sense.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from attacks.extras import extra
from attacks.forwards import Forward, check_members, network
from attacks.functions import guarded
from attacks.gradients import GradientFn
from attacks.losses import Loss
from attacks.victims import VJP, Logits, LossFn, logits_of, loss_of, vjp_of
from minidl.backend import Array
from minidl.batches import batches
from minidl.checks import check_batch, check_labels, check_range
from minidl.layers import Sequential
from minidl.losses import cross_entropy
from minidl.rules import alone, checked


@checked(bounds=alone(check_range), classes="count 2..", batch_size="count")
def art_classifier(
    forward: Forward,
    input_shape: tuple[int, ...],
    classes: int,
    loss: Loss = cross_entropy,
    bounds: tuple[float, float] = (0, 1),
    batch_size: int = 256,
) -> Any:
    """Return an estimator of ART whose `predict` gives logits.

    Its attacks follow the gradient of `loss`, or ask for rows of the logits' Jacobian;
    those that choose a loss by name (`loss_type`) rebuild a PyTorch network and fail.
    ART computes in float32.
    """
    logits, loss_fn = logits_of(forward), loss_of(forward, loss)
    with extra("adversarial-robustness-toolbox", "interop"):
        from art.estimators import estimator
        from art.estimators.classification import classifier
    parents = (
        classifier.ClassGradientsMixin,
        classifier.ClassifierMixin,
        estimator.LossGradientsMixin,
        estimator.NeuralNetworkMixin,
        estimator.BaseEstimator,
    )
    make = type("MinidlClassifier", (ArtMethods, *parents), {})
    made = make(model=forward, clip_values=bounds, channels_first=False)
    made.nb_classes, made.input_shape = classes, input_shape
    made.logits, made.vjp = guarded("forward", logits, "logits"), vjp_of(forward)
    made.loss, made.batch_size = guarded("loss", loss_fn), batch_size
    return made


class ArtMethods:
    """What ART asks of a classifier, in terms of our functions of images.

    Shapes: x (N, H, W, C); y (N,) labels, or (N, K) with the label's place largest.
    """

    logits: Logits
    vjp: VJP
    loss: LossFn
    batch_size: int
    nb_classes: int
    input_shape: tuple[int, ...] = ()

    def predict(self, x: Array, **options: Any) -> Array:
        """Return logits (N, K); ART's batch_size and other options are ignored."""
        return self.in_batches(lambda part: self.logits(x[part]), x)

    def compute_loss(
        self, x: Array, y: Array, reduction: str = "none", **options: Any
    ) -> Array:
        """Return each image's loss (N,), or their mean or sum."""
        y = labels(y, len(x), self.nb_classes)
        values = self.in_batches(lambda part: self.loss(x[part], y[part])[0], x)
        return values if reduction == "none" else getattr(values, reduction)()

    def loss_gradient(self, x: Array, y: Array, **options: Any) -> Array:
        """Return each image's own gradient of its loss, like x."""
        y = labels(y, len(x), self.nb_classes)
        return self.in_batches(lambda part: self.loss(x[part], y[part])[1], x)

    def class_gradient(
        self, x: Array, label: int | Sequence[int] | None = None, **options: Any
    ) -> Array:
        """Return dz_k/dx for one class an image, (N, 1, H, W, C), or all, (N, K, ...).

        `label` is one class for all images, one for each, or None for all classes.
        """
        N, K = len(x), self.nb_classes
        wanted = np.arange(K)[None] if label is None else np.reshape(label, (-1, 1))
        wanted = np.broadcast_to(wanted, (N, wanted.shape[1]))
        dz = np.eye(K, dtype=x.dtype)[wanted]  # (N, R, K): R classes an image
        return self.in_batches(
            lambda part: self.vjp(x[part], dz[part].swapaxes(0, 1)).swapaxes(0, 1), x
        )

    def in_batches(self, function: Callable[[Array], Array], x: Array) -> Array:
        """Return what a function gives for pieces of the indices of x, as one."""
        check_batch("x", x)
        pieces = batches(np.arange(len(x)), self.batch_size)
        return np.concatenate([function(piece) for piece in pieces])

    def fit(self, *arguments: Any, **options: Any) -> None:
        """Raise NotImplementedError, as a network is trained by `minidl.train`."""
        raise NotImplementedError("train the network by minidl.train")

    get_activations = fit


def labels(y: Array, N: int, K: int) -> Array:
    """Return labels (N,) of labels, or of rows whose largest entry is the label's.

    Raises TypeError or ValueError for others: a column (N, 1) would be N times class 0.
    """
    if np.shape(y) == (N, K):
        y = np.argmax(y, axis=1)
    check_labels("y", y, N, K)
    return y


def art_ensemble(
    members: Iterable[Sequential], bounds: tuple[float, float] = (0, 1)
) -> Any:
    """Return ART's EnsembleClassifier: mean of the logits, mean of the gradients of J.

    Its gradient is that of Adv. 2 (of `sum_gradient`, over the number of members). For
    the gradient of what an ensemble predicts, the mean probability, put
    `log_mean_probability(members)` into `art_classifier` instead.
    """
    parts = [
        art_classifier(network(m), m.input_shape, m.classes, bounds=bounds)
        for m in check_members(members)
    ]
    with extra("adversarial-robustness-toolbox", "interop"):
        from art.estimators.classification.ensemble import EnsembleClassifier
    return EnsembleClassifier(parts, clip_values=bounds)


def foolbox_model(logits: Logits, bounds: tuple[float, float] = (0, 1)) -> Any:
    """Return Foolbox's NumPyModel, enough for attacks that need no gradient.

    Of the logits, decision-based attacks use the largest one's place only.
    """
    bounds, logits = check_range("bounds", bounds), guarded("logits", logits)
    with extra("foolbox", "interop"):
        from foolbox import NumPyModel
    return NumPyModel(logits, bounds=bounds, data_format="channels_last")


def foolbox_attack(attack: type, gradient: GradientFn, **settings: Any) -> Any:
    """Return one of Foolbox's gradient descents, along a gradient function of ours.

    `attack` is a class such as foolbox.attacks.LinfPGD, and settings are its own. The
    model that it is called with, a `foolbox_model`, only tells which images are fooled.
    For a targeted criterion the gradient gets the targets, and is descended.
    Raises TypeError for other attacks: they differentiate inside, which takes PyTorch.
    """
    gradient = guarded("gradient", gradient)
    with extra("foolbox", "interop"):
        from eagerpy import astensor
        from foolbox.attacks.gradient_descent_base import BaseGradientDescent
    if not (isinstance(attack, type) and issubclass(attack, BaseGradientDescent)):
        raise TypeError(f"attack must be a gradient descent of Foolbox, got {attack!r}")
    methods = {
        "get_loss_fn": lambda self, model, y: y.numpy(),  # all that the next one needs
        "value_and_grad": lambda self, y, x: (None, astensor(gradient(x.numpy(), y))),
    }
    return type(attack.__name__, (attack,), methods)(**settings)
