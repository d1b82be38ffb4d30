"""Run a page's examples, and compare their output with the output on the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"\d+\.\d+", text)]


def run_code(code: str, folder: Path = ROOT) -> str:
    """Run code in a new process, which must succeed; return what it prints."""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def check_first_example(page: str, tolerance: float) -> None:
    """Run a page's first example, and compare the numbers that it prints."""
    code, shown = re.search(
        r"```python\n(.*?)```\n\n((?:    [^\n]+\n)+)", page, re.S
    ).groups()
    for ours, theirs in zip(numbers(run_code(code)), numbers(shown), strict=True):
        assert ours == pytest.approx(theirs, abs=tolerance)
