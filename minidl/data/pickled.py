"""CIFAR-10's batches for Python: pickles whose machine is never started.

A pickle is a program for a small machine with a stack. Its danger is in two commands,
which import a function and call it. Here both only note what they are given: a name is
a string, a call the list [name, arguments, state]. Nothing is imported or called, and
nothing comes out but strings, numbers, tuples, lists and dictionaries.
Source of the commands: the standard library's `pickletools`.
"""

import pickletools
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_COMMANDS = 100_000  # a batch of CIFAR-10 has about 30,000

GIVEN = {
    *("BININT", "BININT1", "BININT2", "BINSTRING", "SHORT_BINSTRING", "GLOBAL"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"),
}
NEW: dict[str, Callable[[], Any]] = {
    **{"NONE": lambda: None, "NEWFALSE": lambda: False, "NEWTRUE": lambda: True},
    **{"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple},
}


def records(content: bytes) -> NDArray[np.uint8]:
    """Return the records (M, 3073) of a batch: {"labels": list, "data": (M, 3072)}.

    The array appears as NumPy describes it to pickle: its type, order and bytes.
    Raises ValueError for anything else, and other errors for what is no pickle.
    """
    match plain_value(content):
        case {
            "labels": [*labels],
            "data": [
                "numpy.core.multiarray _reconstruct"
                | "numpy._core.multiarray _reconstruct",
                _,
                (_, (M, 3072), ["numpy dtype", ("u1", *_), *_], bool(F), str(data)),
            ],
        } if len(labels) == M and len(data) == M * 3072:
            pixels = np.frombuffer(data.encode("latin-1"), np.uint8)
            planes = pixels.reshape(M, 3072, order="F" if F else "C")
            return np.column_stack([np.frombuffer(bytes(labels), np.uint8), planes])
    raise ValueError("not a batch as published: labels and data, an array (M, 3072)")


def plain_value(content: bytes) -> Any:
    """Return what a pickle describes; bytes are str in Latin-1, as in Python 2.

    Raises ValueError for a command that arrays of numbers have no use for, and other
    errors for a program that makes no sense.
    """
    stack: list[Any] = []
    below: list[list[Any]] = []  # what the stack held at each mark
    memo: dict[Any, Any] = {}
    for command, arg, _ in islice(pickletools.genops(content), MAX_COMMANDS):
        name = command.name
        if name in GIVEN:
            stack.append(arg.decode("latin-1") if isinstance(arg, bytes) else arg)
        elif name in NEW:
            stack.append(NEW[name]())
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if name == "MEMOIZE" else arg] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[arg])
        elif name == "MARK":
            below.append(stack)
            stack = []
        elif name in ("TUPLE", "APPENDS", "SETITEMS"):
            items, stack = stack, below.pop()
            _collect(name, stack, items)
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            _combine(name, stack)
    raise ValueError(f"more than {MAX_COMMANDS} commands")


def _collect(name: str, stack: list[Any], items: list[Any]) -> None:
    """Do what a command does with all that lies above the latest mark."""
    if name == "TUPLE":
        stack.append(tuple(items))
    elif name == "APPENDS":
        stack[-1].extend(items)
    elif all(type(key) is str for key in items[::2]):
        stack[-1].update(zip(items[::2], items[1::2], strict=True))
    else:  # to hash nested tuples can take for ever
        raise ValueError("a key that is no string")


def _combine(name: str, stack: list[Any]) -> None:
    """Do what a command does with a fixed number of values."""
    if name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        count = int(name[-1])
        stack[-count:] = [tuple(stack[-count:])]
    elif name == "STACK_GLOBAL":
        stack[-2:] = [" ".join(stack[-2:])]
    elif name == "REDUCE" and stack[-2] == "_codecs encode":
        stack[-2:] = [stack[-1][0]]  # how protocol 2 spells the bytes of Python 3
    elif name == "REDUCE":
        stack[-2:] = [stack[-2:]]
    elif name in ("APPEND", "BUILD"):  # an item to a list, a state to a call
        value = stack.pop()
        stack[-1].append(value)
    else:
        raise ValueError(f"{name} found, which no batch of CIFAR-10 needs")
