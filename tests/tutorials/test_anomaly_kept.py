"""Finished work is kept, and taken from the folder the next time."""

import dataclasses
import os
from dataclasses import dataclass

import pytest

from ensembles import random_init
from tutorials.anomaly.cases import Team
from tutorials.anomaly.kept import finish, place_of


@dataclass(frozen=True)
class Work:
    """What to do with a number."""

    number: int
    options: dict[str, float]


@dataclass(frozen=True)
class Square:
    """What is found."""

    value: int
    parts: list[float]


WORKS = [Work(n, {"by": 0.5}) for n in (3, 1, 2)]
SQUARES = [Square(n * n, [n * 0.1]) for n in (3, 1, 2)]


@pytest.fixture
def team(tmp_path):
    jobs = tuple(random_init(2, 0, "mnist-sample"))
    return Team(jobs, ("a", "b"), tmp_path, images=10)


class Worker:
    """Squares numbers, remembers which, and stops before one that it doesn't like."""

    def __init__(self, stop_at=None, error=KeyboardInterrupt):
        self.done, self.stop_at, self.error = [], stop_at, error

    def __call__(self, work, team):
        if work.number == self.stop_at:
            raise self.error
        self.done.append(work.number)
        return Square(work.number**2, [work.number * 0.1])


def test_results_come_in_the_order_of_the_works(team):
    worker = Worker()
    assert finish(WORKS, worker, Square, team, jobs=1) == SQUARES
    assert worker.done == [3, 1, 2]


def test_after_an_interruption_only_the_rest_is_done(team):
    with pytest.raises(KeyboardInterrupt):
        finish(WORKS, Worker(stop_at=1), Square, team, jobs=1)
    again = Worker()
    assert finish(WORKS, again, Square, team, jobs=1) == SQUARES
    assert again.done == [1, 2]


def test_after_an_error_the_others_are_kept(team):
    with pytest.raises(ValueError, match="too odd"):
        finish(WORKS, Worker(3, ValueError("too odd")), Square, team, jobs=1)
    again = Worker()
    assert finish(WORKS, again, Square, team, jobs=1) == SQUARES
    assert again.done == [3]


def test_what_is_found_is_said(team, capsys):
    finish(WORKS[:2], Worker(), Square, team, jobs=1)
    assert capsys.readouterr().out == ""
    finish(WORKS, Worker(), Square, team, jobs=1)
    folder = team.runs / "mnist-sample" / "anomaly"
    assert capsys.readouterr().out == f"2 of 3 parts found in {folder}\n"


def test_fresh_does_all_again(team):
    finish(WORKS, Worker(), Square, team, jobs=1)
    again = Worker()
    finish(WORKS, again, Square, team, jobs=1, fresh=True)
    assert again.done == [3, 1, 2]


def test_the_same_work_twice_is_done_once(team):
    worker = Worker()
    works = [*WORKS, WORKS[0]]
    found = finish(works, worker, Square, team, jobs=1)
    assert found == [*SQUARES, SQUARES[0]]
    assert worker.done == [3, 1, 2]


@pytest.mark.parametrize("damage", ["", '{"value": 9', '{"value": 9}', "[]"])
def test_a_damaged_file_is_made_again(team, damage):
    finish(WORKS, Worker(), Square, team, jobs=1)
    place_of(WORKS[0], team).path.write_text(damage)
    again = Worker()
    assert finish(WORKS, again, Square, team, jobs=1) == SQUARES
    assert again.done == [3]


def test_leftovers_of_killed_writers_are_removed(team):
    finish(WORKS, Worker(), Square, team, jobs=1)
    path = place_of(WORKS[0], team).path
    leftover = path.with_name(f".{path.name}.0123456789abcdef")
    leftover.write_text("half")
    os.utime(leftover, (0, 0))
    finish(WORKS, Worker(), Square, team, jobs=1)  # reads only
    assert not leftover.exists()


def test_other_members_are_other_work(team):
    own = place_of(WORKS[0], team)
    trained_again = dataclasses.replace(team, checksums=("a", "c"))
    assert place_of(WORKS[0], trained_again) != own
    others = tuple(random_init(2, 1, "mnist-sample"))
    assert place_of(WORKS[0], dataclasses.replace(team, jobs=others)) != own
    assert place_of(dataclasses.replace(WORKS[0], options={}), team) != own
    more_images = dataclasses.replace(team, images=20)  # in further blocks
    assert place_of(WORKS[0], more_images) == own
