"""Finished work is read, the rest is made, on any executor."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from minidl.store import read_json, write_json
from minidl.store.finish import Place, finish, finished


def places(folder, works):
    return {Place(folder / f"{work}.json", str(work)): work for work in works}


def halved(work):
    """A work's result; the work 0 fails."""
    return {"half": 1 / work / 2}


def run(works, make=halved, **options):
    done = finish(works, make, read_json, write_json, **options)
    return {place.key: result["half"] for place, result in done}


def test_what_is_finished_is_read_and_the_others_are_made(tmp_path):
    assert run(places(tmp_path, [1, 2])) == {"1": 0.5, "2": 0.25}
    made = []

    def make(work):
        made.append(work)
        return halved(work)

    works = places(tmp_path, [2, 4, 1])
    (tmp_path / "1.json").write_text("damaged")
    assert run(works, make) == {"2": 0.25, "4": 0.125, "1": 0.5}
    assert made == [4, 1]
    assert run(works, make, fresh=True) == {"2": 0.25, "4": 0.125, "1": 0.5}
    assert made == [4, 1, 2, 4, 1]


def test_another_works_file_is_made_again(tmp_path):
    run(places(tmp_path, [1]))
    (tmp_path / "1.json").rename(tmp_path / "2.json")
    assert run(places(tmp_path, [2])) == {"2": 0.25}


def test_a_result_is_kept_although_another_work_fails(tmp_path):
    works = places(tmp_path, [1, 0, 2])
    with pytest.raises(ZeroDivisionError):
        run(works)
    assert [place.key for place, _ in finished(works, read_json)] == ["1", "2"]


def test_works_may_be_kept_nowhere():
    works = {Place(None, str(work)): work for work in (1, 2)}
    assert run(works) == run(works) == {"1": 0.5, "2": 0.25}


@pytest.mark.parametrize("kind", [None, 1, 2, ThreadPoolExecutor])
def test_works_go_to_processes_and_to_any_executor(tmp_path, kind):
    if kind is ThreadPoolExecutor:
        kind = ThreadPoolExecutor(2)
    works = places(tmp_path, [1, 2, 4])
    assert run(works, executor=kind) == {"1": 0.5, "2": 0.25, "4": 0.125}
    assert {path.name for path in tmp_path.iterdir()} == {"1.json", "2.json", "4.json"}


def test_two_works_in_one_file_are_refused_before_any_work(tmp_path):
    path = tmp_path / "1.json"
    with pytest.raises(ValueError, match=r"1\.json can't keep two results, 1 and 0"):
        run({Place(path, "1"): 1, Place(path, "0"): 0})
    assert not path.exists()


def test_a_folder_that_cannot_be_written_is_named_before_any_work(tmp_path):
    (tmp_path / "runs").touch()
    with pytest.raises(OSError, match="runs is not a writable folder"):
        run(places(tmp_path / "runs", [0]), fresh=True)


def test_leftovers_of_killed_writers_are_removed(tmp_path):
    leftover = tmp_path / ".1.json.0123456789abcdef.minidl"
    leftover.touch()
    os.utime(leftover, (0, 0))
    list(finished(places(tmp_path, [1]), read_json))
    assert not leftover.exists()
