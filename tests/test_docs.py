"""What the pages under docs/ show is what happens."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from attacks import interop
from tests.printed_example import check_first_example

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/interop.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("art"), reason="art isn't installed")
@pytest.mark.skipif(not find_spec("foolbox"), reason="foolbox isn't installed")
def test_the_example_with_other_libraries_prints_what_its_page_says():
    # Training amplifies rounding, and ART draws from the global generator.
    check_first_example(PAGE, 0.15)


@pytest.mark.parametrize("name", re.findall(r"^\| `(\w+)` \|", PAGE, re.M))
def test_each_function_in_the_table_exists(name):
    assert callable(getattr(interop, name))
