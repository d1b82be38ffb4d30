"""Freed memory stays with the process: the page faults that show it."""

import pytest

from tests.processes import run_python

# Ends with the page faults of ten rounds of three arrays of 12 MB, all freed together.
PROGRAM = """
import resource
import numpy as np
from minidl.kernels.cpu.memory import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def round():
    x, y, z = (np.ones(12 * 2**17) for _ in range(3))

kept = {call}
round(), round()
before = faults()
for _ in range(10):
    round()
print(kept, faults() - before)
"""


def run(call, **environment):
    """Return what the call returned, and the number of page faults."""
    code = PROGRAM.replace("{call}", call)
    done = run_python(code, NUMPY_MADVISE_HUGEPAGE="0", **environment)
    kept, faults = done.stdout.split()
    return kept == "True", int(faults)


@pytest.fixture(scope="module")
def freed():
    """Page faults of a process that gives large arrays back to the system."""
    pytest.importorskip("resource", reason="not a Unix")
    _, faults = run("False")
    if faults < 1000:
        pytest.skip("this system's malloc keeps its memory by itself")
    return faults


ON_IMPORT = "__import__('minidl.kernels.cpu.operations') is None"


@pytest.mark.parametrize("call", ["keep_freed_memory()", ON_IMPORT])
def test_freed_arrays_are_used_again(freed, call):
    kept, faults = run(call)
    assert kept or call == ON_IMPORT
    assert faults < freed / 2


def test_the_users_own_limits_stay(freed):
    kept, faults = run("keep_freed_memory()", MALLOC_TRIM_THRESHOLD_=str(2**16))
    assert not kept
    assert faults > freed / 2
