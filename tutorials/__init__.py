"""Chapters that join minidl, ensembles and attacks; nothing imports them."""

import sys
from types import TracebackType


def in_one_line(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Show an error that ends a program: Ctrl-C, even in its first second, is none."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


if not hasattr(sys, "ps1"):  # not where somebody types in the code
    sys.excepthook = in_one_line
