"""Grading a class: submitted files, the processes that run them, pages of results."""
