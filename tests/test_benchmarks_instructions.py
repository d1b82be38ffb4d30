"""Each task has its own count of instructions, by the first counter that works."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks import instructions, table
from tests.benchmarks.cli import Options
from tests.benchmarks.problems import TASKS, Contender

SETTINGS = {"network": "Table 1", "how": "auto", "batch": 2}
PAGE_FAULTS = 1, 2  # the kernel's own count: SOFTWARE, PAGE_FAULTS


def refused(settings):
    raise OSError("no counter")


def test_the_first_counter_that_works_is_used(monkeypatch):
    counters = {"A": refused, "B": lambda s: [10 * len(s["how"])] * len(TASKS)}
    monkeypatch.setattr(instructions, "COUNTERS", counters)
    options = Options(batch=4, peers=("torch",), cores=(0,))
    found = instructions.measure("Table 1", options)
    assert found["counted_by"] == "B"
    assert [*found["instructions_per_image"]] == [*TASKS]
    assert found["instructions_per_image"]["forward"] == {"auto": 10, "torch": 12.5}
    text = table.block("instructions", [found], table.aligned)
    assert text.startswith("Instructions per image, counted by B\n\n")
    assert "Table 1 forward 10 12.5" in " ".join(text.split())


def test_without_a_counter_the_report_gives_the_reasons(monkeypatch):
    monkeypatch.setattr(instructions, "COUNTERS", {"A": refused, "B": refused})
    found = instructions.measure("Table 1", Options(cores=(0,)))
    assert found == {"name": "Table 1", "not_counted": "A: no counter; B: no counter"}
    text = table.block("instructions", [found], table.aligned)
    assert text.endswith("not counted. A: no counter; B: no counter.")


def test_each_task_has_its_own_count(monkeypatch, capsys):
    now = 0

    def task(cost):
        def run():
            nonlocal now
            now += cost

        return run

    tasks = {name: task(10**i) for i, name in enumerate(TASKS)}
    contender = Contender(tasks, lambda: {})
    monkeypatch.setattr(instructions, "contender", lambda *problem: contender)
    monkeypatch.setattr(instructions, "counter", lambda: lambda: now)
    monkeypatch.setattr(instructions, "limit", lambda *settings: None)
    instructions.main(SETTINGS | {"counter": True})
    assert json.loads(capsys.readouterr().out) == [1, 10, 100, 1000, 10_000]


def test_a_count_of_0_is_refused(monkeypatch):
    monkeypatch.setattr(instructions, "counter", lambda: lambda: 0)
    monkeypatch.setattr(instructions, "run", lambda *command: "[5, 5, 0, 5, 5]")
    with pytest.raises(OSError, match="nothing is counted"):
        instructions.by_processor(SETTINGS)


def test_callgrinds_dumps_belong_to_the_tasks(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: name)

    def run(command, settings):
        if command:  # what callgrind writes: one dump at each mark, the rest at the end
            *_, option = command
            out = Path(option.partition("=")[2])
            for i, cost in enumerate((9_000, 1, 2, 3, 4, 5), start=1):
                text = (
                    f"# callgrind format\nevents: Ir\nfn=(1) f\n7 8\ntotals: {cost}\n"
                )
                out.with_name(f"out.{i}").write_text(text)
            out.write_text("totals: 77\n")
        return ""

    monkeypatch.setattr(instructions, "run", run)
    assert instructions.by_callgrind(SETTINGS) == [1, 2, 3, 4, 5]


def test_a_missing_valgrind_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(OSError, match="valgrind isn't installed"):
        instructions.by_callgrind(SETTINGS)


def test_a_program_that_fails_says_how():
    with pytest.raises(ChildProcessError, match="exit code 1, KeyError: 'Table 2'"):
        instructions.run([], SETTINGS | {"network": "Table 2"})


def test_the_kernels_counters_are_read():
    try:
        count = instructions.counter(PAGE_FAULTS)
    except OSError as error:
        pytest.skip(f"this process may not count: {error}")
    before = count()
    np.ones(2**24)
    assert count() > before


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind isn't installed")
def test_callgrind_counts_between_marks(monkeypatch):
    script = "import os\nfor n in range(6):\n  os.getpgrp()\n  sum(range(n * 10_000))"
    monkeypatch.setattr(instructions, "THIS", [sys.executable, "-c", script])
    counts = instructions.by_callgrind(SETTINGS)
    steps = np.diff(counts)
    assert len(counts) == len(TASKS)
    assert steps.min() > 10_000
    assert steps.max() < 1.5 * steps.min()
