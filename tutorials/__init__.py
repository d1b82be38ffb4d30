"""Chapters and programs that join minidl, ensembles and attacks."""

import sys
from types import TracebackType


def in_one_line(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print what ended a program; Ctrl-C, even while modules load, is one line."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


if not hasattr(sys, "ps1"):  # not in an interactive session
    sys.excepthook = in_one_line
