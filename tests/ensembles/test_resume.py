"""Training that is interrupted anywhere ends in the bits of one that isn't."""

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ensembles import member_files, train_ensemble
from ensembles.materialise import untrained
from ensembles.member_files import load_member, member_path, partial_path
from ensembles.training import train_member
from minidl.data import load_dataset
from minidl.optimizers import OPTIMIZERS
from minidl.store import plain, read_arrays
from minidl.store.checkpoints import save_checkpoint
from tests.ensembles.conftest import assert_same


@pytest.fixture
def job(jobs):
    return replace(jobs[0], epochs=4)


def epochs_asked(trained):
    """How many epochs each training was asked for."""
    return [epochs for _, _, _, _, epochs, *_ in trained]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_interrupted_member_goes_on_in_the_same_bits(
    tiny_data, job, tmp_path, train_until, trained, optimizer
):
    job = replace(job, optimizer=optimizer, lr=1e-3)
    whole = train_member(job)
    train_until(1, train_member, job, tmp_path)
    train_until(3, train_member, job, tmp_path)
    assert_same(train_member(job, tmp_path), whole)
    assert epochs_asked(trained) == [4, 4, 3, 1]


@pytest.mark.parametrize("method", ["bagging", "gaussian-noise"])
def test_the_members_own_data_are_made_again(
    tiny_data, job, tmp_path, train_until, method
):
    job = replace(job, method=method, sigma=0.1 if method == "gaussian-noise" else 0.0)
    train_until(2, train_member, job, tmp_path)
    assert_same(train_member(job, tmp_path), train_member(job))


def test_a_member_killed_after_its_last_epoch_is_not_trained_again(
    tiny_data, job, tmp_path, train_until, trained
):
    train_until(4, train_member, job, tmp_path)
    member = train_member(job, tmp_path)
    assert epochs_asked(trained) == [4]
    assert_same(member, train_member(job))


def test_a_finished_member_leaves_one_file(tiny_data, job, tmp_path):
    train_ensemble([job], folder=tmp_path, workers=1)
    path = member_path(job, tmp_path)
    old = path.with_name(f".{path.name}.0123456789abcdef.minidl")
    old.write_bytes(b"half")
    os.utime(old, (0, 0))
    train_ensemble([job], folder=tmp_path, workers=1)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [path]


def test_a_writer_killed_before_it_removed_the_last_epoch_leaves_one_file(
    tiny_data, job, tmp_path, train_until, trained
):
    train_until(2, train_member, job, tmp_path)
    path = member_path(job, tmp_path)
    kept = partial_path(path).read_bytes()
    train_ensemble([job], folder=tmp_path, workers=1)
    partial_path(path).write_bytes(kept)
    train_ensemble([job], folder=tmp_path, workers=1)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [path]
    assert epochs_asked(trained) == [4, 2]


