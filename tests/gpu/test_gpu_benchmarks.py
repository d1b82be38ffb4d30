"""The benchmarks measure a device as they measure the host."""

import pytest

from tests.benchmarks import layers, machine, result, table, timing
from tests.benchmarks.cli import Options
from tests.benchmarks.layers import LAYERS


@pytest.fixture
def options(gpu, one_order, monkeypatch):
    """One round with one image, and a small yardstick."""
    monkeypatch.setitem(timing.SQUARE, "gpu", 64)
    return Options(rounds=1, batch=1, device="gpu", sections=("networks",))


def test_layers_agree_and_are_timed(options):
    for layer in LAYERS[::3]:
        figures = layers.measure(layer, options)
        assert figures["kernel"] == "cuda"
        assert {*figures["operations"]["forward"]} == {"reference", "auto"}
        assert max(figures["agreement"]["auto"].values()) < 1e-4


def test_networks_agree_and_name_the_device(options, monkeypatch):
    measure, _ = result.SECTIONS["networks"]
    monkeypatch.setitem(result.SECTIONS, "networks", (measure, ["Table 1"]))
    settings = {"threads": 1, "rounds": 1, "batch": 1, "peers": [], "pinned_to": [0]}
    about = {"settings": settings, "machine": machine.describe("gpu")}
    text = table.render(about | result.measure(options))
    assert "CuPy" in text.splitlines()[0]
