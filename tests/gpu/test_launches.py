"""What a step costs besides arithmetic: kernels started, and copies to and from.

Starting a kernel takes the host some microseconds, and a copy to the host waits for
all work on the device. So a step must start few kernels, and copy nothing to the host.
"""

import re
import sys

import numpy as np
import pytest

from attacks import bim, model_gradient, sum_gradient
from minidl import accuracy, cifar10_cnn, mnist_cnn, to_device, train
from minidl.optimizers import OPTIMIZERS
from tests.gpu import host_time, strict_cupy
from tests.gpu.counting import counted, work

TRAINING_STEP, BIM_STEP = 60, 43  # launches at most, of Table 3
BATCH = 1
STEPS = 2


class Uncomputed:
    """A kernel that is counted, and leaves zeros in place of results."""

    def __init__(self, code, name, options=()):
        declared = re.search(rf"void {name}\((.*?)\)", code, re.S).group(1).split(",")
        self.name = name
        self.written = [
            i for i, p in enumerate(declared) if "*" in p and "const" not in p
        ]

    def __call__(self, grid, block, arguments):
        for i in self.written:
            arguments[i].host[...] = 0
        work(self.name)


def count_only(monkeypatch):
    """Let kernels compute nothing: how many there are doesn't depend on numbers."""
    monkeypatch.setattr(strict_cupy.StrictCupy, "RawKernel", Uncomputed)


@pytest.fixture(autouse=True)
def _on_the_stand_in(stand_in, monkeypatch):
    count_only(monkeypatch)


def data(model, count):
    rng = np.random.default_rng(0)
    x = rng.integers(256, size=(count, *model.input_shape), dtype=np.uint8)
    return x, np.arange(count) % 10


def training(model, batches, kind="adam", on_device=False):
    """Counts of an epoch of so many batches, after a first one."""
    x, y = data(model, BATCH * batches)
    if on_device:
        x, y = to_device(x, "gpu"), to_device(y, "gpu")
    optimizer = OPTIMIZERS[kind](model.params, 1e-3)
    rng = np.random.default_rng(0)
    train(model, x[:BATCH], y[:BATCH], optimizer, 1, BATCH, rng)
    with counted() as found:
        train(model, x, y, optimizer, 1, BATCH, rng)
    return found


@pytest.fixture(params=[mnist_cnn, cifar10_cnn])
def model(request):
    return request.param(np.random.default_rng(0)).to_device("gpu")


def test_a_training_step_starts_few_kernels(model):
    found = training(model, STEPS)
    at_the_end = 2 * len(model.params)  # the sum of their squares
    assert found["launches"] <= STEPS * TRAINING_STEP + at_the_end
    assert found["names"].count("adam_step") == STEPS  # for all parameters at once
    assert found["names"].count("cross_entropy") == STEPS


def test_only_the_batch_travels_and_two_numbers_of_an_epoch_come_back(model):
    found = training(model, STEPS)
    pixels, labels = BATCH * int(np.prod(model.input_shape)), BATCH * 8
    assert found["bytes"] == [pixels, labels] * STEPS  # images as bytes, not floats
    assert found["to host"] == 2  # the mean of J, and the parameters' length


def test_data_on_the_device_stay_there(model):
    few, many = (training(model, steps, on_device=True) for steps in (1, STEPS))
    assert few["to device"] == many["to device"] == 1  # the epoch's order of images
    assert few["to host"] == many["to host"]


@pytest.mark.parametrize("kind", ["sgd", "momentum", "adam"])
def test_an_optimizer_step_is_one_kernel(kind):
    model = mnist_cnn(np.random.default_rng(0)).to_device("gpu")
    optimizer = OPTIMIZERS[kind](model.params, 1e-3)
    optimizer.step()
    with counted() as found:
        optimizer.step()
    assert found["launches"] == 1
    assert found["to device"] == found["to host"] == 0


def attack(gradient, steps):
    """Counts of a whole attack."""
    x, y = data(cifar10_cnn(np.random.default_rng(0)), BATCH)
    x = to_device(x.astype(np.float32) / 255, "gpu")
    y = to_device(y, "gpu")
    with counted() as found:
        bim(gradient, x, y, eps=0.1, alpha=0.02, steps=steps)
    return found


def test_a_bim_step_starts_few_kernels_and_waits_for_nothing():
    model = cifar10_cnn(np.random.default_rng(0)).to_device("gpu")
    one, many = (attack(model_gradient(model), steps) for steps in (1, 1 + STEPS))
    assert many["launches"] - one["launches"] <= STEPS * BIM_STEP
    assert many["to device"] == 0
    assert many["names"].count("sign_step") == 1 + STEPS
    # The extremes of pixels and labels, and whether the result is finite.
    assert many["to host"] == one["to host"] == 5


def test_the_sum_over_members_reads_nothing_more():
    rng = np.random.default_rng(0)
    members = [cifar10_cnn(rng).to_device("gpu") for _ in range(2)]
    one, two = (attack(sum_gradient(members), steps) for steps in (1, 2))
    assert two["launches"] - one["launches"] <= 2 * BIM_STEP
    assert two["to host"] == one["to host"] == 5


def test_the_hosts_own_time_can_be_taken(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", host_time.CUPY)
    monkeypatch.setattr(host_time, "STEPS", 1)
    monkeypatch.setattr(host_time, "ROUNDS", 1)
    for step in host_time.steps().values():
        assert host_time.host_time(step) > 0


def test_accuracy_waits_once_a_batch_for_whether_these_are_probabilities(model):
    x, y = data(model, 3 * BATCH)
    with counted() as found:
        accuracy(model, x, y, BATCH)
    assert found["to host"] == 3 + 1
    assert found["to device"] == 2 * 3
