"""The cost of an attack: its gradients and queries, counted per image."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from attacks.gradients import GradientFn
from attacks.victims import VJP, LossFn, PredictProba
from minidl.backend import Array
from minidl.checks.answers import check_function

Function = TypeVar("Function", bound=Callable[..., Any])


class Counter(threading.local):
    """Wraps the functions that an attack is given, and counts their images.

    `gradients` counts backward passes per image; `queries` counts forward passes alone.
    A call counts once, even if it takes several gradients, as an ensemble's does, or an
    expectation over draws: to count these, count the functions within,
    `eot(lambda rng: counter.loss(...), 20, rng)`.
    Each thread has its own counts, because it runs its own attack.
    """

    def __init__(self) -> None:
        self.gradients = 0
        self.queries = 0

    def __reduce__(self) -> Any:
        """Let copies start at zero."""
        return type(self), ()

    def gradient(self, function: GradientFn) -> GradientFn:
        """Return a gradient function that is counted."""
        return self.counted(function, "model_gradient(model)", "gradients")

    def loss(self, function: LossFn) -> LossFn:
        """Return a loss that is counted: each call takes a gradient."""
        return self.counted(function, "model_loss(model)", "gradients")

    def vjp(self, function: VJP) -> VJP:
        """Return a vjp that is counted: dz (R, N, K) takes R gradients per image."""
        return self.counted(function, "vjp_of(network(model))", "gradients")

    def scores(self, function: PredictProba) -> PredictProba:
        """Return predict, predict_proba or logits, counted."""
        return self.counted(function, "model.predict_proba", "queries")

    def counted(self, function: Function, example: str, what: str) -> Function:
        """Return a function that adds the images it sees to a count."""
        check_function("function", function, example)

        def call(x: Array, *others: Array) -> Any:
            times = len(others[0]) if others and others[0].ndim == 3 else 1
            setattr(self, what, getattr(self, what) + times * len(x))
            return function(x, *others)

        return call  # type: ignore[return-value]