def test_what_is_forgotten_is_trained_again(
    tiny_data, job, tmp_path, train_until, trained
):
    train_until(2, train_member, job, tmp_path)
    member_files.forget(job, tmp_path)
    train_ensemble([job], folder=tmp_path, workers=1)
    member_files.forget(job, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert epochs_asked(trained) == [4, 4]


def test_seconds_of_all_parts_add_up(tiny_data, job, tmp_path, train_until, clock):
    train_until(3, train_member, job, tmp_path)
    path = partial_path(member_path(job, tmp_path))
    _, saved = read_arrays(path)
    member = train_member(job, tmp_path)
    assert (saved["config"]["seconds"], member.seconds) == (3, 4)  # one an epoch
    assert len(saved["config"]["losses"]) == 3


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_epoch_is_set_aside_and_trained_again(
    tiny_data, job, tmp_path, train_until, rng, damage
):
    whole = train_member(job)
    train_until(2, train_member, job, tmp_path)
    path = partial_path(member_path(job, tmp_path))
    content = bytearray(path.read_bytes())
    place = int(rng.integers(200, len(content) - 200))
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    path.write_bytes(content[: {"cut": place, "empty": 0}.get(damage)])
    with pytest.warns(UserWarning, match=f"{path.name}.*set aside, training again"):
        member = train_member(job, tmp_path)
    assert_same(member, whole)
    assert path.with_suffix(".damaged").exists()


@pytest.mark.parametrize("finished", [True, False])
def test_another_jobs_file_is_refused_by_name(
    tiny_data, job, tmp_path, train_until, finished
):
    other = replace(job, lr=0.5)
    paths = [member_path(j, tmp_path) for j in (job, other)]
    if finished:
        train_ensemble([job], folder=tmp_path, workers=1)
    else:
        train_until(1, train_member, job, tmp_path)
        paths = [partial_path(path) for path in paths]
    shutil.copy(*paths)
    message = f"{paths[1].name} belongs to another configuration: lr is 0.001, wanted"
    with pytest.raises(ValueError, match=message):
        train_ensemble([other], folder=tmp_path, workers=1)
    assert paths[1].exists()


@pytest.fixture
def full_disk(monkeypatch):
    """Let files of some name fail as on a full disk."""
    save = member_files.save_checkpoint

    def fill(part_of_name):
        def refuse(path, *others, **settings):
            if part_of_name in Path(path).name:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            save(path, *others, **settings)

        monkeypatch.setattr(member_files, "save_checkpoint", refuse)

    return fill


def test_a_full_disk_does_not_stop_training(tiny_data, job, tmp_path, full_disk):
    whole = train_member(job)
    full_disk(".partial")
    with pytest.warns(UserWarning, match="goes on unsaved.*No space left"):
        member = train_member(job, tmp_path)
    assert_same(member, whole)


def test_a_member_that_can_not_be_saved_is_returned_with_a_warning(
    tiny_data, jobs, tmp_path, full_disk
):
    whole = train_ensemble(jobs, workers=1)
    full_disk("random-init-1-")
    with (
        pytest.warns(UserWarning, match="goes on unsaved"),
        pytest.warns(UserWarning, match="member not saved: .*No space left"),
    ):
        ensemble = train_ensemble(jobs, folder=tmp_path, workers=1)
    x = load_dataset(jobs[0].dataset).x_test.astype(np.float32) / 255
    assert_array_equal(ensemble.predict_proba(x), whole.predict_proba(x))
    saved = [job.index for job in jobs if member_path(job, tmp_path).exists()]
    assert saved == [0, 2]


def test_a_checkpoint_that_is_no_members_is_refused_by_name(tiny_data, job, tmp_path):
    path = member_path(job, tmp_path)
    save_checkpoint(path, untrained(job))
    with pytest.raises(ValueError, match=rf"{path.name}.job is missing"):
        load_member(job, tmp_path)


def test_an_epochs_file_is_no_finished_member(tiny_data, job, tmp_path, train_until):
    train_until(2, train_member, job, tmp_path)
    path = member_path(job, tmp_path)
    partial_path(path).rename(path)
    message = rf"{path.name} must hold the losses of 4 to 4 epochs, got \["
    with pytest.raises(ValueError, match=message):
        train_ensemble([job], folder=tmp_path, workers=1)


@pytest.mark.parametrize("losses", [None, [], "ab", ["a"], [[1.0]], [1.0] * 5])
def test_losses_of_no_training_are_refused_by_name(tiny_data, job, tmp_path, losses):
    path = partial_path(member_path(job, tmp_path))
    config = {"job": plain(job), "losses": losses, "seconds": 1.0}
    model, rng = untrained(job), np.random.default_rng(0)
    save_checkpoint(path, model, OPTIMIZERS[job.optimizer](model.params), rng, config)
    with pytest.raises(ValueError, match=rf"{path.name}.* must (hold|be)"):
        train_member(job, tmp_path)
