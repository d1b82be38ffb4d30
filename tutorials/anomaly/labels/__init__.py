"""Whose label explains the paper's surprise, and how large is its eps? See `__main__`.

`readings` lists all readings. It was written before all rows but one were measured.
"""
