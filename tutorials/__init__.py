"""Chapters that join minidl, ensembles and attacks; nothing imports them."""

import sys
from types import TracebackType


def in_one_line(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Show what ended a program; Ctrl-C, even while modules load, takes one line."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


if not hasattr(sys, "ps1"):  # not where somebody types in the code
    sys.excepthook = in_one_line
