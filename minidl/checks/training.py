"""Validation for training, and a guard against two threads training one network."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Any, TypeAlias

import numpy as np

from minidl.backend import Array, to_device
from minidl.batches import to_float
from minidl.checks import check_array, check_images, check_kind, check_labels
from minidl.checks.answers import answer, check_floats_like, check_function, check_pair
from minidl.checks.layers import check_layers
from minidl.checks.rules import Check, Given, Rule, alone
from minidl.layers import Parameter
from minidl.losses import cross_entropy
from minidl.optimizers import Optimizer

Callback: TypeAlias = Callable[[int, float], None]  # (epoch from 1 on, mean loss)
Perturb: TypeAlias = Callable[[Array, Array, np.random.Generator], Array]
Loss: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]  # (out, y) -> J, dout

_trainers: dict[Parameter, int] = {}  # the thread that trains each parameter
_lock = Lock()


def its_optimizer(name: str, optimizer: Any, given: Given) -> Optimizer:
    """Return an optimizer that moves parameters of the model, the first argument.

    Layers within may have got others since the model was made, so it is checked again.
    """
    check_kind(name, optimizer, Optimizer)
    model = next(iter(given.values()))
    check_layers([model])
    if not optimizer.params:
        raise ValueError(f"{name} must hold parameters of model, got none")
    if not set(optimizer.params) <= set(model.params):
        raise ValueError(
            f"{name} must hold parameters of model, got another's, or some that were "
            "replaced since: make a new optimizer"
        )
    return optimizer


def targets(name: str, y: Array, given: Given) -> Array:
    """Return class labels, or the targets of another loss, which checks them itself."""
    model, x = next(iter(given.values())), given["x"]
    if given.get("loss") is cross_entropy or "committee" in given:
        check_labels(name, y, len(x), model.classes, begins=True)
        return y
    check_array(name, y)
    if y.shape[:1] != x.shape[:1]:
        raise ValueError(f"{name} must have shape ({len(x)}, ...), got {y.shape}")
    return y


def functions(name: str, callbacks: Any, given: Given) -> tuple[Callback, ...]:
    """Return the callbacks as a tuple, also if a single one is given."""
    found = tuple(callbacks) if isinstance(callbacks, Iterable) else (callbacks,)
    if not all(map(callable, found)):
        raise TypeError(f"{name} must be functions, got {callbacks!r}")
    return found


def loss_or(own: Loss) -> Check:
    """Return a check of a loss; any but our own is wrapped, to check what it returns.

    A loss returns each image's cost: a mean over the batch would be divided by N twice.
    It may run the model itself, whose `backward` still belongs to the batch.
    """

    def check(name: str, loss: Any, given: Given) -> Loss:
        check_function(name, loss, own.__name__)
        model = next(iter(given.values()))

        def checked(out: Array, y: Array) -> tuple[Array, Array]:
            latest = model.latest
            pair = check_pair(name, answer(name, loss, out, y), out, len(y))
            model.latest = latest
            return pair

        return own if loss is own else checked

    return check


# Checked in this order, after the model, on which labels and optimizer depend.
TRAINING: dict[str, Rule] = {
    **dict.fromkeys(("epochs", "batch_size"), "count"),
    **{"rng": "generator", "callbacks": functions, "x": "images"},
    "perturb": alone(check_function, "attacks.pgd_perturb(gradient, ...)"),
    "y": targets,
    "optimizer": its_optimizer,
}


def perturbed(perturb: Perturb, x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Return perturb(x, y, rng); raise unless it can replace x in training.

    It may work in place, on this batch or on an array of its own: layers remember a
    copy. An image with NaN would turn all parameters into NaN.
    Shapes: x and the result (N, H, W, C), y (N,).
    """
    x_new = perturb(x, y.copy(), rng)
    check_floats_like("perturb", x_new, x, x.shape)
    if x_new.dtype != x.dtype:
        raise TypeError(f"perturb must return {x.dtype}, got {x_new.dtype}")
    check_images("what perturb returns", x_new)
    return x_new.copy()


@contextmanager
def watched(model: Any, x: Array, epoch: int, optimizer: Optimizer) -> Iterator[None]:
    """Raise FloatingPointError if an epoch leaves a parameter that isn't finite.

    Raise it, too, instead of a ValueError in a network that has diverged: neither the
    loss nor `perturb` is to blame. Shapes: x (N, H, W, C), some images.
    """
    try:
        yield
    except ValueError:
        out = model.forward(to_float(to_device(x, model.device)))
        check_finite("an output's length", length([out]), epoch, optimizer.lr)
        raise
    together = length([p.data for p in model.params])
    check_finite("the parameters' length", together, epoch, optimizer.lr)


def length(arrays: Sequence[Array]) -> float:
    """Return the length of all numbers as one vector; it is read from a GPU once."""
    flat = [a.ravel() for a in arrays]
    return math.sqrt(float(sum(a @ a for a in flat)))


def check_finite(name: str, number: float, epoch: int, lr: float) -> None:
    """Raise FloatingPointError unless a number is finite."""
    if not np.isfinite(number):
        raise FloatingPointError(
            f"{name} is {number} in epoch {epoch}: parameters have grown without "
            f"bound, mostly because lr = {lr} is too high"
        )


@contextmanager
def trained_here(params: Sequence[Parameter]) -> Iterator[None]:
    """Reserve parameters for this thread: two would overwrite each other's gradients.

    Raises RuntimeError if another thread is training them.
    """
    here = get_ident()
    with _lock:
        if any(_trainers.get(p, here) != here for p in params):
            raise RuntimeError(
                "model is being trained in another thread: give each thread a copy, as "
                "copy.deepcopy(model) makes one"
            )
        new = [p for p in params if p not in _trainers]
        _trainers.update(dict.fromkeys(new, here))
    try:
        yield
    finally:
        for p in new:
            del _trainers[p]
