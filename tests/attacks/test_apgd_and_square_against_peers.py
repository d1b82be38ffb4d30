"""APGD and Square beside ART's, which aren't quite the published algorithms.

APGD of ART, in Linf and L2, walks like ours from the same start with eps_step = 2 eps,
up to the first checkpoint. From there on it goes its own way: it counts a step only if
it found a new best point, so that it halves more often; it reviews a step later; and
on going back it also goes back with the point before. It returns where it ends instead
of the best point, and nothing (its start) for images that it couldn't fool.

Square of ART places one square at the same place in all images, never in the last row
or column. Both are random: compared are the images that resist.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from attacks import Threat, apgd, dlr, loss_of, network, square
from attacks.losses import cross_entropy
from attacks.pgd import start
from tests.attacks import peers
from tests.attacks.conftest import Recorded

STEPS = 50
FIRST = 11  # 22 % of the steps: the first checkpoint


def arts_points(monkeypatch, model, x, y, x_0, eps, norm, loss):
    """All points x_i of ART's APGD, and what it returns."""
    module = peers.import_peer("art.attacks.evasion.auto_projected_gradient_descent")
    monkeypatch.setattr(module, "random_sphere", lambda *arguments: x_0 - x)
    art = peers.art_classifier(model, loss=loss)
    seen, compute_loss = [], art.compute_loss

    def recorded(x, y, reduction):
        seen.append(x.copy())
        return compute_loss(x, y, reduction)

    art.compute_loss = recorded
    settings = {"eps": eps, "eps_step": 2 * eps, "max_iter": STEPS, "nb_random_init": 1}
    p = {"Linf": np.inf, "L2": 2}[norm]
    attack = "AutoProjectedGradientDescent"
    return seen, peers.art(attack, art, x, y, norm=p, **settings)


@pytest.mark.parametrize("loss", [cross_entropy, dlr])
@pytest.mark.parametrize(("norm", "eps"), [("Linf", 0.03), ("L2", 0.2)])
def test_apgd_is_arts_until_the_first_checkpoint(monkeypatch, cnn, x, norm, eps, loss):
    model, x = cnn.astype(np.float32), (0.3 + 0.4 * x).astype(np.float32)
    y = model.predict(x)
    loss_fn = Recorded(loss_of(network(model), loss))
    rng = np.random.default_rng(7)
    found = apgd(loss_fn, x, y, eps, STEPS, norm, rng=rng)
    x_0 = start(Threat(norm, eps), x, np.random.default_rng(7))
    points, end = arts_points(monkeypatch, model, x, y, x_0, eps, norm, loss)
    assert len(loss_fn.seen) == STEPS + 1
    for ours, theirs in zip(loss_fn.seen[: FIRST + 1], points, strict=False):
        assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    apart = [abs(a - b).max() for a, b in zip(loss_fn.seen, points, strict=False)]
    assert max(apart[FIRST + 1 :]) > 1e-3
    values = loss_of(network(model), loss)
    assert values(found, y)[0].mean() > values(end, y)[0].mean() - 1e-3


def test_square_fools_as_many_as_arts(members, rng):
    """Of 100 noise images, at an eps at which some resist."""
    model = members[0].astype(np.float32)
    x = rng.random((100, 6, 6, 2)).astype(np.float32)
    y = model.predict(x)
    art = peers.art_classifier(model)
    np.random.seed(0)  # noqa: NPY002 (ART's only source of randomness)
    settings = {"eps": 0.05, "max_iter": 150, "batch_size": 100}
    theirs = peers.art("SquareAttack", art, x.copy(), y, **settings)
    found = square(model.predict_proba, x, y, 0.05, rng, queries=150)
    fooled = [(model.predict(x_adv) != y).mean() for x_adv in (found, theirs)]
    assert 0.2 < fooled[1] < 0.8
    assert fooled[0] > fooled[1] - 0.1
