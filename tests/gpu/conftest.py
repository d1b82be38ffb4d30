"""The device that tests of the GPU path run on: the stand-in, or a real GPU."""

import pytest

from tests.gpu import emulator, strict_cupy


@pytest.fixture
def stand_in(monkeypatch):
    """Let the stand-in be CuPy."""
    return strict_cupy.install(monkeypatch)


@pytest.fixture(params=["stand-in", pytest.param("GPU", marks=pytest.mark.gpu)])
def gpu(request, monkeypatch):
    """Run a test on the stand-in, and again on a GPU where there is one."""
    if request.param == "stand-in":
        return strict_cupy.install(monkeypatch)
    return real_gpu()


@pytest.fixture
def one_order(monkeypatch):
    """Let threads run forwards only, which is quicker: kernels have tests of orders."""
    monkeypatch.setattr(emulator, "ORDERS", (emulator.forwards,))


def real_gpu():
    """Return CuPy, or skip the test with the reason why no GPU can be used."""
    from minidl.backend import require_gpu

    try:
        return require_gpu()
    except RuntimeError as error:
        pytest.skip(str(error))
