"""Accuracy against eps, the smallest eps, transfer, and steps to success."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from attacks import (
    Suite,
    Threat,
    accuracy_curve,
    bim,
    model_gradient,
    steps_to_success,
    transfer_matrix,
)
from tests.attacks.test_evaluation import (
    THREAT,
    Brightness,
    Coin,
    brighter,
    darker,
    grey,
    make_brightness,
)

assert grey  # a fixture


def test_accuracy_falls_as_the_ball_grows(grey):
    curve = accuracy_curve(make_brightness, *grey, THREAT, [0.35, 0.05, 0.15])
    assert curve.eps == [0.05, 0.15, 0.35]
    assert [round(e.value * 9) for e in curve.accuracy("brighter")] == [8, 7, 5]
    assert [round(e.value * 9) for e in curve.worst_case()] == [8, 6, 2]
    expected = [np.inf, 0.35, 0.35, 0.15, 0.05, 0.15, 0.35, 0.35, np.inf]
    assert_array_equal(curve.smallest_eps(), expected)


def test_an_image_once_fooled_stays_fooled_in_larger_balls(grey):
    """An attack that works for small eps only, as a broken one may."""

    def fades(x, y, eps, rng):
        return brighter(x, y, eps, rng) if eps < 0.1 else x

    suite = Suite(Brightness(), {"fades": fades})
    curve = accuracy_curve(lambda: suite, *grey, THREAT, [0.05, 0.2])
    assert [round(e.value * 9) for e in curve.accuracy("fades")] == [8, 9]
    assert [round(e.value * 9) for e in curve.worst_case()] == [8, 8]


def test_an_image_misclassified_once_stays_fooled():
    """Each eps draws anew, and still the curve must not rise."""
    x, y = np.zeros((200, 2, 2, 1), np.float32), np.ones(200, int)
    suite = Suite(Coin(), {"none": lambda x, y, eps, rng: x})
    curve = accuracy_curve(lambda: suite, x, y, THREAT, [0.1, 0.2, 0.3])
    worst = [estimate.value for estimate in curve.worst_case()]
    assert worst == sorted(worst, reverse=True)
    before = np.logical_or.reduce([e.before() for e in curve.evaluations])
    assert_array_equal(curve.smallest_eps() == 0, before)
    assert worst[-1] == (curve.smallest_eps() > 0.3).mean()


def test_a_curve_is_kept_by_eps(grey, tmp_path):
    eps = [0.1, 0.1234567, 0.1234568]
    accuracy_curve(make_brightness, *grey, THREAT, eps, folder=tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {f"eps-{e}" for e in eps}
    assert all(any(folder.iterdir()) for folder in tmp_path.iterdir())


def test_a_curve_is_measured_by_an_executor(grey):
    with ThreadPoolExecutor(2) as pool:
        curve = accuracy_curve(
            make_brightness, *grey, THREAT, [0.05, 0.15], executor=pool
        )
        assert pool._threads  # it was used
    alone = accuracy_curve(make_brightness, *grey, THREAT, [0.05, 0.15])
    assert curve.worst_case() == alone.worst_case()


def test_the_usual_seed_is_0(grey):
    """Of a curve and of transfer, by the numbers that an attack draws."""

    def drawn(measure, things, **seed):
        numbers = []

        def attack(x, y, eps, rng):
            numbers.append(rng.random())
            return x

        measure(*things(attack), *grey, THREAT, **seed)
        return numbers

    def curve(make_suite, x, y, threat, **seed):
        return accuracy_curve(make_suite, x, y, threat, [0.1], **seed)

    def suite(attack):
        return [lambda: Suite(Brightness(), {"a": attack})]

    def source(attack):
        return {"a": attack}, {"b": Brightness()}

    for measure, things in ((curve, suite), (transfer_matrix, source)):
        usual = drawn(measure, things)
        assert usual == drawn(measure, things, seed=0)
        assert usual != drawn(measure, things, seed=1)


def test_a_misclassified_image_needs_no_eps(grey):
    x, y = grey
    y[0] = 1
    curve = accuracy_curve(make_brightness, x, y, THREAT, [0.05, 0.15])
    assert curve.smallest_eps()[0] == 0
    assert curve.evaluations[0].smallest_distances()[0] == 0


def test_every_folder_is_made_before_the_first_is_used(grey, tmp_path):
    (tmp_path / "eps-0.2").write_text("in the way")
    never = Suite(Brightness(), {"a": lambda *a: pytest.fail("an attack began")})
    with pytest.raises(OSError, match=r"eps-0\.2"):
        accuracy_curve(lambda: never, *grey, THREAT, [0.1, 0.2], folder=tmp_path)


ALWAYS_1 = SimpleNamespace(predict_proba=lambda x: np.eye(2)[np.ones(len(x), int)])


def test_transfer_counts_what_was_right_before(grey):
    found = transfer_matrix(
        {"up": brighter, "down": darker},
        {"brightness": Brightness(), "always 1": ALWAYS_1},
        *grey,
        Threat("Linf", 0.15),
        batch_size=4,
    )
    assert found.rate("up", "brightness").value == 2 / 9
    assert found.rate("down", "brightness").value == 1 / 9
    assert found.rate("down", "always 1").value == 0
    assert_array_equal(found.images, [[9, 4], [9, 4]])
    assert found.table().splitlines() == [
        "untargeted, Linf <= 0.15 in [0, 1]",
        "              brightness    always 1",
        "up                 0.222       0.000",
        "down               0.111       0.000",
    ]


def test_a_victim_that_classifies_no_image_correctly_has_no_rate(grey):
    x, y = grey
    victims = {"b": Brightness(), "always 1": ALWAYS_1}
    found = transfer_matrix({"up": brighter}, victims, x, 0 * y, Threat("Linf", 0.1))
    assert found.images[0, 1] == 0
    rate = found.rate("up", "always 1")
    assert np.isnan(rate.value)
    assert (rate.low, rate.high) == (0, 1)
    assert found.table().splitlines()[2].split()[2] == "-"


def test_the_columns_of_short_names_stay_apart(grey):
    victims = {"b": Brightness(), "c": Brightness()}
    found = transfer_matrix({"up": brighter}, victims, *grey, Threat("Linf", 0.15))
    assert found.table().splitlines()[1:] == [
        "             b      c",
        "up       0.222  0.222",
    ]


def test_a_sources_images_dont_depend_on_the_others(grey):
    drawn = []

    def somewhere(x, y, eps, rng):
        drawn.append(rng.uniform(-eps, eps, (len(x), 1, 1, 1)).astype(x.dtype))
        return x + drawn[-1]

    arguments = ({"b": Brightness()}, *grey, Threat("Linf", 0.3, None))
    alone = transfer_matrix({"some": somewhere}, *arguments, batch_size=2)
    both = {"other": darker, "some": somewhere}
    behind = transfer_matrix(both, *arguments, batch_size=2)
    assert 0 < alone.fooled[0, 0] < 9
    assert behind.fooled[1, 0] == alone.fooled[0, 0]
    assert len({float(d.ravel()[0]) for d in drawn[:5]}) == 5  # each batch has its own
    assert all(map(np.array_equal, drawn[:5], drawn[5:]))


def test_transfer_checks_the_threat_model(grey):
    with pytest.raises(ValueError, match="left the threat model"):
        transfer_matrix(
            {"up": lambda x, y, eps, rng: 1 - x}, {"b": Brightness()}, *grey, THREAT
        )


def test_labels_of_transfer_must_be_classes_of_every_victim(grey):
    three = SimpleNamespace(predict_proba=lambda x: np.full((len(x), 3), 1 / 3))
    victims = {"three": three, "two": Brightness()}
    with pytest.raises(ValueError, match=r"^y must be 0 to 1, got 0 to 2"):
        transfer_matrix({"up": brighter}, victims, grey[0], grey[1] * 2, THREAT)


def brighter_in_place(x, y, eps, rng):
    x += np.float32(eps)
    y[:] = 0
    return x.clip(0, 1, out=x)


def test_an_attack_in_place_changes_no_other_result(grey):
    sources = {"up": brighter, "down": darker}
    victims, threat = {"brightness": Brightness()}, Threat("Linf", 0.15)
    expected = transfer_matrix(sources, victims, *grey, threat)
    found = transfer_matrix(sources | {"up": brighter_in_place}, victims, *grey, threat)
    assert_array_equal(found.fooled, expected.fooled)


def test_victims_see_the_images_type(grey):
    """Whatever an attack computes in."""

    class Watches(Brightness):
        def predict_proba(self, x):
            assert x.dtype == np.float32
            return super().predict_proba(x)

    def double(x, y, eps, rng):
        return brighter(x.astype(np.float64), y, eps, rng)

    found = transfer_matrix({"up": double}, {"b": Watches()}, *grey, THREAT)
    assert found.rate("up", "b").value > 0


def test_transfer_names_source_and_victim(grey):
    def nothing(x, y, eps, rng):
        return None

    with pytest.raises(TypeError, match="what attack 'none' returns must be"):
        transfer_matrix({"none": nothing}, {"b": Brightness()}, *grey, THREAT)
    logs = SimpleNamespace(
        predict_proba=lambda x: np.log(Brightness().predict_proba(x))
    )
    victims = {"good": Brightness(), "logs": logs}
    with pytest.raises(ValueError, match=r"^victim 'logs': predict_proba must return"):
        transfer_matrix({"up": brighter}, victims, *grey, THREAT)


def test_steps_until_an_image_is_misclassified(linear_model, x):
    """Compared with BIM of 1 to 5 steps."""
    y = linear_model.predict(x)
    y[0] = (y[0] + 1) % 4
    gradient = model_gradient(linear_model)

    def attack(gradient, x, y):
        return bim(gradient, x, y, 0.05, 0.01, 5)

    found = steps_to_success(linear_model.predict, gradient, attack, x, y)
    expected = np.full(len(x), np.inf)
    for steps in range(5, 0, -1):
        x_adv = bim(gradient, x, y, 0.05, 0.01, steps)
        expected[linear_model.predict(x_adv) != y] = steps
    expected[0] = 0
    assert_array_equal(found, expected)
    assert len(set(found)) > 2


def test_an_attack_in_place_changes_no_steps(linear_model, x):
    def in_place(gradient, x, y):
        gradient(x, y)
        x[:], y[:] = 0, 3
        return x

    y, before = linear_model.predict(x), x.copy()
    gradient = model_gradient(linear_model)
    found = steps_to_success(linear_model.predict, gradient, in_place, x, y)
    black = linear_model.predict(0 * x)
    assert_array_equal(found, np.where(black != linear_model.predict(x), 1, np.inf))
    assert_array_equal(x, before)


def test_an_attack_that_drops_images_has_no_steps(linear_model, x, y):
    def drops(gradient, x, y):
        return x + 0 * gradient(x[:3], y[:3]).sum()

    with pytest.raises(ValueError, match="attack must keep its 8 images together"):
        steps_to_success(linear_model.predict, lambda x, y: x, drops, x, y)
