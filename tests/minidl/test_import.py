"""What `import minidl` loads, and that all public names are there."""

import subprocess
import sys

import pytest

import minidl
from tests.processes import ROOT, run_code

HEAVY = ["numba", "matplotlib", "pooch", "cupy", "scipy", "tqdm", "torch"]


def loaded_after(code):
    """The heavy modules that are loaded after running code in a new process."""
    code += f"; import sys; print(*(m for m in {HEAVY} if m in sys.modules))"
    return run_code(code).split()


@pytest.mark.parametrize("module", ["minidl", "ensembles", "attacks", "minidl.data"])
def test_importing_loads_nothing_heavy(module):
    assert loaded_after(f"import {module}") == []


def test_numba_is_loaded_with_the_first_kernel():
    pytest.importorskip("numba", reason="no Numba")
    code = "import numpy, minidl; minidl.im2col(numpy.zeros((1, 3, 3, 1)), 3)"
    assert "numba" in loaded_after(code)


@pytest.mark.parametrize("name", minidl.__all__)
def test_public_names_exist(name):
    assert hasattr(minidl, name)


def test_the_version_is_the_packages():
    assert f"\nversion: {minidl.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {minidl.__version__} - 20" in (ROOT / "CHANGELOG.md").read_text(
        "utf-8"
    )
    pytest.importorskip("setuptools")  # Python 3.12 and later come without it
    command = [sys.executable, "setup.py", "--version"]
    found = subprocess.check_output(
        command, cwd=ROOT, text=True, stderr=subprocess.PIPE
    )
    assert found.splitlines()[-1] == minidl.__version__
