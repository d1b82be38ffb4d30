"""The whole command on damaged folders: it repairs them, or refuses in one line."""

import shutil

import numpy as np
import pytest

from minidl.store import read_json
from tests.tutorials.corruptions import OFTEN, ONCE
from tutorials.paper.__main__ import main

TRIALS = 20


def command(folder):
    """Run everything in a folder's own folders; return what SystemExit says."""
    own = ["--profile", "smoke", "--method", "random-init", "--jobs", "1"]
    places = ["--results", str(folder / "results"), "--runs", str(folder / "runs")]
    try:
        main(["run", "strict", "table2", "report", *own, *places])
    except SystemExit as ended:
        return ended.code
    return 0


def numbers(folder):
    """Return all numbers that the command has written, without times."""
    results = read_json(folder / "results" / "random-init.json")
    execution = results.pop("execution")
    strict = read_json(folder / "results" / "random-init-strict.json")
    return results, len(execution), strict


def files(folder):
    """Return all kept files, in an order that is the same on all machines."""
    return sorted(p for p in folder.rglob("*") if p.suffix in (".npz", ".json"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert command(folder) == 0
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*set aside, training again")
@pytest.mark.parametrize("seed", range(TRIALS))
def test_a_spoiled_file_is_made_again_or_refused_in_one_line(
    whole, tmp_path, capsys, seed
):
    folder, rng = tmp_path / "copy", np.random.default_rng(seed)
    shutil.copytree(whole, folder)
    places = files(folder)
    path = places[rng.integers(len(places))]
    ways = [*OFTEN, *ONCE]
    ways[rng.integers(len(ways))](path, rng, tmp_path / "other")
    if command(folder):
        error = capsys.readouterr().err.splitlines()[-1]
        assert path.name in error
        assert "Traceback" not in error
        path.rmdir() if path.is_dir() else path.unlink()
        assert command(folder) == 0
    assert numbers(folder) == numbers(whole)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*set aside, training again")
def test_a_member_that_is_trained_again_keeps_its_evaluations(whole, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    member = next(p for p in files(folder) if p.name.startswith("random-init-1-"))
    member.write_bytes(member.read_bytes()[:-100])
    capsys.readouterr()
    assert command(folder) == 0
    assert "8 of 8 evaluations found" in capsys.readouterr().out
    assert member.with_suffix(".damaged").exists()
    assert numbers(folder) == numbers(whole)
