"""docs/speed.md names each processor, its state, and the kinds not measured yet."""

from copy import deepcopy
from pathlib import Path

import pytest

from minidl.store import read_json, write_json
from tests.benchmarks import page, table
from tests.benchmarks.parts import STEP
from tests.benchmarks.timing import summary

RESULTS = Path(__file__).parents[1] / "results"
MARKS = "<!-- speed -->\n<!-- /speed -->\n<!-- parts -->\n<!-- /parts -->\n"
SPEEDS = {"load_average": 0.1, "sgemm_gflop_per_s": 100.0, "triad_gb_per_s": 10.0}


def result(vectors, version="9.9", ratio=2.0, beside=None, **sections):
    """Return a committed result as if from another processor and version."""
    found = deepcopy(read_json(RESULTS / "benchmarks.json"))
    found["machine"] |= {"cpu": "Chip", "vectors": vectors, "minidl": version}
    found["settings"]["beside"] = beside or {}
    found["state"] = {"before": SPEEDS, "after": SPEEDS}
    found["state"] |= {"array_mb": 64.0, "cache_mb": 32.0}
    for unit in found["networks"]:
        for by in unit["operations"].values():
            by["auto"]["vs_torch"] = summary([ratio])
    return found | sections


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Write results to files; return the page that shows them, without line breaks."""
    monkeypatch.chdir(tmp_path)

    def shown(*results):
        files = [Path(f"{i}.json") for i in range(len(results))]
        for file, found in zip(files, results, strict=True):
            write_json(file, found)
        Path("speed.md").write_text(MARKS)
        page.update(files, Path("speed.md"))
        return Path("speed.md").read_text()

    return shown


def test_each_processor_has_a_column_with_its_name(shown):
    text = shown(result("AVX2"), result("AVX-512", "9.8", ratio=1.5))
    assert "| ratio | ratio on Chip (AVX-512), minidl 9.8 |" in text
    assert "One thread on one core of Chip (AVX2), batches of 128" in text
    assert text.count("| 2.00 [2.00, 2.00] | 1.50 [1.50, 1.50] |") == 10
    assert text.count("Load average 0.10 at the start; sgemm 100 GFLOP/s") == 2


def test_a_processor_that_was_not_measured_is_named(shown):
    here, there = result("AVX2"), result("AVX-512")
    assert "Not measured with minidl 9.9 yet: AVX-512." in shown(here)
    assert "Not measured" not in shown(here, there)
    older = result("AVX-512", version="9.8")
    assert "Not measured with minidl 9.9 yet: AVX-512." in shown(here, older)


def test_what_was_measured_beside_a_stream_has_its_own_table(shown):
    stream = result("AVX2", ratio=3.0, beside={"core": 1, "gb_per_s": 7.25})
    text = shown(result("AVX2"), stream)
    assert "| ratio |\n" in text  # no column
    assert "while another process streams through memory, batches of 128" in text
    assert text.count("| 2.00 [2.00, 2.00] |\n") == 10
    assert text.count("| 3.00 [3.00, 3.00] |\n") == 10
    assert "Core 1 streamed 7.25 GB/s meanwhile." in text


def test_peaks_of_memory_stand_beside_pytorchs(shown):
    peaks = {"auto": 120.0, "torch": 240.0}
    text = shown(result("AVX2", memory=[{"name": "Table 1", "peak_mb": peaks}]))
    assert "120 MB for Table 1 (PyTorch: 240 MB, ratio 0.50)" in text


def test_bytes_stand_beside_images_per_second(shown):
    figures = dict.fromkeys(("few", "many", "ratio"), summary([7.0]))
    figures |= {"held_kb_per_image": 333.0, "moved_kb_per_image": 942.0}
    unit = {"name": "Table 1", "cores": 2, "images_per_s": {"auto": figures}}
    text = shown(result("AVX2", members=[unit]))
    assert "| on one | on all | ratio | held, kB/image | moved, kB/image |" in text
    assert "| 7 [7, 7] | 333 | 942 |" in text


def test_instructions_are_shown_or_why_there_are_none(shown):
    counts = {"forward": {"auto": 1.5e6, "torch": 3e6}}
    unit = {"name": "Table 1", "counted_by": "A", "instructions_per_image": counts}
    text = shown(result("AVX2", instructions=[unit]))
    assert "Instructions per image, counted by A" in text
    assert "| Table 1 | forward | 1,500,000 | 3,000,000 |" in text
    unit = {"name": "Table 1", "not_counted": "B isn't installed"}
    text = shown(result("AVX2", instructions=[unit]))
    assert "Instructions per image: not counted. B isn't installed." in text


def part(share):
    """A part of a step of 100 ms."""
    work = {"ms": 100 * share, "mb": 10.0, "gflop": 1.0, "bound_ms": 0.5}
    return work | {"share": share, "times_bound": 200 * share}


def test_small_parts_share_a_row(shown):
    parts = {"large": part(0.993), "small": part(0.003), "smaller": part(0.004)}
    parts["view"] = part(0.0) | {"bound_ms": 0.0, "times_bound": None}
    parts[STEP] = part(1.0)
    text = shown(result("AVX2", parts=[{"name": "Table 1", "parts": parts, **SPEEDS}]))
    rows = [line for line in text.splitlines() if line.startswith("| Table 1 | ")]
    assert [row.split(" | ")[1] for row in rows[-3:]] == ["large", "3 others", STEP]
    others = ["0.7", "30", "3", "1", "0.007", "0.7 |"]  # ms, MB, GFLOP, bound, share
    assert rows[-2].split(" | ")[2:] == others
    assert "sgemm 100 GFLOP/s, stream triad 10.0 GB/s" in text


def test_the_terminal_shows_all_parts():
    parts = {"large": part(0.99), "small": part(0.001), STEP: part(1.0)}
    text = table.aligned(table.table([{"name": "Table 1", "parts": parts, **SPEEDS}]))
    assert [line.split()[2] for line in text.splitlines()[-3:-1]] == ["large", "small"]
