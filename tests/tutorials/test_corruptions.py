"""300 corruptions of saved files: no wrong content is accepted.

A reader returns the right content, makes it again, or raises an error that names the
file.
"""

import os
import tracemalloc
import warnings

import numpy as np
import pytest

from tests.tutorials.corruptions import OFTEN, ONCE
from tests.tutorials.kept_files import KINDS, MADE_AGAIN, predicted
from tutorials.paper.experiment import attack as engine

CORRUPTIONS = 300
MOST_MEMORY = 50e6  # bytes, while a file is read that says it is enormous


def plan():
    """Return kind, corruption and seed of each trial: all pairs, then more of some."""
    trials = [(kind, spoil) for kind in KINDS for spoil in ONCE]
    often = [(kind, spoil) for kind in KINDS for spoil in OFTEN]
    trials += [often[i % len(often)] for i in range(CORRUPTIONS - len(trials))]
    return [
        pytest.param(kind, spoil, seed, id=f"{seed}-{kind}-{spoil.__name__}")
        for seed, (kind, spoil) in enumerate(trials)
    ]


def test_there_are_300_trials_of_all_corruptions():
    assert len(plan()) == CORRUPTIONS
    assert {trial.values[1] for trial in plan()} == {*OFTEN, *ONCE}


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    """Count without attacking, and don't wait for the disk."""
    monkeypatch.setattr(engine, "attack_block", predicted)
    monkeypatch.setattr(os, "fsync", lambda file: None)


def read(kept, folder):
    """Return what is read, or the error; fail if that takes much memory."""
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "set aside, training again"
            return kept.read(folder)
    except (ValueError, OSError) as error:
        return error
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < MOST_MEMORY


def check(kind, spoil, tmp_path):
    """Spoil a kept file: it must be read as before, made again, or refused by name."""
    kept, folder = KINDS[kind], tmp_path / "kept"
    path = kept.write(folder, 0)
    right = kept.read(folder)
    spoil(path)
    found = read(kept, folder)
    if isinstance(found, Exception):
        assert path.name in str(found)
        assert kind not in MADE_AGAIN or isinstance(found, IsADirectoryError)
    else:
        assert found in (right, kept.nothing)


@pytest.mark.parametrize(("kind", "spoil", "seed"), plan())
def test_damaged_content_is_not_accepted(kind, spoil, seed, tmp_path):
    rng, other = np.random.default_rng(seed), tmp_path / "other"
    check(kind, lambda path: spoil(path, rng, other), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_another_runs_file_is_not_accepted(kind, tmp_path):
    def swap(path):
        other = KINDS[kind].write(tmp_path / "other", 1).read_bytes()
        path.write_bytes(other)

    check(kind, swap, tmp_path)
