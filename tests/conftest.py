"""What all tests share."""

import os
from shutil import which

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

from minidl import Sequential, kernels
from minidl.kernels.cpu.threads import blas

# The same examples in each run; no deadline, since the first call of a kernel compiles.
# Fixtures here choose an implementation, which may stay for all examples of a test.
settings.register_profile(
    "minidl",
    deadline=None,
    derandomize=True,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("minidl")

# Tests run without a window, whatever the user's settings.
os.environ.setdefault("MPLBACKEND", "Agg")


def pytest_configure(config):
    """Compile all kernels before xdist's workers start, which then load them."""
    if getattr(config.option, "numprocesses", None):
        kernels.warm_up()


@pytest.fixture
def rng():
    return np.random.default_rng(20170911)


@pytest.fixture
def threads_seen(monkeypatch):
    """Collect the number of BLAS's threads at each forward pass, where two are allowed.

    Results alone can't show it: on some processors they are the same.
    """
    if not blas().lib_controllers:
        pytest.skip("nobody can tell how many threads BLAS has")
    seen, forward = set(), Sequential.forward

    def watched(self, *arguments):
        seen.update(library.num_threads for library in blas().lib_controllers)
        return forward(self, *arguments)

    monkeypatch.setattr(Sequential, "forward", watched)
    with threadpool_limits(2):
        yield seen


@pytest.fixture
def refused(capsys):
    """Return a function that calls a program and returns the one line it ends with."""

    def refused(main, *arguments, code=1):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(*arguments)
        [line] = capsys.readouterr().err.splitlines()
        assert ended.value.code == code
        return line

    return refused


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window; without it tests of pages are skipped."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not (chromium := which("chromium")):
        pytest.skip("chromium isn't installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        yield browser
        browser.close()
