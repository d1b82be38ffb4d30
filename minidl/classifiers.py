"""What classifies images: a network, an ensemble, a defence, a stranger's model."""

from numbers import Integral
from typing import Protocol

from minidl.backend import DEVICES, Array, Device


class Classifier(Protocol):
    """Anything that gives class probabilities."""

    def predict_proba(self, x: Array) -> Array:
        """Return probabilities. Shapes: x (N, H, W, C), result (N, K)."""


def classes_of(classifier: object) -> int | None:
    """Return how many classes a classifier has, None unless it tells.

    Other libraries' may have a list of names instead.
    """
    K = getattr(classifier, "classes", None)
    return int(K) if isinstance(K, Integral) else None


def place_of(classifier: object, otherwise: Device = "cpu") -> Device:
    """Return where a classifier is, "cpu" or "gpu", or the other if it doesn't tell."""
    device = getattr(classifier, "device", None)
    return device if isinstance(device, str) and device in DEVICES else otherwise
