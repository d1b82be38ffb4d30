"""The chapters' trained networks: made from seeds, rounded to int8, and checked."""

import numpy as np
import pytest

from ensembles import METHODS, MemberJob
from ensembles.materialise import untrained
from ensembles.training import train_member
from minidl import accuracy
from minidl.data import load_mnist_sample
from minidl.store import DamagedError, read_arrays
from tutorials import trained

JOB = MemberJob("random-init", 0, 5, "mnist-sample", "mnist-cnn-small", epochs=1)


def test_the_file_holds_three_members_of_each_method_as_the_command_trains_them():
    teams = trained.ensembles(*METHODS)
    assert {method: len(team) for method, team in teams.items()} == {
        method: 3 for method in METHODS
    }
    for method, jobs in trained.jobs_of(METHODS).items():
        for job, model in zip(jobs, teams[method], strict=True):
            assert str(model.layers) == str(untrained(job).layers)
    assert trained.FILE.stat().st_size < 600_000


def test_each_network_has_learned_its_digits():
    data = load_mnist_sample()
    found = [
        accuracy(model, data.x_test, data.y_test)
        for team in trained.ensembles(*METHODS).values()
        for model in team
    ]
    assert min(found) > 0.93
    assert len(set(found)) > 6  # other networks, not one twelve times


def test_a_call_returns_networks_of_its_own():
    """Chapter 13 changes what it is given."""
    one, other = trained.network(), trained.network()
    one.params[-1].data += 1
    assert not np.array_equal(one.params[-1].data, other.params[-1].data)


def test_int8_weights_are_within_half_a_step():
    params = [
        np.array([[-0.5, 0.3], [0.1, 0.0]], np.float32),
        np.zeros(3, np.float32),  # before any step
    ]
    q, scales = trained.pack(JOB, params).values()
    assert q.dtype == np.int8
    np.testing.assert_array_equal(q, [-127, 76, 25, 0, 0, 0, 0])
    np.testing.assert_allclose(scales, [0.5 / 127, 1])


def test_what_is_packed_comes_back(tmp_path):
    params = [p.data for p in untrained(JOB).params]
    model = trained.unpack(JOB, trained.pack(JOB, params))
    for p, w in zip(model.params, params, strict=True):
        step = abs(w).max() / 127
        assert p.data.dtype == np.float32
        assert abs(p.data - w).max() <= 0.5001 * step
        assert p.data.any() == w.any()


@pytest.mark.parametrize("what", ["a byte", "cut", "other inputs"])
def test_a_changed_file_is_refused(tmp_path, monkeypatch, what):
    whole = trained.FILE.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    contents = {"a byte": changed, "cut": whole[:-9], "other inputs": whole}
    path = tmp_path / "trained.npz"
    path.write_bytes(contents[what])
    if what == "other inputs":
        monkeypatch.setitem(trained.SETTINGS, "epochs", 21)
    with pytest.raises(DamagedError, match=r"trained\.npz is damaged or not the"):
        trained.ensembles("bagging", path=path)


def test_the_command_trains_and_writes_them(tmp_path, monkeypatch, capsys):
    """One member, an epoch of few images, is what training gives, rounded."""
    monkeypatch.setattr(trained, "METHODS", {"bagging": METHODS["bagging"]})
    monkeypatch.setattr(trained, "MEMBERS", 1)
    monkeypatch.setattr(
        trained, "SETTINGS", trained.SETTINGS | {"epochs": 1, "train_images": 64}
    )
    path = tmp_path / "made.npz"
    trained.main([str(path)])
    assert capsys.readouterr().out == f"1 networks are in {path}\n"
    [job] = trained.jobs_of(["bagging"])["bagging"]
    [model] = trained.ensembles("bagging", path=path)["bagging"]
    for p, w in zip(model.params, train_member(job).params, strict=True):
        np.testing.assert_allclose(p.data, w, atol=abs(w).max() / 253)
    arrays, _ = read_arrays(path)
    assert sorted(arrays) == ["bagging 0 q", "bagging 0 scales"]
