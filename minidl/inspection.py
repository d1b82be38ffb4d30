"""Stepping through a network: what each layer does to a batch, and its size."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from minidl.backend import Array
from minidl.checks import check_kind, check_labels
from minidl.checks.networks import check_input
from minidl.layer_passes import one_pass
from minidl.layers import Sequential
from minidl.losses import cross_entropy


class TraceStep(NamedTuple):
    """What one layer did to a batch; the gradients are None without labels."""

    name: str
    input: Array
    output: Array
    dinput: Array | None = None  # dJ/dinput
    doutput: Array | None = None  # dJ/doutput
    param_grads: tuple[Array, ...] | None = None  # dJ/dparameter, one for each


def trace(model: Sequential, x: Array, y: Array | None = None) -> Iterator[TraceStep]:
    """Yield for each layer its name, input and output, and given y its gradients.

    Without labels, a layer runs only when its step is requested. With labels, the
    gradients of all parameters are filled, too.
    Shapes: x (N, *input_shape), y (N,).
    """
    check_kind("model", model, Sequential)
    check_input(x, model.input_shape, model.params)
    if y is None:
        yield from trace_forward(model, x)
        return
    check_labels("y", y, len(x), model.classes)
    steps = list(trace_forward(model, x))
    dout: Any = cross_entropy(steps[-1].output, y)[1] / len(x)  # of the mean
    for i, layer in reversed(list(enumerate(model.layers))):
        dx = layer.backward(dout)
        grads = tuple(p.grad.copy() for p in layer.params)
        steps[i] = steps[i]._replace(dinput=dx, doutput=dout, param_grads=grads)
        dout = dx
    yield from steps


def trace_forward(model: Sequential, x: Array) -> Iterator[TraceStep]:
    """Yield each layer's name, input and output."""
    for i, layer in enumerate(model.layers):
        out = one_pass(layer.forward)(x)
        yield TraceStep(f"{i} {layer}", x, out)
        x = out


def summary(model: Sequential) -> None:
    """Print the layers, their output shapes and their numbers of parameters."""
    check_kind("model", model, Sequential)
    rows = [("layer", "output shape", "parameters")]
    rows += [("input", str(model.input_shape), "")]
    for i, layer in enumerate(model.layers):
        size = sum(p.data.size for p in layer.params)
        rows.append((f"{i} {layer}", str(model.shapes[i + 1]), f"{size:,}"))
    total = sum(p.data.size for p in model.params)
    rows.append(("total", "", f"{total:,}"))
    width = max(len(name) for name, _, _ in rows)
    for name, shape, count in rows:
        print(f"{name:<{width}}  {shape:<16}  {count:>10}")
