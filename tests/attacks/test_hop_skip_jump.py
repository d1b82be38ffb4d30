"""HopSkipJump on borders of known distance, and beside ART's."""

import copy
import importlib

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import distance, hop_skip_jump
from attacks.hop_skip_jump import jump, slope, to_border
from tests.attacks import peers

MODULE = importlib.import_module("attacks.hop_skip_jump")


class Plane:
    """Class 1 where <w, x> > b; keeps how many images it was asked about."""

    def __init__(self, rng, shape=(6, 6, 2)):
        self.w = rng.standard_normal(shape)
        self.b, self.asked = (0.5 * self.w).sum() + 1, 0

    def side(self, x):
        return (x * self.w).sum(axis=(1, 2, 3)) - self.b

    def __call__(self, x):
        self.asked += len(x)
        return (self.side(x) > 0).astype(int)


@pytest.mark.parametrize(("norm", "dual"), [("L2", 2), ("Linf", 1)])
def test_it_comes_near_the_distance_of_a_plane(rng, norm, dual):
    """|<w, x> - b| / |w|*, by the dual norm."""
    plane, x = Plane(rng), 0.5 + 0.1 * rng.random((6, 6, 6, 2))
    y = plane(x)
    found = hop_skip_jump(plane, x, y, np.random.default_rng(0), 20, 60, norm=norm)
    least = abs(plane.side(x)) / np.linalg.norm(plane.w.ravel(), dual)
    assert (plane(found) != y).all()
    far = distance(found, x, norm)
    assert (far >= least * (1 - 1e-9)).all()
    assert (far < {"L2": 1.3, "Linf": 1.6}[norm] * least).all()


@pytest.mark.parametrize(("norm", "power"), [("L2", 0.5), ("Linf", 1)])
def test_to_the_border(rng, norm, power):
    """Misclassified, but not just before; known to 0.01 / sqrt(D), or 0.01 / D."""
    plane, x = Plane(rng), 0.4 + 0.1 * rng.random((5, 6, 6, 2))
    y = plane(x)
    w = plane.w * np.where(y == 1, -1, 1)[:, None, None, None]
    here = x + 3 * w
    misclassified = lambda x, rows: plane(x) != y[rows]  # noqa: E731
    found = to_border(misclassified, here, x, norm)
    assert misclassified(found, np.arange(5)).all()
    r, a = here - x, distance(found, x, norm) / distance(here, x, norm)
    nearer = a[:, None, None, None] - 0.011 / x[0].size ** power
    if norm == "L2":
        assert_allclose(found, x + a[:, None, None, None] * r)
        before = x + nearer * r
    else:
        reach = nearer * distance(here, x, norm)[:, None, None, None]
        before = here.clip(x - reach, x + reach)
    assert not misclassified(before, np.arange(5)).any()


