"""Our networks and ensembles under other libraries' attacks: ART and Foolbox.

Both expect automatic differentiation, but ask for gradients in only a few places, where
the adapters return ours. An adapter is made from a `Forward` (`attacks.forwards`), such
as `network(model)` or `log_mean_probability(members)`, or from a gradient function.

    art_classifier   ART: all attacks on a classifier in NumPy, white box and black box
    art_ensemble     ART: its own ensemble, whose gradient is the members' mean
    foolbox_model    Foolbox: the attacks that need only scores or decisions
    foolbox_attack   Foolbox: a gradient descent (FGSM, PGD ...) along our gradient

Calling an adapter imports its library, and raises ModuleNotFoundError without it.
Invalid arguments raise TypeError or ValueError.
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
from minidl.checks.rules import alone, checked
from minidl.layers import Sequential
from minidl.losses import cross_entropy


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

    ART's attacks follow the gradient of `loss`, or use rows of the logits' Jacobian.
    Attacks that choose a loss by name (`loss_type`) rebuild a PyTorch network and fail.
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
    """The methods that ART calls on a classifier, made from our functions of images.

    Shapes: x (N, H, W, C); y (N,) labels, or (N, K) rows that are largest at the label.
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
        """Return dz_k/dx for one class per image, (N, 1, H, W, C), or all, (N, K, ...).

        `label` is one class for all images, one per image, or None for all classes.
        """
        N, K = len(x), self.nb_classes
        wanted = np.arange(K)[None] if label is None else np.reshape(label, (-1, 1))
        wanted = np.broadcast_to(wanted, (N, wanted.shape[1]))
        dz = np.eye(K, dtype=x.dtype)[wanted]  # (N, R, K): R classes per image
        return self.in_batches(
            lambda part: self.vjp(x[part], dz[part].swapaxes(0, 1)).swapaxes(0, 1), x
        )

    def in_batches(self, function: Callable[[Array], Array], x: Array) -> Array:
        """Call a function with batches of the indices of x; concatenate the results."""
        check_batch("x", x)
        pieces = batches(np.arange(len(x)), self.batch_size)
        return np.concatenate([function(piece) for piece in pieces])

    def fit(self, *arguments: Any, **options: Any) -> None:
        """Raise NotImplementedError: networks are trained with `minidl.train`."""
        raise NotImplementedError("train the network with minidl.train")

    get_activations = fit


def labels(y: Array, N: int, K: int) -> Array:
    """Return labels (N,), from labels or rows (N, K) that are largest at the label.

    Raises TypeError or ValueError otherwise: argmax turns a column (N, 1) into class 0.
    """
    if np.shape(y) == (N, K):
        y = np.argmax(y, axis=1)
    check_labels("y", y, N, K)
    return y


def art_ensemble(
    members: Iterable[Sequential], bounds: tuple[float, float] = (0, 1)
) -> Any:
    """Return ART's EnsembleClassifier: mean of the logits, mean of the gradients of J.

    Its gradient is that of Adv. 2 (`sum_gradient` over the number of members). For the
    gradient of the ensemble's prediction, the mean probability, pass
    `log_mean_probability(members)` to `art_classifier` instead.
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

    Decision-based attacks use only the index of the largest logit.
    """
    bounds, logits = check_range("bounds", bounds), guarded("logits", logits)
    with extra("foolbox", "interop"):
        from foolbox import NumPyModel
    return NumPyModel(logits, bounds=bounds, data_format="channels_last")


def foolbox_attack(attack: type, gradient: GradientFn, **settings: Any) -> Any:
    """Return one of Foolbox's gradient descents, along a gradient function of ours.

    `attack` is a class such as foolbox.attacks.LinfPGD, and settings are its arguments.
    Call the result with a `foolbox_model`, which only tells which images are fooled.
    With a targeted criterion the attack descends the gradient at the targets.
    Raises TypeError for other attacks, which differentiate internally with PyTorch.
    """
    gradient = guarded("gradient", gradient)
    with extra("foolbox", "interop"):
        from eagerpy import astensor
        from foolbox.attacks.gradient_descent_base import BaseGradientDescent
    if not (isinstance(attack, type) and issubclass(attack, BaseGradientDescent)):
        raise TypeError(f"attack must be a gradient descent of Foolbox, got {attack!r}")
    methods = {
        "get_loss_fn": lambda self, model, y: y.numpy(),  # passed on to the next method
        "value_and_grad": lambda self, y, x: (None, astensor(gradient(x.numpy(), y))),
    }
    return type(attack.__name__, (attack,), methods)(**settings)
