"""A PyTorch module is attacked like our network with the same weights."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from attacks import (
    Suite,
    Threat,
    deepfool,
    evaluate,
    logits_of,
    loss_of,
    margin,
    network,
    pgd,
    vjp_of,
)
from attacks.torch_modules import TorchClassifier, torch_forward
from minidl import accuracy
from tests.oracles import assert_close

torch = pytest.importorskip("torch", reason="PyTorch, an oracle, isn't installed")
nn = torch.nn
torch.set_num_threads(1)  # its threads would fight for the cores with ours
convert = pytest.importorskip("tests.benchmarks.torch_convert").convert
TOLERANCE = {np.float32: 1e-4, np.float64: 1e-11}


class ChannelsLast(nn.Module):
    """A module that takes (N, H, W, C)."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        assert x.shape[1:] == (6, 6, 2)
        return self.module(x.permute(0, 3, 1, 2))


def twin(model, dtype, channels_last=False):
    module = convert(model).to(getattr(torch, np.dtype(dtype).name)).eval()
    return ChannelsLast(module).eval() if channels_last else module


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("of_module", [np.float32, np.float64])
@pytest.mark.parametrize("of_images", [np.float32, np.float64])
def test_logits_and_gradients_are_our_networks(
    cnn, x, rng, channels_last, of_module, of_images
):
    x = x.astype(of_images)
    ours = network(cnn.astype(of_images))
    theirs = torch_forward(twin(cnn, of_module, channels_last), channels_last)
    (z, back), (their_z, their_back) = ours(x), theirs(x)
    theirs(1 - x)  # each call returns its own back
    tolerance = max(TOLERANCE[of_module], TOLERANCE[of_images])
    assert their_z.dtype == of_images
    assert_close(their_z, z, tolerance)
    for _ in range(2):
        dz = rng.standard_normal(z.shape).astype(of_images)
        assert their_back(dz).dtype == of_images
        assert_close(their_back(dz), back(dz), tolerance)


def test_attacks_and_evaluations_take_a_module(cnn, x):
    y, module = cnn.predict(x), twin(cnn, np.float64)
    theirs = TorchClassifier(module)
    ours, loss = loss_of(network(cnn), margin), loss_of(theirs.forward, margin)
    for eps in (0.05, 0.2):
        expected = pgd(ours, x, y, eps, eps / 4, 10)
        assert_close(pgd(loss, x, y, eps, eps / 4, 10), expected, 1e-9)
    expected = deepfool(logits_of(network(cnn)), vjp_of(network(cnn)), x, y)
    found = deepfool(logits_of(theirs.forward), vjp_of(theirs.forward), x, y)
    assert_close(found, expected, 1e-9)
    assert accuracy(theirs, x, y) == 1
    last = TorchClassifier(twin(cnn, np.float64, True), channels_last=True)
    assert_close(last.predict_proba(x), cnn.predict_proba(x), 1e-11)
    attacks = {"PGD": lambda x, y, eps, rng: pgd(loss, x, y, eps, eps / 4, 10)}
    suite = Suite(theirs, attacks)
    found = evaluate(lambda: suite, x, y, Threat("Linf", 0.2))
    fooled = (cnn.predict(pgd(ours, x, y, 0.2, 0.05, 10)) != y).mean()
    assert found.robust("PGD").value == pytest.approx(1 - fooled)


def test_images_and_gradients_in_any_order(cnn, x, rng):
    """Views whose rows run backwards: PyTorch takes no negative strides."""
    module, dz = twin(cnn, np.float64), rng.standard_normal((8, 4))
    z, back = torch_forward(module)(x[::-1])
    expected_z, expected_back = network(cnn)(x[::-1].copy())
    assert_close(z, expected_z, 1e-11)
    assert_close(back(dz[::-1]), expected_back(dz[::-1].copy()), 1e-11)
    found = TorchClassifier(module).predict_proba(x[:, ::-1])
    assert_close(found, cnn.predict_proba(x[:, ::-1].copy()), 1e-11)


def test_parameters_and_averages_are_left_alone(x):
    module = nn.Sequential(
        nn.ReLU(inplace=True),
        nn.Conv2d(2, 3, 3),
        nn.BatchNorm2d(3),
        nn.Flatten(),
        nn.Linear(48, 4),
    ).eval()
    before = {name: t.clone() for name, t in module.state_dict().items()}
    given = x.copy()
    for mode in (torch.no_grad, torch.inference_mode):  # as code around it may have it
        with mode():
            z, back = torch_forward(module)(x)
            assert back(np.ones_like(z)).any()
    assert_array_equal(x, given)
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert all(torch.equal(t, before[name]) for name, t in module.state_dict().items())


def test_a_module_without_parameters(x):
    module = nn.Sequential(nn.Flatten(), nn.LogSoftmax(dim=1)).eval()
    z, _ = torch_forward(module)(x)
    flat = np.exp(x.transpose(0, 3, 1, 2).reshape(len(x), -1))
    assert_close(np.exp(z), flat / flat.sum(axis=1, keepdims=True), 1e-12)


def test_probabilities_are_no_logits(x):
    """Attacks would take another softmax of them, and look weak."""
    module = nn.Sequential(nn.Flatten(), nn.Softmax(dim=1)).eval()
    for kind in (np.float64, np.float32):
        with pytest.raises(ValueError, match=r"^module must return logits, got prob"):
            torch_forward(module)(x.astype(kind))


def test_half_precision(cnn, x):
    z, back = torch_forward(twin(cnn, np.float32).to(torch.bfloat16))(x)
    assert_close(z, cnn.forward(x), 0.1)
    assert back(z).dtype == x.dtype


class Other(nn.Module):
    """Returns whatever a function makes of images."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: {"logits": x}, "module must return logits, got dict"),
        (lambda x: x, r"module must return an array \(N, K\)"),
        (lambda x: x.flatten(1)[:-1], r"module must return an array \(N, K\)"),
        (lambda x: x.flatten(1) * 1j, "module must return floats, got torch.complex"),
        (lambda x: x.flatten(1) * torch.nan, "module must return finite numbers"),
    ],
)
def test_what_a_module_must_return(x, function, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        torch_forward(Other(function).eval())(x)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.flatten(1).detach(),
        lambda x: torch.zeros(len(x), 3, requires_grad=True) + 1,
    ],
)
def test_a_module_without_a_gradient_is_named(x, function):
    z, back = torch_forward(Other(function).eval())(x)
    with pytest.raises(ValueError, match=r"^module must let gradients through"):
        back(np.ones_like(z))


def test_training_mode_is_refused_whenever_it_begins(cnn, x):
    module = twin(cnn, np.float64)
    forward = torch_forward(module)
    forward(x)
    module[-2].train()  # dropout alone
    with pytest.raises(ValueError, match=r"^module must be in evaluation mode"):
        forward(x)


@pytest.mark.parametrize("module", [None, 3, nn.Linear, lambda x: x])
def test_what_is_no_module_is_named(module):
    with pytest.raises(TypeError, match=r"^module must be a torch\.nn\.Module, got"):
        torch_forward(module)


@pytest.mark.parametrize("images", [None, np.zeros((2, 3)), np.zeros((0, 6, 6, 2))])
def test_what_are_no_images_is_named(cnn, images):
    with pytest.raises((TypeError, ValueError), match=r"^x must "):
        torch_forward(twin(cnn, np.float64))(images)
