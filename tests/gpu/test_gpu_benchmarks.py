"""The benchmarks measure a device as they measure the host."""

import numpy as np
import pytest

from tests.benchmarks import machine, roofline, sections, table, timing
from tests.benchmarks.cli import Options
from tests.benchmarks.layers import LAYERS
from tests.benchmarks.problems import build
from tests.benchmarks.sections import SECTIONS
from tests.gpu import emulator


@pytest.fixture
def options(gpu, monkeypatch):
    """One round with one image, and a small yardstick."""
    monkeypatch.setitem(timing.SQUARE, "gpu", 64)
    monkeypatch.setattr(emulator, "ORDERS", (emulator.forwards,))
    return Options(rounds=1, batch=1, device="gpu", sections=("networks",))


def test_layers_agree_and_are_timed(options):
    for layer in LAYERS[::3]:
        figures = SECTIONS["layers"].measure(layer, options)
        assert figures["kernel"] == "cuda"
        assert {*figures["operations"]["forward"]} == {"reference", "auto"}
        assert max(figures["agreement"]["auto"].values()) < 1e-4


def test_networks_agree_and_stand_beside_the_paper_figures(options, monkeypatch):
    monkeypatch.setattr(
        sections,
        "SECTIONS",
        {"networks": SECTIONS["networks"]._replace(units=["Table 1"])},
    )
    settings = {"threads": 1, "rounds": 1, "batch": 1, "peers": [], "pinned_to": [0]}
    result = {"settings": settings, "machine": machine.describe("gpu")}
    text = table.render(result | sections.measure(options))
    assert "CuPy" in text.splitlines()[0]
    assert "Table 1, training step, an H100 on paper: " in text


def test_the_paper_figures_of_table_3():
    model = build("Table 3")
    columns = [27 * 32**2, 288 * 32**2, 288 * 16**2, 576 * 16**2, 576 * 64, 1152 * 64]
    assert roofline.columns(model) == columns
    ms = roofline.h100_ms(model, 128)
    # 30.3 GFLOP at 67 TFLOP/s; 1.98 GB at 3.35 TB/s.
    assert ms["by arithmetic alone"] == pytest.approx(30.25 / 67, rel=1e-3)
    gigabytes = 128 * 4 * (6 * np.sum(columns) - 2 * columns[0]) / 1e9
    assert ms["with columns in memory"] == pytest.approx(
        ms["by arithmetic alone"] + gigabytes / 3.35, rel=1e-6
    )
