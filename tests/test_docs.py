"""What the pages under docs/ show is what happens."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from attacks import interop

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/interop.md").read_text(encoding="utf-8")


def numbers(text):
    return [float(n) for n in re.findall(r"\d+\.\d+", text)]


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("art"), reason="art isn't installed")
@pytest.mark.skipif(not find_spec("foolbox"), reason="foolbox isn't installed")
def test_the_example_with_other_libraries_prints_what_its_page_says():
    code, shown = re.search(
        r"```python\n(.*?)```\n\n((?:    [^\n]+\n)+)", PAGE, re.S
    ).groups()
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr
    # Training amplifies rounding, and ART draws from the global generator.
    for ours, theirs in zip(numbers(run.stdout), numbers(shown), strict=True):
        assert ours == pytest.approx(theirs, abs=0.15)


@pytest.mark.parametrize("name", re.findall(r"^\| `(\w+)` \|", PAGE, re.M))
def test_each_function_in_the_table_exists(name):
    assert callable(getattr(interop, name))
