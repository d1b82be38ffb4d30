"""AutoAttack, its authors' PyTorch code, on twins with our weights; 100 test images.

Its APGD differs from the published algorithm, and so from ours, in details: a step size
is halved if no more than 75 % of the steps climbed (ours: fewer than), after going back
a step is compared with the last one instead of the best, and it starts on the surface
of the ball instead of anywhere inside. Until the first checkpoint it walks as ours. It
returns the last misclassified point, ours that of the largest loss, which with
cross-entropy may be classified correctly.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from attacks import (
    apgd,
    apgd_targeted,
    ensemble_loss,
    log_mean_probability,
    logits_of,
    pgd,
    square,
)
from attacks.losses import cross_entropy, dlr, margin, targeted_dlr
from ensembles import Ensemble

REASON = "not installed here: `make oracles` has an environment for it"
pyautoattack = pytest.importorskip("pyautoattack", reason=f"pyautoattack is {REASON}")
twins = pytest.importorskip("tests.attacks.torch_twins", reason="no PyTorch")
pytestmark = pytest.mark.slow

EPS = 0.1
LOSSES = {"ce": cross_entropy, "dlr": dlr}


@pytest.fixture(scope="module")
def images():
    x, y = twins.test_images()
    return x.astype(np.float32), y


def members(count):
    return [m.astype(np.float32) for m in twins.trained(count)]


def their_apgd(models, loss, steps, norm="Linf", eps=EPS):
    from pyautoattack.autopgd_base import APGDAttack

    twin = twins.Twin(models)
    return APGDAttack(twin, steps, norm, 1, eps, 0, loss, device="cpu"), twin


def test_the_targeted_ratio_is_theirs():
    """If the image's own label leads, as at the start: ours doesn't know this label."""
    from pyautoattack.autopgd_base import APGDAttack_targeted

    z = np.random.default_rng(0).standard_normal((50, 10))
    order = z.argsort(axis=1)
    label, target = order[:, -1], order[np.arange(50), np.arange(50) % 9]
    logits = twins.torch.tensor(z, requires_grad=True)
    attack = SimpleNamespace(y_target=twins.torch.from_numpy(target))
    theirs = APGDAttack_targeted.dlr_loss_targeted(
        attack, logits, twins.torch.from_numpy(label)
    )
    theirs.sum().backward()
    values, dz = targeted_dlr(z, target)
    np.testing.assert_allclose(values, theirs.detach().numpy(), atol=1e-10)
    np.testing.assert_allclose(dz, logits.grad.numpy(), atol=1e-10)


@pytest.mark.parametrize(("norm", "eps"), [("Linf", 0.02), ("L2", 0.3)])
@pytest.mark.parametrize("loss", ["ce", "dlr"])
def test_apgd_walks_the_same_way_up_to_the_first_checkpoint(images, loss, norm, eps):
    """11 steps of 50, in float64, from the same images without ties.

    An image whose label is third has a DLR of 1 and no slope, and we stay there. Theirs
    adds 1e-12 to the denominator, and the sign of what that leaves leads anywhere: such
    images, which are fooled already, are left out.
    """
    models, labels = twins.trained(1), images[1][:20]
    x, ours, theirs = twins.noisy(images[0][:20].astype(np.float64)), [], []
    loss_fn, sloping = ensemble_loss(models, LOSSES[loss]), np.ones(20, bool)

    def recorded(x, y):
        values, gradient = loss_fn(x, y)
        ours.append(x.copy())
        if len(ours) <= 11:
            sloping[abs(gradient).max(axis=(1, 2, 3)) < 1e-9] = False
        return values, gradient

    apgd(recorded, x, labels, eps, 50, norm)
    attack, twin = their_apgd(models, loss, 50, norm, eps)
    twin.register_forward_pre_hook(
        lambda _, x: theirs.append(twins.to_numpy(x[0]).copy())
    )
    x_0 = twins.to_torch(x)
    attack.init_hyperparam(x_0)
    attack.attack_single_run(x_0, twins.torch.from_numpy(labels), x_init=x_0)
    assert len(ours) == len(theirs) == 51
    assert sloping.sum() >= 10
    for i in range(12):
        apart = abs(ours[i] - theirs[i]).max(axis=(1, 2, 3))
        assert (apart < 1e-5)[sloping].mean() >= 0.8


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("loss", ["ce", "dlr"])
def test_apgd_fools_as_many(images, loss, count):
    (x, y), models = images, members(count)
    ensemble = Ensemble(models)
    attack, _ = their_apgd(models, loss, 100)
    labels = twins.torch.from_numpy(y)
    theirs = twins.to_numpy(attack.perturb(twins.to_torch(x), labels))
    loss_fn, rng = ensemble_loss(models, LOSSES[loss]), np.random.default_rng(0)
    ours = apgd(loss_fn, x, y, EPS, 100, rng=rng)
    resist = [int((ensemble.predict(x_adv) == y).sum()) for x_adv in (ours, theirs)]
    print(f"APGD-{loss}, {count} members: {resist[0]} resist ours, {resist[1]} theirs")
    assert abs(resist[0] - resist[1]) <= 3


@pytest.mark.parametrize("count", [1, 2])
def test_targeted_apgd_fools_as_many(images, count):
    """Towards nine targets, as in the standard set, with 30 steps each."""
    from pyautoattack.autopgd_base import APGDAttack_targeted

    (x, y), models = images, members(count)
    ensemble, twin = Ensemble(models), twins.Twin(models)
    attack = APGDAttack_targeted(twin, 30, "Linf", 1, EPS, 0, device="cpu")
    labels = twins.torch.from_numpy(y)
    theirs = twins.to_numpy(attack.perturb(twins.to_torch(x), labels))
    z, loss = (
        logits_of(log_mean_probability(models)),
        ensemble_loss(models, targeted_dlr),
    )
    ours = apgd_targeted(z, loss, x, y, EPS, 30, rng=np.random.default_rng(0))
    resist = [int((ensemble.predict(x_adv) == y).sum()) for x_adv in (ours, theirs)]
    print(f"APGD-T, {count} members: {resist[0]} resist ours, {resist[1]} theirs")
    assert abs(resist[0] - resist[1]) <= 3


def test_square_in_l2_fools_as_many(images):
    """Both random: a sixth of the images may differ."""
    from pyautoattack.square import SquareAttack

    (x, y), models = (a[:60] for a in images), members(1)
    attack = SquareAttack(
        twins.Twin(models), norm="L2", n_queries=300, eps=2.0, p_init=0.1, device="cpu"
    )
    labels = twins.torch.from_numpy(y)
    theirs = twins.to_numpy(attack.perturb(twins.to_torch(x), labels))
    [model], rng = models, np.random.default_rng(0)
    ours = square(model.predict_proba, x, y, 2.0, rng, 300, norm="L2")
    resist = [int((model.predict(x_adv) == y).sum()) for x_adv in (ours, theirs)]
    print(f"Square in L2: {resist[0]} resist ours, {resist[1]} theirs")
    assert abs(resist[0] - resist[1]) <= 10


def resisting(models, x, y):
    """Which images resist PGD on the margin, APGD on both losses, and Square."""
    ensemble, rng = Ensemble(models), np.random.default_rng(0)
    best = ensemble_loss(models, margin)
    left = ensemble.predict(x) == y
    for attack in (
        lambda x, y: pgd(best, x, y, EPS, EPS / 10, 100, "Linf", 5, rng, 0.0),
        lambda x, y: apgd(ensemble_loss(models), x, y, EPS, rng=rng),
        lambda x, y: apgd(ensemble_loss(models, dlr), x, y, EPS, rng=rng),
        lambda x, y: square(ensemble.predict_proba, x, y, EPS, rng, 1000),
    ):
        rows = np.flatnonzero(left)
        left[rows] = ensemble.predict(attack(x[rows], y[rows])) == y[rows]
    return left


def test_our_worst_case_is_as_strong_as_the_standard_set(images):
    """APGD-CE, targeted APGD, targeted FAB and Square, on an ensemble of two."""
    (x, y), models = images, members(2)
    standard = pyautoattack.AutoAttack(twins.Twin(models), eps=EPS, seed=0)
    labels = twins.torch.from_numpy(y)
    theirs, _ = standard.run_standard_evaluation(twins.to_torch(x), labels)
    resist = int((Ensemble(models).predict(twins.to_numpy(theirs)) == y).sum())
    ours = int(resisting(models, x, y).sum())
    print(f"of 100 images {ours} resist ours, {resist} AutoAttack's standard set")
    assert ours <= resist + 3
