"""Checkpoints and members move between devices; the paper's program runs on one."""

from dataclasses import replace

import numpy as np
import pytest

from ensembles import random_init, training
from ensembles.member_files import load_member
from minidl import Adam, load_checkpoint, save_checkpoint, to_numpy, train
from minidl.backend import device_of
from minidl.data import Dataset
from tests.benchmarks.agreement import distance
from tests.gpu.test_on_device import X, Y, flat, network
from tutorials import command_line as program
from tutorials.paper import __main__ as paper
from tutorials.paper import run, strict
from tutorials.paper.experiment import attack as evaluate
from tutorials.paper.experiment import config
from tutorials.paper.results import examples, read
from tutorials.paper.results.strict import read_strict


def in_training(device, seed=0):
    """A network on a device with its optimizer and generator."""
    model = network(seed).to_device(device)
    return model, Adam(model.params, 1e-2), np.random.default_rng(seed)


def go_on(state, epochs=1):
    model, optimizer, rng = state
    train(model, X, Y, optimizer, epochs, 16, rng)
    return [to_numpy(p.data) for p in model.params]


@pytest.mark.parametrize("first", ["cpu", "gpu"])
@pytest.mark.parametrize("then", ["cpu", "gpu"])
def test_training_goes_on_from_a_checkpoint_of_either_device(
    gpu, tmp_path, first, then
):
    state = in_training(first)
    go_on(state)
    save_checkpoint(tmp_path / "half.npz", *state)
    expected = go_on(state)
    resumed = in_training(then, seed=1)  # other numbers, all replaced
    if then == "gpu":
        go_on(resumed)  # its parameters are views of one array by now
    load_checkpoint(tmp_path / "half.npz", *resumed)
    assert device_of(resumed[0].params[0].data) == then
    found = go_on(resumed)
    if first == then:
        assert all(map(np.array_equal, found, expected))
    assert distance(flat(found), flat(expected)) <= 1e-2


def test_a_checkpoint_says_nothing_of_its_device(gpu, tmp_path):
    for device in ("cpu", "gpu"):
        save_checkpoint(tmp_path / device, network().to_device(device))
    one, two = ((tmp_path / device).read_bytes() for device in ("cpu", "gpu"))
    assert one == two


@pytest.fixture
def few_images(monkeypatch, one_order):
    """Twelve images of noise in place of any data set."""
    rng = np.random.default_rng(0)
    x = rng.integers(256, size=(12, 28, 28, 1), dtype=np.uint8)
    y = np.arange(12) % 10
    few = Dataset(x, y, x[:4], y[:4])
    for module in (training, program, run, evaluate, examples, strict):
        monkeypatch.setattr(module, "load_dataset", lambda name: few)
    smoke = replace(config.PROFILES["smoke"], train_images=len(x))
    monkeypatch.setitem(config.PROFILES, "smoke", smoke)
    monkeypatch.setattr(strict, "STEPS", 2)
    monkeypatch.setattr(strict, "RESTARTS", 1)


def test_a_member_trained_on_the_device_is_the_hosts_to_rounding(
    gpu, few_images, tmp_path
):
    [job] = random_init(1, 0, "mnist-sample", epochs=1, batch_size=6, lr=1e-4)
    ensemble = training.train_ensemble([job], None, tmp_path, device="gpu")
    assert ensemble.device == "cpu"  # where it was saved and is sent from
    kept = load_member(job, tmp_path)
    expected = training.train_ensemble([job], workers=1).members[0]
    for model in (ensemble.members[0], kept):
        pair = (flat([p.data for p in m.params]) for m in (model, expected))
        assert distance(*pair) <= 1e-2


def test_the_papers_program_trains_and_attacks_on_the_device(gpu, few_images, tmp_path):
    options = ["run", "strict", "--method", "random-init", "--profile", "smoke"]
    found = {}
    for device in ("cpu", "gpu"):
        folder = tmp_path / device
        own = ["--results", str(folder), "--runs", str(folder / "runs"), "--jobs", "1"]
        paper.main([*options, *own, "--device", device])
        found[device] = read(folder)
    here, there = found["cpu"], found["gpu"]
    assert there.environment.cpu.startswith(here.environment.cpu + ", ")
    assert "CuPy" in there.environment.cpu
    assert there.table2.keys() == here.table2.keys()
    assert there.configuration == here.configuration
    config, folders = here.configuration, (tmp_path / "cpu", tmp_path / "gpu")
    kept, again = (read_strict(folder, config) for folder in folders)
    assert kept.methods.keys() == again.methods.keys()
