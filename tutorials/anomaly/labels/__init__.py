"""Whose label explains the paper's surprise, and how large is its eps? See `__main__`.

The readings are fixed in `readings` before any is measured at full size.
"""
