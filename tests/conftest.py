"""What all tests share."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

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


@pytest.fixture
def rng():
    return np.random.default_rng(20170911)
