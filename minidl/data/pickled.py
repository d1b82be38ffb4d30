"""CIFAR-10's batches for Python: pickles that are read without being executed.

A pickle is a program for a small stack machine. Two commands make it dangerous: one
imports a function, the other calls it. Here both only record what they are given: a
name is a string, a call the list [name, arguments, state]. Nothing is imported or
called, and the result holds only strings, numbers, tuples, lists and dictionaries.
Source of the commands: the standard library's `pickletools`.
"""

import pickletools
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_COMMANDS = 100_000  # a batch of CIFAR-10 has about 30,000
MAX_NAME = 200  # characters of a module's or a function's name; the longest has 22


def values_of(content: bytes) -> NDArray[np.uint8]:
    """Return the records of a batch: {"labels": list, "data": array (M, 3072)}.

    The array appears as NumPy describes it to pickle: its type, order and bytes.
    Raises ValueError for anything else, and other errors for anything but a pickle.

    Shapes: the records (M, 3073).
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
        }:  # NumPy compares the counts
            pixels = np.frombuffer(data.encode("latin-1"), np.uint8)
            planes = pixels.reshape(M, 3072, order="F" if F else "C")
            return np.column_stack([np.frombuffer(bytes(labels), np.uint8), planes])
    raise ValueError("not a batch as published: labels and data, an array (M, 3072)")


def plain_value(content: bytes) -> Any:
    """Return what a pickle describes; bytes are str in Latin-1, as in Python 2.

    Raises ValueError for a command that arrays of numbers don't need, and other errors
    for a malformed program.
    """
    stack: list[Any] = []
    below: list[list[Any]] = []  # what the stack held at each mark
    memo: dict[Any, Any] = {}
    arg: Any
    for command, arg, _ in islice(pickletools.genops(content), MAX_COMMANDS):
        match command.name:
            case "PROTO" | "FRAME":
                pass
            case "BININT" | "BININT1" | "BININT2" | "GLOBAL":
                stack.append(arg)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BINSTRING" | "SHORT_BINSTRING":
                stack.append(arg)
            case "BINBYTES" | "SHORT_BINBYTES":
                stack.append(arg.decode("latin-1"))
            case "NONE" | "NEWFALSE" | "NEWTRUE" as name:
                stack.append({"NONE": None}.get(name, name == "NEWTRUE"))
            case "EMPTY_LIST" | "EMPTY_DICT" | "EMPTY_TUPLE" as name:
                stack.append({"LIST": [], "DICT": {}, "TUPLE": ()}[name[6:]])
            case "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                memo[len(memo) if arg is None else arg] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[arg])
            case "MARK":
                below.append(stack)
                stack = []
            case "TUPLE" | "APPENDS" | "SETITEMS" as name:  # all above the latest mark
                items, stack = stack, below.pop()
                if name == "TUPLE":
                    stack.append(tuple(items))
                elif name == "APPENDS":
                    stack[-1].extend(items)
                elif all(type(key) is str for key in items[::2]):
                    stack[-1].update(zip(items[::2], items[1::2], strict=True))
                else:  # hashing nested tuples can take for ever
                    raise ValueError("a key that isn't a string")
            case "TUPLE1" | "TUPLE2" | "TUPLE3" as name:
                stack[-int(name[-1]) :] = [tuple(stack[-int(name[-1]) :])]
            case "APPEND" | "BUILD":  # an item to a list, a state to a call
                value = stack.pop()
                stack[-1].append(value)
            case "STACK_GLOBAL":
                if max(map(len, stack[-2:])) > MAX_NAME:  # joining doubles it each time
                    raise ValueError(f"a name of more than {MAX_NAME} characters")
                stack[-2:] = [" ".join(stack[-2:])]
            case "REDUCE":
                called = stack[-2:]
                bytes_of_python_3 = called[0] == "_codecs encode"  # as protocol 2 does
                stack[-2:] = [called[1][0] if bytes_of_python_3 else called]
            case "STOP":
                return stack.pop()
            case name:
                raise ValueError(f"{name} found, which no batch of CIFAR-10 needs")
    raise ValueError(f"more than {MAX_COMMANDS} commands")
