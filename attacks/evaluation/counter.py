"""What an attack costs: how many images' gradients, and how many questions."""

import threading
from typing import Any

from attacks.gradients import GradientFn
from attacks.victims import VJP, LossFn, PredictProba
from minidl.answers import check_function
from minidl.backend import Array


class Counter(threading.local):
    """Wraps the functions that an attack is given, and counts the images they see.

    `gradients` counts backward passes, one an image; `queries` forward passes alone.
    Each thread has its own counts, as it runs its own attack.
    """

    def __init__(self) -> None:
        self.gradients = 0
        self.queries = 0

    def __reduce__(self) -> Any:
        """Let a copy begin to count anew."""
        return type(self), ()

    def gradient(self, function: GradientFn) -> GradientFn:
        """Return a gradient function that is counted."""
        check_function("function", function, "model_gradient(model)")

        def counted(x: Array, y: Array) -> Array:
            self.gradients += len(x)
            return function(x, y)

        return counted

    def loss(self, function: LossFn) -> LossFn:
        """Return a loss that is counted: each call takes a gradient."""
        check_function("function", function, "model_loss(model)")

        def counted(x: Array, y: Array) -> tuple[Array, Array]:
            self.gradients += len(x)
            return function(x, y)

        return counted

    def vjp(self, function: VJP) -> VJP:
        """Return a vjp that is counted: dz (R, N, K) takes R gradients an image."""
        check_function("function", function, "vjp_of(network(model))")

        def counted(x: Array, dz: Array) -> Array:
            self.gradients += len(x) * (len(dz) if dz.ndim == 3 else 1)
            return function(x, dz)

        return counted

    def scores(self, function: PredictProba) -> PredictProba:
        """Return predict, predict_proba or logits, counted."""
        check_function("function", function, "model.predict_proba")

        def counted(x: Array) -> Array:
            self.queries += len(x)
            return function(x)

        return counted
