"""What training takes, and that no two threads train the same network."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Any, TypeAlias

import numpy as np

from minidl.answers import check_function
from minidl.backend import Array
from minidl.checks import (
    check_array,
    check_count,
    check_device,
    check_images,
    check_kind,
    check_labels,
    check_shape,
    check_stored_images,
)
from minidl.layers import Parameter, Sequential
from minidl.losses import cross_entropy
from minidl.optimizers import Optimizer

Callback: TypeAlias = Callable[[int, float], None]  # (epoch from 1 on, mean loss)
Perturb: TypeAlias = Callable[[Array, Array, np.random.Generator], Array]
Loss: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]  # (out, y) -> J, dout

_trainers: dict[Parameter, int] = {}  # which thread trains a parameter
_lock = Lock()


def check_training(
    model: Any,
    x: Array,
    y: Array,
    optimizer: Any,
    epochs: int,
    batch_size: int,
    kind: type = Sequential,
    loss: Loss = cross_entropy,
) -> None:
    """Raise TypeError or ValueError unless a network can be trained so."""
    check_kind("model" if kind is Sequential else "committee", model, kind)
    check_kind("optimizer", optimizer, Optimizer)
    check_count("epochs", epochs)
    check_count("batch_size", batch_size)
    check_stored_images("x", x)
    check_function("loss", loss, "cross_entropy")
    if loss is cross_entropy:
        check_labels("y", y, len(x), model.classes, begins=True)
    else:  # which looks at each batch
        check_array("y", y)
        check_shape("y", y, (len(x), *y.shape[1:]))
    if not optimizer.params:
        raise ValueError("optimizer must hold parameters of model, got none")
    if not set(optimizer.params) <= set(model.params):
        raise ValueError(
            "optimizer must hold parameters of model, got another's, or some that were "
            "replaced since: make a new optimizer"
        )


def check_callbacks(callbacks: Any) -> tuple[Callback, ...]:
    """Return the callbacks, or a single one; TypeError for what is no function."""
    found = tuple(callbacks) if isinstance(callbacks, Iterable) else (callbacks,)
    if not all(map(callable, found)):
        raise TypeError(f"callbacks must be functions, got {callbacks!r}")
    return found


def check_perturb(perturb: Any) -> None:
    """Raise TypeError unless batches can be perturbed by this, or none are."""
    if perturb is not None:
        check_function("perturb", perturb, "attacks.pgd_perturb(gradient, ...)")


def checked_loss(loss: Loss) -> Loss:
    """Return the loss, which may be a user's, whose costs are each image's own.

    A mean over the batch would go for J / N. Its gradient is looked at by `backward`.
    """
    if loss is cross_entropy:
        return loss

    def checked(out: Array, y: Array) -> tuple[Array, Array]:
        costs, dout = loss(out, y)
        check_array("what loss returns", costs)
        check_shape("what loss returns", costs, (len(out),))
        return costs, dout

    return checked


def perturbed(perturb: Perturb, x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Return perturb(x, y, rng); raise unless these can be trained on in x's place.

    It is shown copies, and may work in place. An image of NaN would make NaN of all
    parameters. Shapes: x and the result (N, H, W, C), y (N,).
    """
    x_new, name = perturb(x.copy(), y.copy(), rng), "what perturb returns"
    check_array(name, x_new)
    check_device(name, x_new, x)
    check_shape(name, x_new, x.shape)
    if x_new.dtype != x.dtype:
        raise TypeError(f"{name} must be {x.dtype}, as its images, got {x_new.dtype}")
    check_images(name, x_new)
    return x_new


def check_finite(J: float, epoch: int, lr: float) -> None:
    """Raise FloatingPointError unless an epoch's J is a number."""
    if not np.isfinite(J):
        raise FloatingPointError(
            f"J is {J} in epoch {epoch}: parameters have grown without bound, mostly "
            f"because lr = {lr} is too high"
        )


@contextmanager
def trained_here(params: Sequence[Parameter]) -> Iterator[None]:
    """Let no other thread train the parameters meanwhile: both would write their grad.

    Raises RuntimeError if one does already.
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