def test_the_slope_is_the_sources_formula(rng):
    """All probes at once: mean (f - mean f) u, u = (clip(x + delta u) - x) / delta."""
    plane, here = Plane(rng), np.full((2, 6, 6, 2), 0.97)
    plane.b = plane.side(here)[0] + plane.b
    u = rng.standard_normal((50, 2, 6, 6, 2))
    draws, delta = iter(u), np.array([0.1, 0.2])
    misclassified = lambda x, rows: plane.side(x) > 0  # noqa: E731
    found = slope(misclassified, lambda: next(draws), here, delta, 50, (0, 1))
    for n in range(2):
        probes = np.clip(here[n] + delta[n] * u[:, n], 0, 1)
        f = np.where(plane.side(probes) > 0, 1.0, -1.0)
        assert abs(f.mean()) < 1
        inside = (probes - here[n]) / delta[n]
        expected = np.tensordot(f - f.mean(), inside, 1) / 50
        assert_allclose(found[n], expected, atol=1e-12)
    draws = iter(u)
    always = slope(
        lambda x, rows: rows < 9, lambda: next(draws), here, delta, 5, (0, 2)
    )
    assert_allclose(always, u[:5].mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("norm", ["L2", "Linf"])
def test_probes_and_jumps_follow_the_sources_schedule(rng, norm, monkeypatch):
    """Step t: samples sqrt(t) probes at 0.01 of the distance; a jump of far / sqrt(t).

    Probes are at 0.1 of the range of pixels at first. Directions are normal in L2 and
    uniform in Linf, and have length 1. Noise goes to the border in L2.
    """
    plane, x = Plane(rng), 0.5 + 0.1 * rng.random((3, 6, 6, 2))
    y, draws, steps, expected = plane(x), np.random.default_rng(0), [], [0.1 * 3] * 3
    norms = []

    def noted_border(misread, here, x, norm):
        norms.append(norm)
        return to_border(misread, here, x, norm)

    def noted_slope(misread, draw, here, delta, samples, bounds):
        again = copy.deepcopy(draws)
        normal, shape = norm == "L2", x.shape
        u = again.standard_normal(shape) if normal else again.uniform(-1, 1, shape)
        u /= np.sqrt((u * u).sum(axis=(1, 2, 3), keepdims=True))
        assert_allclose(draw(), u, rtol=1e-12)
        assert_allclose(delta, expected, rtol=1e-12)
        steps.append(samples)
        return slope(misread, draw, here, delta, samples, bounds)

    def noted_jump(misread, here, up, step, bounds):
        far = distance(here, x, norm)
        assert_allclose(step, far / np.sqrt(len(steps)), rtol=1e-12)
        there = jump(misread, here, up, step, bounds)
        expected[:] = 0.01 * distance(there, x, norm)
        return there

    monkeypatch.setattr(MODULE, "slope", noted_slope)
    monkeypatch.setattr(MODULE, "jump", noted_jump)
    monkeypatch.setattr(MODULE, "to_border", noted_border)
    hop_skip_jump(plane, x, y, draws, 4, 10, norm=norm, bounds=(-1, 2))
    assert steps == [10, 14, 17, 20]
    assert norms == ["L2", *[norm] * 5]  # once a step, and after the last


def test_the_last_jump_is_followed_to_the_border(rng, monkeypatch):
    """From a border seen at an angle to w, a jump along w as far as x halves the angle.

    A plane at distance d is d / cos(angle) away.
    """
    plane, x, borders = Plane(rng), 0.5 + 0.1 * rng.random((6, 6, 6, 2)), []
    y = plane(x)
    w = plane.w * np.where(y == 1, -1, 1)[:, None, None, None]

    def noted(misread, here, x, norm):
        borders.append(distance(found := to_border(misread, here, x, norm), x, "L2"))
        return found

    monkeypatch.setattr(MODULE, "to_border", noted)
    monkeypatch.setattr(MODULE, "slope", lambda *_: w)
    generator, bounds = np.random.default_rng(0), (-100, 100)
    found = hop_skip_jump(plane, x, y, generator, steps=1, bounds=bounds)
    d = abs(plane.side(x)) / np.linalg.norm(plane.w)
    angle = np.arccos(d / borders[1])
    assert (borders[1] > 2 * d).all()
    assert_allclose(distance(found, x, "L2"), d / np.cos(angle / 2), rtol=0.05)


def test_a_jump_is_halved_until_it_is_misclassified():
    here, up = np.zeros((3, 1, 1, 1)), np.ones((3, 1, 1, 1))
    most = np.array([0.3, 0.6, 9.0])
    near = lambda x, rows: x.ravel() <= most[rows]  # noqa: E731
    found = jump(near, here, up, np.array([1.0, 1.0, 4.0]), (-1, 2))
    assert_array_equal(found.ravel(), [0.25, 0.5, 2.0])


def test_the_nearest_border_of_all_steps_is_returned(rng, monkeypatch):
    """With one probe a step, the last border is often farther than an earlier one."""
    plane, x = Plane(rng), 0.5 + 0.1 * rng.random((6, 6, 6, 2))
    borders = []

    def noted(misread, here, x, norm):
        borders.append(distance(found := to_border(misread, here, x, norm), x, "L2"))
        return found

    monkeypatch.setattr(MODULE, "to_border", noted)
    found = hop_skip_jump(plane, x, plane(x), np.random.default_rng(0), 6, 1)
    nearest = np.min(borders, axis=0)
    assert_array_equal(distance(found, x, "L2"), nearest)
    assert (borders[-1] > nearest).any()


def test_a_border_beyond_all_tries_is_the_point_that_is_known_to_be_misclassified():
    """x + (here - x) is another float than here, and not misclassified."""
    x = np.float32(0.9)
    here = next(h for h in np.linspace(0, 0.1, 99, dtype="f4") if x - (x - h) > h)
    point = np.full((1, 1, 1, 1), here, np.float32)
    for norm in ("L2", "Linf"):
        found = to_border(lambda x, rows: x.ravel() == here, point, 0 * point + x, norm)
        assert found == here


@pytest.mark.parametrize("norm", ["L2", "Linf"])
def test_a_random_classifier_is_shown_numbers_only(x, norm):
    """It may misclassify x itself: there the distance is 0, and so is a probe's."""
    rng = np.random.default_rng(3)

    def predict(x):
        assert np.isfinite(x).all()
        return rng.integers(2, size=len(x))

    y = np.zeros(len(x), int)
    with np.errstate(all="raise"):
        hop_skip_jump(predict, x, y, np.random.default_rng(0), 10, 5, norm=norm)


def test_misclassified_images_and_those_that_no_noise_fools_are_returned(cnn, x):
    y = cnn.predict(x)
    wrong = (y + 1) % 4
    rng = np.random.default_rng(0)
    assert_array_equal(hop_skip_jump(cnn.predict, x, wrong, rng, 2, 5), x)
    with pytest.warns(UserWarning, match="hop_skip_jump found nothing for 8 of 8"):
        found = hop_skip_jump(lambda x: np.ones(len(x), int), x, y**0, rng, 2, 5)
    assert_array_equal(found, x)


@pytest.mark.parametrize(("norm", "p"), [("L2", 2), ("Linf", np.inf)])
def test_it_comes_as_near_as_arts(cnn, x, norm, p):
    """Both are random; ART's ends with a jump away from the border."""
    model, x = cnn.astype(np.float32), x.astype(np.float32)
    y = model.predict(x)
    art = peers.art_classifier(model)
    np.random.seed(0)  # noqa: NPY002 (one of ART's sources of randomness)
    settings = {"max_iter": 10, "max_eval": 1000, "init_eval": 50, "batch_size": 256}
    theirs = peers.art("HopSkipJump", art, x.copy(), y, norm=p, **settings)
    ours = hop_skip_jump(
        model.predict, x, y, np.random.default_rng(0), 10, 50, norm=norm
    )
    fooled = (model.predict(ours) != y) & (model.predict(theirs) != y)
    assert fooled.sum() >= 6
    near = [np.median(distance(found, x, norm)[fooled]) for found in (ours, theirs)]
    print(f"HopSkipJump, {norm}: median distance {near[0]:.3g}, of ART's {near[1]:.3g}")
    assert near[0] < 1.2 * near[1]
