"""Progress in a terminal and in a log."""

import io
import re
import sys

import pytest

from minidl.progress import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_items_pass_through(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream())
    assert list(progress(iter("abc"), 3, "letters")) == ["a", "b", "c"]


@pytest.fixture
def impatient(monkeypatch):
    """A line for each item, however fast they come."""
    monkeypatch.setattr("minidl.progress.SECONDS_BETWEEN_LINES", 0)


def lines(capsys):
    text = capsys.readouterr().err
    return [re.sub(r"\d+ s", "0 s", line) for line in text.splitlines()]


def test_a_log_gets_plain_lines(impatient, capsys):
    list(progress("ab", 2, "letters"))
    assert lines(capsys) == ["letters: 1/2, 0 s", "letters: 2/2, 0 s"]


def test_a_log_of_fast_work_stays_empty(capsys):
    list(progress("abc", 3, "letters"))
    assert lines(capsys) == []


def test_slow_work_of_fast_items_ends_with_a_line(monkeypatch, capsys):
    """One line after five seconds, and the last one, however soon it follows."""
    times = iter([0.0, 2.0, 5.5, 6.0])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    list(progress("abc", 3, "letters"))
    assert lines(capsys) == ["letters: 2/3, 0 s", "letters: 3/3, 0 s"]


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


def test_it_can_be_forbidden(monkeypatch, impatient, capsys):
    monkeypatch.setenv("MINIDL_QUIET", "1")
    assert list(progress("ab", 2, "letters")) == ["a", "b"]
    assert lines(capsys) == []


def test_a_terminal_gets_a_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    list(progress("ab", 2, "letters"))
    assert "letters: 100%" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()


def test_standard_output_stays_clean(capsys):
    list(progress("ab", 2, "letters"))
    assert capsys.readouterr().out == ""
