"""Classifiers of images: a network, an ensemble, a defence, a model from elsewhere."""

from numbers import Integral
from typing import Protocol

from minidl.backend import DEVICES, Array, Device


class Classifier(Protocol):
    """Anything that gives class probabilities."""

    def predict_proba(self, x: Array) -> Array:
        """Return probabilities. Shapes: x (N, H, W, C), result (N, K)."""


def classes_of(classifier: object) -> int | None:
    """Return a classifier's number of classes, None if it doesn't say.

    In other libraries, `classes` may be a list of names.
    """
    K = getattr(classifier, "classes", None)
    return int(K) if isinstance(K, Integral) else None


def classifier_device(classifier: object, otherwise: Device = "cpu") -> Device:
    """Return a classifier's device, "cpu" or "gpu"; `otherwise` if it doesn't say."""
    device = getattr(classifier, "device", None)
    return device if isinstance(device, str) and device in DEVICES else otherwise
