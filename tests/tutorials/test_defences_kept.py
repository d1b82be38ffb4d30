"""Parts in training are kept after each epoch, and continue from there."""

from dataclasses import replace

import numpy as np
import pytest

from ensembles.member_files import member_path, write_finished
from ensembles.training import train_member
from minidl import Adam, Linear, Sequential
from tests.oracles import same_bits
from tutorials.defences import kept, parts
from tutorials.defences.kept import Kept
from tutorials.defences.parts import Part
from tutorials.defences.rows import rows
from tutorials.defences.settings import settings_of

JOB = rows(settings_of("mnist-sample", "smoke"))[0].jobs[0]
JOB = replace(JOB, train_images=64, batch_size=32, epochs=2)
SAVES = {"student": 4, "encoder": 2, "head": 5}  # two networks' epochs, one's, one's


def part_in(folder, kind):
    if kind == "head":
        path = member_path(JOB, folder)
        path.parent.mkdir(parents=True)
        write_finished(path, train_member(JOB), JOB)
    return Part(kind, JOB, 0.3)


@pytest.mark.parametrize("kind", parts.KINDS)
def test_an_interrupted_part_ends_in_the_same_bits(tmp_path, kind, monkeypatch):
    """It is stopped after each epoch in turn, and no epoch is trained twice."""
    part = part_in(tmp_path / "a", kind)
    whole = parts.train(part, tmp_path / "a")
    folder, saves, save = tmp_path / "b", [], kept.save_checkpoint
    part_in(folder, kind)

    def stopped(path, *state):
        save(path, *state)
        saves.append(state[-1])
        raise KeyboardInterrupt

    monkeypatch.setattr(kept, "save_checkpoint", stopped)
    for _ in range(SAVES[kind]):
        with pytest.raises(KeyboardInterrupt):
            parts.train(part, folder)
    trained = parts.train(part, folder)
    assert len(saves) == SAVES[kind]
    assert same_bits(trained.params, whole.params)
    assert trained.threshold == whole.threshold
    seconds = [about["seconds"] for about in saves]
    assert 0 < seconds[0] < seconds[-1] < trained.seconds
    path, key = parts.place_of(part, folder)
    parts.write(path, trained, key)
    assert list(path.parent.iterdir()) == [path]
    left = path.with_suffix(".0.partial.npz")
    left.touch()  # as after a kill
    assert same_bits(parts.read(path, key).params, whole.params)
    assert not left.exists()


def trained(folder, key="a", epochs=2):
    rng = np.random.default_rng(0)
    model = Sequential([Linear(3, 2, rng=rng)], (3,))
    x, y = np.ones((4, 3), np.float32), np.zeros(4, int)
    how = Adam(model.params), epochs, 2, rng
    Kept(folder / "part.npz", key).train(model, x, y, *how)
    return [p.data for p in model.params]


def test_files_that_are_damaged_or_anothers_are_named(tmp_path):
    path = tmp_path / "part.0.partial.npz"
    expected = trained(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(UserWarning, match=r"part\.0\.partial\.npz .* training again"):
        assert same_bits(trained(tmp_path), expected)
    with pytest.raises(ValueError, match="another configuration: key is 'a'"):
        trained(tmp_path, "b")


def test_a_full_disk_stops_no_training(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError("no space left")

    expected = trained(tmp_path / "a")
    monkeypatch.setattr(kept, "save_checkpoint", full)
    with pytest.warns(UserWarning, match="training goes on unsaved: no space left"):
        assert same_bits(trained(tmp_path / "b"), expected)
