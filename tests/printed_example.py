"""Run a page's examples, and compare their output with the output on the page."""

import re

import pytest

from tests.processes import run_code


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"\d+\.\d+", text)]


def check_first_example(page: str, tolerance: float) -> None:
    """Run a page's first example, and compare the numbers that it prints."""
    code, shown = re.search(
        r"```python\n(.*?)```\n\n((?:    [^\n]+\n)+)", page, re.S
    ).groups()
    for ours, theirs in zip(numbers(run_code(code)), numbers(shown), strict=True):
        assert ours == pytest.approx(theirs, abs=tolerance)
