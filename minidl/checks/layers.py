"""Validation of layers: are they different objects, and is all that they hold found?"""

import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import partial
from gc import get_referents
from inspect import Signature, signature
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from minidl.checks import check_kind, several
from minidl.layer_memory import and_within, held_in
from minidl.layers.base import Layer
from minidl.layers.parameter import Parameter

# What these hold is no layer's own: a function may call a network that stays as it is.
ELSEWHERE = FunctionType, MethodType, ModuleType, type, threading.local


def check_layers(layers: Any) -> tuple[Layer, ...]:
    """Return the layers; TypeError or ValueError if they can't form a network."""
    layers = several("layers", layers, partial(check_kind, kind=Layer), "layers")
    seen: set[int] = set()
    for i, layer in enumerate(layers):
        check_signatures(f"layers[{i}]", layer)
        within = {id(inner): inner for inner in and_within([layer])}
        if twice := [str(inner) for i, inner in within.items() if i in seen]:
            raise ValueError(
                f"layers must be different objects, got {', '.join(twice)} again"
            )
        check_found(within.values())
        seen |= within.keys()
    return layers


def check_signatures(name: str, layer: Layer) -> None:
    """Raise TypeError unless forward and backward can be called as networks do."""
    asked = ", param_grads, input_grad" if layer.params else ""
    for method, wanted in (("forward", "x, rng"), ("backward", f"dout{asked}")):
        own = getattr(layer, method)
        if getattr(own, "__func__", own) is getattr(Layer, method):
            continue  # it says that it isn't implemented
        with suppress(ValueError):  # functions in C may have no signature
            takes = signature(own, follow_wrapped=False)
            try:
                takes.bind(*wanted.split(", "))
            except TypeError:
                found = takes.parameters.values()
                plain = [p.replace(annotation=p.empty) for p in found]
                raise TypeError(
                    f"{name}.{method} must take ({wanted}), got "
                    f"{type(layer).__name__}.{method}{Signature(plain)}: networks pass "
                    "these by position"
                ) from None


def check_found(layers: Collection[Layer]) -> None:
    """Raise TypeError if layers hold other layers, or parameters, out of sight.

    Nobody would train or cast those, or keep their passes apart.
    """
    known = {id(layer) for layer in layers}
    known |= {id(held) for layer in layers for held in held_in(vars(layer).values())}
    for layer in layers:
        for name, value in (*vars(layer).items(), ("a slot", get_referents(layer))):
            for held in reachable(value):
                if id(held) not in known:
                    raise TypeError(
                        f"{name} of {layer} must hold layers and parameters in lists, "
                        f"tuples or dicts only, got a {type(held).__name__} elsewhere: "
                        "it wouldn't be trained"
                    )


def reachable(value: Any) -> Iterator[Layer | Parameter]:
    """Yield all layers and parameters to which an object leads, but for functions."""
    rest, seen = [value], set()
    while rest:
        value = rest.pop()
        if id(value) in seen or isinstance(value, ELSEWHERE):
            continue
        seen.add(id(value))
        if isinstance(value, (Layer, Parameter)):
            yield value
        elif isinstance(value, np.ndarray):
            rest += value.ravel().tolist() if value.dtype == object else ()
        else:
            rest += get_referents(value)
