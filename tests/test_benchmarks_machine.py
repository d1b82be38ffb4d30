"""A benchmark reports its machine's state, and sets doubtful figures aside."""

import signal
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from minidl.store import read_json
from tests.benchmarks import __main__ as program
from tests.benchmarks import machine, state, stream
from tests.benchmarks.cores import cores

NAME = "speed.json"


def made_up(sgemm=100.0, triad=10.0, beside=None):
    """Return a result without sections, with these speeds after the work."""
    before = {"sgemm_gflop_per_s": 100.0, "triad_gb_per_s": 10.0, "load_average": 0.1}
    after = before | {"sgemm_gflop_per_s": sgemm, "triad_gb_per_s": triad}
    sizes = {"array_mb": 64.0, "cache_mb": 32.0}
    pinned = {"threads": 1, "batch": 2, "rounds": 1, "pinned_to": [0]}
    return {
        "settings": pinned | {"beside": beside or {}},
        "machine": machine.describe() | {"cores": 2},
        "state": {"before": before, "after": after, **sizes},
    }


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run the program under a load with made-up results; return what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program.os, "cpu_count", lambda: 2)

    def run(*arguments, load=0.1, result=None):
        def measured(options):
            assert result is not None, "it was measured"
            return result

        monkeypatch.setattr(program, "run", measured)
        monkeypatch.setattr(program.os, "getloadavg", lambda: (load, 0.0, 0.0))
        program.main([*arguments])
        return capsys.readouterr().out

    return run


def test_a_quiet_machine_s_figures_are_written(run):
    out = run("--json", NAME, result=made_up())
    assert read_json(NAME)["state"] == made_up()["state"]
    assert (
        "Load average 0.10 at the start; sgemm 100 GFLOP/s before and 100 after" in out
    )
    assert "stream triad 10 GB/s before and 10 after" in out
    assert "arrays of 64 MB; last-level cache 32 MB" in out
    assert "Busy" not in out


def test_a_busy_machine_is_refused_before_any_work(run, refused):
    error = refused(partial(run, load=0.7), "--json", NAME)
    assert "load average is 0.70, above 0.67 (a third of 2 cores)" in error
    assert "--busy" in error
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("arguments", [(), ("--busy", "--json", NAME)])
def test_a_busy_machine_is_measured_without_files_or_with_busy(run, arguments):
    slowed = made_up(sgemm=50.0)
    slowed["state"]["before"]["load_average"] = 0.7
    out = run(*arguments, load=0.7, result=slowed)
    assert "Busy: the load average is 0.70, above 0.67" in out
    assert "sgemm changed from 100 to 50 GFLOP/s" in out
    assert [path.name for path in Path().iterdir()] == [*arguments[2:]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sgemm": 84.0}, "sgemm changed from 100 to 84 GFLOP/s, by more than 15%"),
        ({"triad": 11.6}, "stream triad changed from 10 to 11.6 GB/s"),
        ({"beside": {"core": 1, "gb_per_s": None}}, "on core 1 ended early"),
    ],
)
def test_doubtful_figures_are_written_under_another_name(run, capsys, change, said):
    Path(NAME).write_text("older")
    with pytest.raises(SystemExit) as exit_:
        run("--json", NAME, result=made_up(**change))
    out, error = capsys.readouterr()
    assert exit_.value.code == 1
    assert error.count("\n") == 1
    assert said in error
    assert "speed.busy.json" in error
    assert said in out  # with all tables
    assert Path(NAME).read_text() == "older"
    assert read_json("speed.busy.json")["state"] == made_up(**change)["state"]


def test_a_little_drift_is_usual():
    assert state.drift(made_up(sgemm=86.0, triad=11.4)) == ""


def test_the_state_is_measured(monkeypatch):
    monkeypatch.setattr(stream, "SMALLEST", 2**12)
    monkeypatch.setattr(stream, "cache_bytes", lambda: 0)
    monkeypatch.setitem(state.SQUARE, "cpu", 64)
    monkeypatch.setattr(state, "seconds", lambda task, device: 2.0)
    monkeypatch.setattr(state, "yardstick", lambda device: lambda: None)
    found = state.speeds()
    assert found["sgemm_gflop_per_s"] == pytest.approx(64**3 / 1e9)
    assert found["triad_gb_per_s"] == pytest.approx(3 * 2**12 / 2 / 1e9)
    assert found["load_average"] >= 0


def test_the_state_is_measured_in_a_process_of_its_own():
    found = state.measure(threads=1)
    assert found.keys() == {"load_average", *state.SPEEDS}
    assert all(found[speed] > 0 for speed in state.SPEEDS)


def test_the_triads_arrays_are_twice_the_last_level_cache(monkeypatch, tmp_path):
    for level, size in enumerate(("48K", "2048K", "262144K")):
        (tmp_path / f"index{level}").mkdir()
        (tmp_path / f"index{level}" / "size").write_text(size + "\n")
    monkeypatch.setattr(stream, "CACHES", tmp_path)
    assert stream.sizes() == {"array_mb": 2**29 / 1e6, "cache_mb": 2**28 / 1e6}
    monkeypatch.setattr(stream, "CACHES", tmp_path / "unknown")
    assert stream.sizes() == {"array_mb": stream.SMALLEST / 1e6, "cache_mb": 0}


def test_a_triad():
    b, c = np.random.default_rng(0).random((2, 7), np.float32)
    a = np.empty_like(b)
    stream.triad(a, b, c, np.float32(3))
    assert np.allclose(a, b + 3 * c)


def test_without_a_core_nothing_streams():
    with stream.beside(None) as about:
        pass
    assert about == {}


@pytest.fixture
def started(monkeypatch):
    """The processes that were started."""
    processes, popen = [], subprocess.Popen

    def start(*args, **options):
        processes.append(popen(*args, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return processes


def test_the_streaming_process_ends_with_its_parent_and_not_by_ctrl_c(started):
    with stream.beside(cores()[-1]) as about:
        [process] = started
        process.send_signal(signal.SIGINT)  # a terminal sends it to both
        process.stdin.close()  # as when the parent is killed
        assert process.wait(300) == 0
    assert about["gb_per_s"] > 0

    def interrupted():
        with stream.beside(cores()[-1]):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert started[1].returncode == -signal.SIGKILL


def test_a_stream_that_ended_early_has_no_rate(started):
    with stream.beside(cores()[-1]) as about:
        started[0].kill()
        started[0].wait()
    assert about["gb_per_s"] is None


@pytest.mark.parametrize(
    ("flags", "bits", "name"),
    [
        ("sse avx2 avx512f", 512, "AVX-512"),
        ("sse avx2 avx512f", 256, "AVX-512, limited to AVX2"),
        ("avx avx2", 256, "AVX2"),
        ("", 256, ""),
    ],
)
def test_the_vectors_of_a_processor(monkeypatch, flags, bits, name):
    monkeypatch.setattr(machine, "VECTOR_BITS", bits)
    monkeypatch.setattr(machine, "cpuinfo", lambda f: flags if f == "flags" else "")
    assert machine.vectors() == name
