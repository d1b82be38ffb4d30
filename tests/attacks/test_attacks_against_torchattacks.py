"""torchattacks on a PyTorch twin of a trained network, on 100 test images.

Gradient descents take the same steps, from images without ties in pooling. In a few
images they don't: where a gradient is 1e-19 rounding decides its sign, and a pixel that
went the other way changes what follows. Differences of algorithms:

DeepFool adds nothing to a step that ends on the border, and its overshoot is 2 % of the
step, so that an image that is clipped may never get across. JSMA never takes a pixel
twice, starts without those above 0.99 instead of those at 1, and moves pixel 0 when no
pair is left. MI-FGSM divides by a mean, not a sum, which changes no sign.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from attacks import (
    bim,
    deepfool,
    distance,
    fgsm,
    jsma,
    logits_of,
    mi_fgsm,
    model_gradient,
    model_loss,
    network,
    pgd,
    vjp_of,
)
from tests.attacks.test_attacks_against_peers import LastWins

REASON = "not installed here: `make oracles` has an environment for it"
torchattacks = pytest.importorskip("torchattacks", reason=f"torchattacks is {REASON}")
torch_twins = pytest.importorskip("tests.attacks.torch_twins", reason="no PyTorch")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model():
    return torch_twins.trained(1)[0]


@pytest.fixture(scope="module")
def images():
    return torch_twins.test_images()


@pytest.fixture(scope="module")
def untied(images):
    x, y = images
    return torch_twins.noisy(x), y


@pytest.fixture
def theirs(model):
    def run(name, x, y, targeted=False, **settings):
        attack = getattr(torchattacks, name)(torch_twins.Twin([model]), **settings)
        if targeted:
            attack.set_mode_targeted_by_label(quiet=True)
        labels = torch_twins.torch.from_numpy(y)
        return torch_twins.to_numpy(attack(torch_twins.to_torch(x), labels))

    return run


def assert_same(x_adv, expected, rounding=1e-9):
    """In 4 of 5 images (13 of 15 were seen), and nearly so in the others."""
    apart = abs(x_adv - expected)
    assert (apart.max(axis=(1, 2, 3)) < rounding).mean() >= 0.8
    assert (apart > rounding).mean() < 0.01


@pytest.mark.parametrize("eps", [0.1, 0.3])
def test_fgsm(theirs, model, untied, eps):
    x_adv = fgsm(model_gradient(model), *untied, eps)
    assert_same(x_adv, theirs("FGSM", *untied, eps=eps))


WALK = {"eps": 0.2, "alpha": 0.025, "steps": 10}


def test_bim(theirs, model, untied):
    x_adv = bim(model_gradient(model), *untied, **WALK)
    assert_same(x_adv, theirs("BIM", *untied, **WALK))


@pytest.mark.parametrize("decay", [0.5, 1.0])
def test_mi_fgsm(theirs, model, untied, decay):
    x_adv = mi_fgsm(model_gradient(model), *untied, **WALK, mu=decay)
    assert_same(x_adv, theirs("MIFGSM", *untied, **WALK, decay=decay))


@pytest.mark.parametrize(
    ("name", "norm", "eps", "alpha"),
    [("PGD", "Linf", 0.2, 0.025), ("PGDL2", "L2", 2, 0.3)],
)
def test_pgd(theirs, model, untied, name, norm, eps, alpha):
    walk = {"eps": eps, "alpha": alpha, "steps": 10}
    expected = theirs(name, *untied, **walk, random_start=False)
    x_adv = pgd(LastWins(model_loss(model)), *untied, **walk, norm=norm)
    assert_same(x_adv, expected, 1e-6)  # it adds 1e-10 to the gradient's length


def test_a_step_of_deepfool(theirs, model, untied):
    """The same, but for our margin; images that are misclassified don't move."""
    x, y = untied[0][:20], model.predict(untied[0][:20])
    forward = network(model)
    x_adv = deepfool(logits_of(forward), vjp_of(forward), x, y, steps=1)
    expected = theirs("DeepFool", x, y, steps=1)
    assert distance(x_adv, expected, "L2").max() < 1.03e-4


def test_all_steps_of_deepfool(theirs, model, images):
    x, y = images[0][:20], images[1][:20]
    forward = network(model)
    x_adv = deepfool(logits_of(forward), vjp_of(forward), x, y)
    expected = theirs("DeepFool", x, y)
    assert (model.predict(x_adv) != y).all()
    crossed = (model.predict(expected) != y) & (expected != x).any(axis=(1, 2, 3))
    assert 3 <= crossed.sum() < 20
    ours, others = (distance(found, x, "L2")[crossed] for found in (x_adv, expected))
    assert 0.98 < np.median(ours / others) < 1.02


def test_jsma(theirs, model, untied):
    """With theta = 1 a pixel is used up at once, there and here.

    The target is the second choice. All images that reach it are the same.
    """
    x, forward = untied[0][:10], network(model)
    target = model.forward(x).argsort(axis=1)[:, -2]
    settings = {"theta": 1.0, "gamma": 0.1}
    expected = theirs("JSMA", x, target, targeted=True, **settings)
    x_adv = jsma(logits_of(forward), vjp_of(forward), x, target, **settings)
    reached = model.predict(x_adv) == target
    assert reached.sum() >= 5
    assert_allclose(x_adv[reached], expected[reached], rtol=0, atol=1e-6)
