"""Exercises of the chapters: `check` your function, ask for a `hint`."""

from tutorials.exercises.checking import check, hint

__all__ = ["check", "hint"]
