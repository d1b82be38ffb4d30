"""Progress in a terminal and in a log."""

import io
import os
import re
import sys
import time
from multiprocessing import Manager
from threading import Event

import numpy as np
import pytest

from minidl import SGD, Flatten, Linear, Sequential, train
from minidl.parallel.processes import local_executor
from minidl.parallel.progress import part, progress, reported


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_items_pass_through(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream())
    assert list(progress(iter("abc"), 3, "letters")) == ["a", "b", "c"]


@pytest.fixture
def impatient(monkeypatch):
    """A line for each item, however fast they come, and none before."""
    monkeypatch.setattr("minidl.parallel.progress.BETWEEN_LOOKS", 1e6)
    monkeypatch.setattr("minidl.parallel.progress.SECONDS_BETWEEN_LINES", 0)


def lines(capsys):
    text = capsys.readouterr().err
    return [re.sub(r"\d+ s", "0 s", line) for line in text.splitlines()]


def test_a_log_gets_plain_lines(impatient, capsys):
    list(progress("ab", 2, "letters"))
    assert lines(capsys) == ["letters: 1/2, 0 s", "letters: 2/2, 0 s"]


def test_a_log_of_fast_work_stays_empty(monkeypatch, capsys):
    monkeypatch.setattr(
        "minidl.parallel.progress.BETWEEN_LOOKS", 60.0
    )  # on a busy machine
    list(progress("abc", 3, "letters"))
    assert lines(capsys) == []


def test_slow_work_of_fast_items_ends_with_a_line(monkeypatch, capsys):
    """One line after five seconds, and the last one, however soon it follows."""
    times = iter([0.0, 2.0, 5.5, 5.5, 6.0])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    monkeypatch.setattr("minidl.parallel.progress.BETWEEN_LOOKS", 1e6)
    list(progress("abc", 3, "letters"))
    assert lines(capsys) == ["letters: 2/3, 0 s", "letters: 3/3, 0 s"]


class Heard(io.StringIO):
    """A stream to which a test waits to be written."""

    def __init__(self):
        super().__init__()
        self.event = Event()

    def write(self, text):
        self.event.set()
        return super().write(text)


def test_the_first_item_may_take_long(monkeypatch):
    """A line comes before it is done, in a second; then another, after the last."""
    monkeypatch.setattr(sys, "stderr", heard := Heard())
    monkeypatch.setattr("minidl.parallel.progress.BETWEEN_LOOKS", 0.01)
    for _ in progress("ab", 2, "letters"):
        assert heard.event.wait(60)
    first, *_, last = heard.getvalue().splitlines()
    assert first.startswith("letters: 0/2, ")
    assert last.startswith("letters: 2/2, ")


def test_work_that_ends_early_writes_no_more(monkeypatch, capsys):
    monkeypatch.setattr("minidl.parallel.progress.BETWEEN_LOOKS", 0.05)
    with pytest.raises(ZeroDivisionError), reported(2, "letters"):
        1 / 0  # noqa: B018
    time.sleep(0.2)
    assert lines(capsys) == []


def test_training_reports_batches(impatient, capsys):
    rng = np.random.default_rng(0)
    model = Sequential([Flatten(), Linear(4, 2, rng=rng)], (2, 2, 1))
    x, y = np.zeros((7, 2, 2, 1), np.float32), np.zeros(7, np.int64)
    train(model, x, y, SGD(model.params, 0.1), 2, 3, rng)
    assert lines(capsys) == [f"batches: {i}/6, 0 s" for i in range(1, 7)]


def test_workers_leave_reporting_to_their_parent():
    with local_executor(2) as pool:
        assert list(pool.map(os.getenv, ["MINIDL_QUIET"])) == ["1"]


def half(box):
    """Do half of a job, say so, and wait to end."""
    begun, go_on = box
    part.tell(0.5)
    begun.put(None)
    go_on.get()


def test_a_report_counts_what_workers_have_done_of_their_jobs(tmp_path):
    with Manager() as manager, local_executor(2) as pool:
        begun, go_on = box = manager.Queue(), manager.Queue()
        jobs = [pool.submit(half, box) for _ in range(3)]
        for _ in range(2):
            begun.get()
        assert pool.partly_done() == 1
        go_on.put(None)
        begun.get()  # the third job, after one has ended
        assert pool.partly_done() == 1
        for _ in range(2):
            go_on.put(None)
        for job in jobs:
            job.result()
        assert pool.partly_done() == 0


def test_a_log_says_how_much_of_an_item_is_done(monkeypatch, capsys):
    """Lines between two items, each with more done; at an item's end none with less."""
    seen = Event()
    shares = iter([0.24, 0.25, 0.31])

    def partly():
        try:
            return next(shares)
        except StopIteration:
            seen.set()
            return 0

    monkeypatch.setattr("minidl.parallel.progress.BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr("minidl.parallel.progress.SECONDS_BETWEEN_LINES", 0)
    for _ in progress("a", 2, "letters", partly):
        assert seen.wait(60)
    found = [line.split(",")[0] for line in lines(capsys)]
    assert found == ["letters: 0.2/2", "letters: 0.3/2", "letters: 1/2"]


def test_an_item_counts_once_it_was_dealt_with(impatient, capsys):
    items = progress("ab", 2, "letters")
    next(items)
    assert lines(capsys) == []
    next(items)
    assert lines(capsys) == ["letters: 1/2, 0 s"]


class Full(io.StringIO):
    def write(self, text):
        raise OSError("No space left on device")


@pytest.mark.parametrize("stream", [None, Full()])
def test_lines_that_can_not_be_written_stop_no_work(monkeypatch, impatient, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(progress("ab", 2, "letters")) == ["a", "b"]


def test_progress_can_be_switched_off(monkeypatch, impatient, capsys):
    monkeypatch.setenv("MINIDL_QUIET", "1")
    assert list(progress("ab", 2, "letters")) == ["a", "b"]
    assert lines(capsys) == []


def test_a_terminal_gets_a_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("minidl.parallel.progress.BETWEEN_LOOKS", 0)
    list(progress("ab", 2, "letters"))
    assert "letters: 100%" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()


def test_standard_output_stays_clean(capsys):
    list(progress("ab", 2, "letters"))
    assert capsys.readouterr().out == ""
