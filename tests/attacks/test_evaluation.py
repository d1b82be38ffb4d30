"""Robust accuracy, worst case and costs, on classifiers whose answers are known."""

import copy
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import (
    Counter,
    Suite,
    Threat,
    accuracy_curve,
    adversarial_images,
    deepfool,
    eot,
    evaluate,
    fgsm,
    logits_of,
    model_gradient,
    model_loss,
    network,
    pgd,
    vjp_of,
    within,
)
from attacks.evaluation.intervals import wilson
from minidl.parallel import local_executor
from minidl.store import DamagedError
from tests.attacks.conftest import Recorded, new_cnn
from tests.work_array import in_work_array

THREAT = Threat("Linf", 0.2)


class Brightness:
    """Class 1 if the mean pixel exceeds 1/2: robust up to |mean - 1/2|."""

    def predict_proba(self, x):
        bright = x.reshape(len(x), -1).mean(axis=1) - 0.5
        return np.stack([0.5 - bright, 0.5 + bright], axis=1)


def brighter(x, y, eps, rng):
    return (x + np.float32(eps)).clip(0, 1)


def darker(x, y, eps, rng):
    return (x - np.float32(eps)).clip(0, 1)


def make_brightness():
    return Suite(Brightness(), {"brighter": brighter, "darker": darker})


@pytest.fixture
def grey():
    """Nine even images of brightness 0.1 to 0.9, with the label that they have."""
    levels = np.arange(1, 10, dtype=np.float32) / 10
    x = np.ones((9, 2, 2, 1), np.float32) * levels[:, None, None, None]
    return x, (levels > 0.5).astype(int)


def test_accuracies_of_each_attack_and_of_the_worst(grey):
    found = evaluate(make_brightness, *grey, Threat("Linf", 0.15), batch_size=4)
    assert found.clean() == wilson(1, 9)
    assert found.robust("brighter") == wilson(7 / 9, 9)  # 0.4 and 0.5 are lost
    assert found.robust("darker") == wilson(8 / 9, 9)  # 0.6
    assert found.worst_case() == wilson(6 / 9, 9)
    assert_array_equal(np.flatnonzero(found.fooled_by_any()), [3, 4, 5])
    assert_allclose(found.smallest_distances()[3:6], 0.15, rtol=1e-5)
    assert np.isinf(found.smallest_distances()[0])


def test_a_classifier_and_its_attacks_may_share_one_work_array(grey):
    """Else clean accuracy would be that of other images, and the classifier random."""

    def make_reusing():
        suite = make_brightness()
        suite.classifier.predict_proba = in_work_array(suite.classifier.predict_proba)
        attacks = {name: in_work_array(a) for name, a in suite.attacks.items()}
        return Suite(suite.classifier, attacks)

    found, expected = (
        evaluate(make, *grey, Threat("Linf", 0.15), batch_size=4)
        for make in (make_reusing, make_brightness)
    )
    assert found.table() == expected.table()
    assert not found.random


def test_the_table_has_each_attacks_numbers(grey):
    found = evaluate(counted_brightness, *grey, Threat("Linf", 0.15), batch_size=4)
    assert found.table().splitlines() == [
        "9 images; untargeted, Linf <= 0.15 in [0, 1]",
        "                         accuracy [95 %]            gradients  queries",
        "no attack                1.0000 [0.7009, 1.0000]   ",
        "brighter                 0.7778 [0.4526, 0.9368]          0.0      2.0",
        "darker                   0.8889 [0.5650, 0.9801]          1.0      0.0",
        "worst case               0.6667 [0.3542, 0.8794]   ",
    ]


def test_costs_that_were_not_counted_are_not_shown_as_0(grey):
    found = evaluate(make_brightness, *grey, Threat("Linf", 0.15))
    assert found.table().count("not counted") == 2


def counted_brightness():
    """One attack takes two queries per image, the other one gradient."""
    counter = Counter()
    ask = counter.scores(Brightness().predict_proba)
    differentiate = counter.gradient(lambda x, y: x)

    def asking(x, y, eps, rng):
        return brighter(ask(x) is not None and x, y, ask(x) is not None and eps, rng)

    def following(x, y, eps, rng):
        return darker(differentiate(x, y), y, eps, rng)

    return Suite(Brightness(), {"brighter": asking, "darker": following}, counter)


def test_each_attack_and_batch_has_a_generator_of_its_own(grey):
    def drawn(*names):
        numbers = {}

        def drawing(name):
            def attack(x, y, eps, rng):
                numbers[name, float(x[0, 0, 0, 0])] = rng.random()
                return x

            return attack

        suite = Suite(Brightness(), {name: drawing(name) for name in names})
        evaluate(lambda: suite, *grey, THREAT, batch_size=3)
        return numbers

    numbers = drawn("a", "b")
    assert len(numbers) == len(set(numbers.values())) == 6
    assert drawn("b", "a") == numbers


class Dazzled(Brightness):
    """Returns NaN for bright images, which argmax would read as class 0."""

    def __init__(self, above):
        self.above = above

    def predict_proba(self, x):
        p = super().predict_proba(x)
        p[x.reshape(len(x), -1).mean(axis=1) > self.above] = np.nan
        return p


@pytest.mark.parametrize(("above", "count"), [(0.25, "7 of 9"), (0.95, "2 of 9")])
def test_a_classifier_that_returns_nan_is_an_error(grey, above, count):
    suite = Suite(Dazzled(above), {"brighter": brighter})
    with pytest.raises(ValueError, match=f"finite numbers, got others for {count} ima"):
        evaluate(lambda: suite, *grey, THREAT)


def test_within_nan_is_an_error_and_not_robust(grey):
    """A broken gradient must not pass as a perfect defence."""
    broken = within(lambda x, y, eps, rng: x * np.nan, THREAT)
    suite = Suite(Brightness(), {"broken": broken})
    with pytest.raises(ValueError, match="left the threat model"):
        evaluate(lambda: suite, *grey, THREAT)


def test_within_keeps_an_image_with_nan_and_gives_up_one_that_left(grey):
    def attack(x, y, eps, rng):
        x[0], x[1] = np.nan, 1
        return x

    found = within(attack, THREAT)(*grey, 0.1, None)
    assert np.isnan(found[0]).all()
    assert_array_equal(found[1:], grey[0][1:])


def test_within_passes_on_eps_and_the_generator(grey):
    def attack(x, y, eps, rng):
        return x + np.float32(rng.uniform(eps / 2, eps))

    x, rng = grey[0], np.random.default_rng(3)
    found = within(attack, Threat("Linf", 0.5, None))(*grey, 0.2, rng)
    step = np.random.default_rng(3).uniform(0.1, 0.2)
    assert_array_equal(found, x + np.float32(step))


def test_within_takes_the_eps_of_the_call(grey):
    """As `accuracy_curve` needs: a larger budget keeps more images."""
    x, y = grey
    attack = within(lambda x, y, eps, rng: x + np.float32(0.1), Threat("Linf", 0.5))
    assert_array_equal(attack(x[:2], y[:2], 0.05, None), x[:2])
    assert_array_equal(attack(x[:2], y[:2], 0.2, None), x[:2] + np.float32(0.1))


def test_within_an_attack_in_place_changes_no_argument_and_is_given_up(grey):
    def in_place(x, y, eps, rng):
        x[:], y[:] = 1 - x, 0
        return x

    x, y = grey
    before = x.copy(), y.copy()
    assert_array_equal(within(in_place, THREAT)(x, y, 0.1, None)[0], before[0][0])
    assert_array_equal(x, before[0])
    assert_array_equal(y, before[1])


def test_misclassified_images_are_not_attacked(grey):
    x, y = grey
    y[0] = 1
    found = evaluate(make_brightness, x, y, Threat("Linf", 0.15))
    assert_array_equal(np.flatnonzero(found.before()), [0])
    assert found.clean().value == 8 / 9
    assert found.outcomes["brighter"].distance[0] == 0
    assert found.robust("darker").value == 7 / 9


def test_targets_are_reached_not_avoided(grey):
    x, _ = grey
    threat = Threat("Linf", 0.15, targeted=True)
    found = evaluate(make_brightness, x, np.ones(9, int), threat)
    assert found.clean().value == 5 / 9  # five aren't classified as the target yet
    assert "target missed [95 %]" in found.table()
    assert found.robust("brighter").value == 3 / 9
    assert found.robust("darker").value == 5 / 9


def suite_of_a_network():
    model, counter = new_cnn(np.random.default_rng(3), np.float32), Counter()
    loss = counter.loss(model_loss(model))
    gradient, forward = counter.gradient(model_gradient(model)), network(model)
    logits, vjp = counter.scores(logits_of(forward)), counter.vjp(vjp_of(forward))

    def nearest(x, y, eps, rng):
        return deepfool(logits, vjp, x, y, "Linf", steps=3)

    attacks = {
        "fgsm": lambda x, y, eps, rng: fgsm(gradient, x, y, eps),
        "pgd": lambda x, y, eps, rng: pgd(loss, x, y, eps, eps / 4, 3, rng=rng),
        "nearest": within(nearest, THREAT),
    }
    return Suite(model, attacks, counter)


evaluated = partial(evaluate, suite_of_a_network, threat=THREAT, batch_size=3)


@pytest.fixture
def images(x):
    return x.astype(np.float32)


@pytest.fixture
def labels(images):
    y = suite_of_a_network().classifier.predict(images)
    y[7] = (y[7] + 1) % 4
    return y


def test_costs_are_counted(images, labels):
    found = evaluate(suite_of_a_network, images, labels, THREAT, batch_size=4)
    fgsm_, pgd_, nearest = found.outcomes.values()
    assert (fgsm_.gradients, fgsm_.queries) == (7, 0)  # one is misclassified
    assert (pgd_.gradients, pgd_.queries) == (7 * 4, 0)
    assert nearest.gradients % 4 == 0  # a row for each class
    assert nearest.queries > 0


def test_each_row_of_a_vjp_is_a_gradient():
    counter = Counter()
    vjp = counter.vjp(lambda x, dz: dz)
    vjp(np.zeros((5, 2)), np.zeros((3, 5, 4)))
    assert counter.gradients == 15
    vjp(np.zeros((5, 2)), np.zeros((5, 4)))
    assert (counter.gradients, counter.queries) == (20, 0)


def test_draws_of_an_expectation_are_counted_within(images, labels):
    """Each draw's loss is counted; the expectation itself is one function."""
    counter, model = Counter(), new_cnn(np.random.default_rng(3), np.float32)
    mean = eot(lambda rng: counter.loss(model_loss(model)), 20, np.random.default_rng())
    mean(images, labels)
    assert counter.gradients == 20 * len(images)


def same(one, two):
    for name in one.outcomes:
        a, b = vars(one.outcomes[name]), vars(two.outcomes[name])
        for key in ("fooled", "distance", "gradients", "queries"):
            assert_array_equal(a[key], b[key])


def test_an_interrupted_evaluation_goes_on(images, labels, tmp_path):
    whole = evaluated(images, labels)
    calls = 0

    def breaks():
        suite = suite_of_a_network()
        attack = suite.attacks["pgd"]

        def once(*arguments):
            nonlocal calls
            calls += 1
            if calls == 2:
                raise KeyboardInterrupt
            return attack(*arguments)

        return Suite(suite.classifier, {**suite.attacks, "pgd": once}, suite.counter)

    with pytest.raises(KeyboardInterrupt):
        evaluate(breaks, images, labels, THREAT, 3, folder=tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    assert len(kept) == 4  # three batches of FGSM, one of PGD
    again = evaluate(breaks, images, labels, THREAT, 3, folder=tmp_path)
    same(again, whole)
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())


def test_everything_is_computed_on_one_thread(images, labels, threads_seen):
    """Also while the suite is made: the bits of a trained network depend on threads."""

    def taught():
        suite = suite_of_a_network()
        suite.classifier.predict(images)
        return suite

    evaluate(taught, images, labels, THREAT)
    assert threads_seen == {1}


def test_adversarial_images_are_saved(images, labels, tmp_path):
    found = evaluated(images, labels, folder=tmp_path)
    x_adv = adversarial_images(tmp_path, "pgd")
    THREAT.check(x_adv, images)
    wrong = suite_of_a_network().classifier.predict(x_adv) != labels
    assert_array_equal(wrong, found.outcomes["pgd"].fooled)
    with pytest.raises(FileNotFoundError, match="no images of attack 'pg' in"):
        adversarial_images(tmp_path, "pg")


class Even:
    """Returns the same probabilities for all images, or others for bright ones."""

    def __init__(self, bright=0.5):
        self.bright = bright

    def predict_proba(self, x):
        p = np.where(x[:, 0, 0, 0] > 0.5, self.bright, 0.5)
        return np.stack([p, 1 - p], axis=1)


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({}, 0),
        ({"x": np.linspace(0, 0.4, 9 * 4, dtype=np.float32).reshape(9, 2, 2, 1)}, 3),
        ({"y": np.arange(9) // 8}, 1),
        ({"threat": Threat("Linf", 0.1)}, 3),
        ({"seed": 1}, 3),
        ({"classifier": Even(0.9)}, 3),  # noisy copies are bright in each batch
    ],
)
def test_batches_of_other_inputs_are_attacked_again(grey, tmp_path, change, again):
    count = Recorded(lambda x, y, eps, rng: x)

    def run(x, y, threat, seed, classifier):
        suite = Suite(classifier, {"count": count})
        evaluate(lambda: suite, x, y, threat, 3, seed, tmp_path)

    work = {"x": grey[0], "y": np.zeros(9, int), "threat": THREAT, "seed": 0}
    run(**work, classifier=Even())
    assert len(count.seen) == 3
    run(**{**work, "classifier": Even(), **change})
    assert len(count.seen) - 3 == again


@pytest.mark.parametrize(
    "change",
    [
        {"x": np.zeros((9, 2, 2, 1), np.float32)},
        {"y": np.arange(9) // 8},
        {"threat": Threat("Linf", 0.1)},
        {"seed": 1},
        {"batch_size": 2},
        {"classifier": Even(0.9)},
    ],
)
def test_batches_of_interrupted_evaluations_are_not_mixed(grey, tmp_path, change):
    """As if the second had been interrupted in the folder of the first."""
    first = {"x": grey[0][::-1], "y": np.zeros(9, int), "threat": THREAT, "seed": 0}
    first |= {"batch_size": 3, "classifier": Even()}
    for name, work in (("one", first), ("two", first | change)):
        suite = Suite(work.pop("classifier"), {"none": lambda x, y, eps, rng: x})
        evaluate(lambda suite=suite: suite, **work, folder=tmp_path / name)
    (tmp_path / "two" / "none-0.npz").replace(tmp_path / "one" / "none-0.npz")
    with pytest.raises(ValueError, match=r"one evaluation of .* got batches of 2"):
        adversarial_images(tmp_path / "one", "none")


class Decision:
    """Another classifier's classes alone, and the same everywhere for grey images."""

    def __init__(self, limit, pixel):
        self.limit, self.pixel = limit, pixel

    def predict_proba(self, x):
        flat = x.reshape(len(x), -1)
        uneven = flat[:, self.pixel] - flat.mean(axis=1)
        bright = flat.mean(axis=1) + 0.3 * uneven > self.limit
        return np.eye(2)[bright.astype(int)]


def test_classifiers_that_agree_on_clean_images_do_not_share_batches(grey, tmp_path):
    """Such as those that return classes instead of probabilities."""
    x, y = grey

    def attack_one_pixel(x, y, eps, rng):
        x[:, 0, 0] += np.float32(eps) * np.where(y > 0, -1, 1)[:, None]
        return x.clip(0, 1)

    def accuracy(pixel, folder):
        suite = Suite(Decision(0.55, pixel), {"one pixel": attack_one_pixel})
        found = evaluate(lambda: suite, x, y, THREAT, folder=folder)
        assert found.clean().value == 1
        return found.robust("one pixel").value

    expected = [accuracy(pixel, None) for pixel in (0, 3)]
    assert expected[0] < expected[1]
    assert [accuracy(pixel, tmp_path) for pixel in (0, 3)] == expected


class Squeezed:
    """Classes alone; without squeezing, small differences between pixels fool it."""

    def __init__(self, squeezes):
        self.squeezes = squeezes

    def predict_proba(self, x):
        flat = x.reshape(len(x), -1)
        differs = np.ptp(flat, axis=1)
        wrong = (differs > 0.15) & (differs < 0.25) & (not self.squeezes)
        return np.eye(2)[(flat.mean(axis=1) > 0.5) ^ wrong.astype(int)]


@pytest.mark.parametrize("order", [(False, True), (True, False)])
def test_classifiers_that_agree_on_noisy_images_do_not_share_batches(
    grey, tmp_path, order
):
    """A batch of one image holds one clean class and one noisy one."""
    tried = []

    def move_one_pixel(x, y, eps, rng):
        tried.extend(x[:, 0, 0, 0])
        x[:, 0, 0] += np.float32(eps) * np.where(y > 0, -1, 1)[:, None]
        return x

    def robust(squeezes, folder):
        suite = Suite(Squeezed(squeezes), {"one pixel": move_one_pixel})
        tried.clear()
        found = evaluate(lambda: suite, *grey, THREAT, 1, folder=folder)
        assert found.clean().value == 1
        return found.robust("one pixel").value

    expected = {False: 1 / 9, True: 8 / 9}  # 0.5 becomes bright
    for squeezes in order:
        assert robust(squeezes, None) == expected[squeezes]
        assert robust(squeezes, tmp_path) == expected[squeezes]
        assert len(tried) == 9
        assert robust(squeezes, tmp_path) == expected[squeezes]
        assert not tried


class Wavering(Decision):
    """A random defence that is sure of grey images."""

    def __init__(self):
        super().__init__(0.55, 0)
        self.rng = np.random.default_rng(0)

    def predict_proba(self, x):
        p = super().predict_proba(x)
        even = np.ptp(x.reshape(len(x), -1), axis=1) == 0
        flip = (self.rng.random(len(x)) < 0.5) & ~even
        return np.where(flip[:, None], p[:, ::-1], p)


def test_batches_of_a_random_defence_are_not_used_again(grey, tmp_path):
    count = Recorded(lambda x, y, eps, rng: x)
    suite = Suite(Wavering(), {"count": count})
    for times in (1, 2):
        found = evaluate(lambda: suite, *grey, THREAT, folder=tmp_path)
        assert found.random
        assert len(count.seen) == times


def test_more_images_take_over_the_batches_of_fewer(grey, tmp_path):
    (x, y), count = grey, Recorded(brighter)
    suite = Suite(Brightness(), {"count": count})
    evaluate(lambda: suite, x[:6], y[:6], THREAT, 3, folder=tmp_path)
    few = adversarial_images(tmp_path, "count")
    evaluate(lambda: suite, x, y, THREAT, 3, folder=tmp_path)
    assert [len(x) for x in count.seen] == [3, 3, 3]
    expected = np.concatenate([few, brighter(x[6:], y[6:], 0.2, None)])
    assert_array_equal(adversarial_images(tmp_path, "count"), expected)


@pytest.mark.parametrize(
    ("part", "checksum"), [("fooled", "kept"), ("x_adv", "absent")]
)
def test_a_changed_batch_is_done_again(images, labels, tmp_path, part, checksum):
    """Files of version 0.1.0 have no checksum."""
    whole = evaluated(images, labels, folder=tmp_path)
    x_adv = adversarial_images(tmp_path, "pgd")
    path = tmp_path / "pgd-3.npz"
    with np.load(path, allow_pickle=False) as file:
        content = dict(file)
    content[part] = content[part] == 0
    if checksum == "absent":
        del content["sha256"]
    np.savez(path, **content)
    with pytest.raises(DamagedError, match=r"pgd-3\.npz is damaged"):
        adversarial_images(tmp_path, "pgd")
    again = evaluated(images, labels, folder=tmp_path)
    same(again, whole)
    assert_array_equal(adversarial_images(tmp_path, "pgd"), x_adv)


@pytest.mark.parametrize(("one", "other"), [("fgsm-0", "pgd-0"), ("pgd-0", "pgd-3")])
def test_a_batch_under_another_ones_name_is_done_again(
    images, labels, tmp_path, one, other
):
    x, y = np.tile(images[:3], (2, 1, 1, 1)), np.tile(labels[:3], 2)  # equal batches
    whole = evaluated(x, y, folder=tmp_path)
    shutil.copy(tmp_path / f"{one}.npz", tmp_path / f"{other}.npz")
    same(evaluated(x, y, folder=tmp_path), whole)


def test_stray_files_beside_batches_do_not_matter(images, labels, tmp_path):
    whole = evaluated(images, labels, folder=tmp_path)
    x_adv = adversarial_images(tmp_path, "pgd")
    names = ".DS_Store notes.txt x-abc.npz pgd-abc.npz pgd-.npz pgd-07.npz pgd-³.npz"
    for name in names.split():
        (tmp_path / name).write_text("stray")
    (tmp_path / "pgd-x.npz").mkdir()
    assert_array_equal(adversarial_images(tmp_path, "pgd"), x_adv)
    same(evaluated(images, labels, folder=tmp_path), whole)


def test_a_folder_in_the_place_of_a_batch_is_named(images, labels, tmp_path):
    """Before the attack, whose result couldn't be saved."""
    (tmp_path / "pgd-3.npz").mkdir()
    with pytest.raises(IsADirectoryError, match=r"pgd-3\.npz is a folder"):
        evaluated(images, labels, folder=tmp_path)
    with pytest.raises(IsADirectoryError, match=r"pgd-3\.npz is a folder"):
        adversarial_images(tmp_path, "pgd")


def test_a_missing_batch_is_named(images, labels, tmp_path):
    evaluated(images, labels, folder=tmp_path)
    (tmp_path / "pgd-3.npz").unlink()
    with pytest.raises(ValueError, match=r"got those that start at \[0, 6\]"):
        adversarial_images(tmp_path, "pgd")


@pytest.mark.slow
def test_workers_change_no_bit(images, labels):
    with local_executor(2) as executor:
        found = evaluated(images, labels, executor=executor)
    same(found, evaluated(images, labels))


def test_an_executor_gets_a_suite_for_each_batch(grey):
    """Clean or attacked; without one, all batches share a suite."""
    calls = []

    def make_suite():
        calls.append(0)
        return make_brightness()

    def measured(executor):
        calls.clear()
        return evaluate(make_suite, *grey, THREAT, 4, executor=executor)

    alone = measured(None)
    assert len(calls) == 1
    with ThreadPoolExecutor(2) as pool:
        same(measured(pool), alone)
    assert len(calls) == 1 + 3 + 2 * 3  # nine images in batches of four, two attacks
    assert all(0 < outcome.seconds < 100 for outcome in alone.outcomes.values())


def test_stored_images_become_floats(labels, images):
    stored = (images * 255).astype(np.uint8)
    found = evaluate(suite_of_a_network, stored, labels, THREAT)
    expected = evaluate(suite_of_a_network, stored / np.float32(255), labels, THREAT)
    same(found, expected)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "a suite's attacks must hold at least one attack"),
        (["a/b"], "name must be usable in a file's"),
        (["a\0b"], "name must be usable in a file's"),
        ([""], "name must be usable in a file's"),
        (["\ud800"], "name must be usable in a file's"),
        (["a" * 300], "name must be usable in a file's"),
    ],
)
def test_bad_suites(grey, names, message):
    suite = Suite(Brightness(), dict.fromkeys(names, brighter))
    with pytest.raises(ValueError, match=message):
        evaluate(lambda: suite, *grey, THREAT)


class Coin:
    """A random defence, which always misclassifies images that an attack has marked."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def predict_proba(self, x):
        right = (self.rng.random(len(x)) < 0.5) & (x[:, 0, 0, 0] < 1)
        return np.eye(2)[right.astype(int)]


def mark(x, y, eps, rng):
    x[:, 0, 0, 0] = 1
    return x


@pytest.mark.parametrize("attack", [mark, lambda x, y, eps, rng: x])
def test_an_image_misclassified_once_by_a_random_defence_is_fooled(attack):
    """It isn't attacked, and counts as fooled whatever the next answer is."""
    suite = Suite(Coin(), {"mark": attack})
    x, y = np.zeros((200, 2, 2, 1), np.float32), np.ones(200, int)
    found = evaluate(lambda: suite, x, y, Threat("Linf", 1)).outcomes["mark"]
    assert (found.fooled >= found.before).all()
    assert 60 < found.before.sum() < 140
    assert found.fooled.all() == (attack is mark)


class Dither:
    """A defence that is random, or with sigma 0 isn't; p of two classes."""

    def __init__(self, sigma):
        self.rng, self.sigma = np.random.default_rng(0), sigma

    def predict_proba(self, x):
        noise = self.sigma * self.rng.standard_normal(len(x))
        p = np.clip(x.mean(axis=(1, 2, 3)) + noise, 0, 1)
        return np.stack([p, 1 - p], axis=1)


@pytest.mark.parametrize("sigma", [0, 1e-6, 1e-2])
def test_the_table_says_that_a_defence_is_random(sigma):
    """Not if its answers differ by rounding only; each worker makes its own suite."""
    x, y = np.full((6, 2, 2, 1), 0.5, np.float32), np.zeros(6, int)
    found = evaluate(
        lambda: Suite(Dither(sigma), {"mark": mark}), x, y, Threat("Linf", 1), 2
    )
    assert found.random == (sigma == 1e-2)
    assert ("random defence: attacks need the mean" in found.table()) == found.random


class Seeded(Dither):
    """Draws from a seed and the batch, as MCDropout does."""

    def predict_proba(self, x):
        self.rng = np.random.default_rng(len(x))
        return super().predict_proba(x)


@pytest.mark.parametrize("images", [1, 6])
def test_a_random_defence_with_a_seed_is_recognised(images):
    x, y = np.full((images, 2, 2, 1), 0.5, np.float32), np.zeros(images, int)
    suite = Suite(Seeded(1e-2), {"mark": mark})
    assert evaluate(lambda: suite, x, y, Threat("Linf", 1)).random


def broken(change):
    return lambda x, y, eps, rng: change(x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: None, "returns must be a NumPy or CuPy array, got NoneType"),
        (np.ma.masked_array, "returns must be a NumPy or CuPy .* got numpy.ma"),
        (lambda x: x[:1], r"shape \(9, 2, 2, 1\), got \(1, 2, 2, 1\)"),
        (lambda x: x.astype(int), "must return floats, got int64"),
        (lambda x: x + np.nan, ": 9 of 9 images left the threat model"),
        (lambda x: x + 0.3, ": 9 of 9 images left the threat model"),
        (lambda x: 1 / 0, "division by zero"),
    ],
)
def test_an_attack_is_named_for_what_it_returns(grey, change, message):
    suite = Suite(Brightness(), {"strange": broken(change)})
    with pytest.raises(Exception, match=message) as caught:
        evaluate(lambda: suite, *grey, THREAT)
    notes = getattr(caught.value, "__notes__", [])
    assert "attack 'strange'" in "".join([str(caught.value), *notes])


def test_an_attack_in_double_precision_is_evaluated_in_the_images(grey):
    suites = [
        Suite(Brightness(), {"brighter": attack})
        for attack in (brighter, lambda *a: brighter(*a).astype(np.float64))
    ]
    one, two = (evaluate(lambda s=suite: s, *grey, THREAT) for suite in suites)
    same(one, two)


def never(x, y, eps, rng):
    pytest.fail("an attack began")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"make_suite": lambda: None}, TypeError, "must return a Suite, got None"),
        ({"make_suite": lambda: Suite(max, {"a": never})}, TypeError, "predict_proba"),
        ({"make_suite": lambda: Suite(Brightness(), [never])}, TypeError, "got list"),
        ({"make_suite": lambda: Suite(Brightness(), {"a": 1})}, TypeError, "'a' must"),
        ({"y": 7 * np.eye(9, dtype=int)[8]}, ValueError, "y must be 0 to 1, got 0 to"),
        ({"threat": Threat("Linf", 8, (0, 255))}, ValueError, "in .0, 1., as images"),
        ({"threat": Threat("Linf", 8, None)}, ValueError, "eps must be at most 1"),
        ({"threat": Threat("L2", 3)}, ValueError, "eps must be at most 2, the largest"),
        ({"threat": Threat("Linf", 0.1, (0.5, 1))}, ValueError, r"x must lie in .0.5"),
    ],
)
def test_bad_arguments_are_refused_before_any_attack(grey, change, error, message):
    arguments = {"make_suite": lambda: Suite(Brightness(), {"a": never})}
    arguments |= {"threat": THREAT, "x": grey[0], "y": grey[1]}
    with pytest.raises(error, match=message):
        evaluate(**arguments | change)


@pytest.mark.parametrize("run", [evaluate, accuracy_curve])
def test_a_folder_that_cannot_be_made_is_refused_first(grey, tmp_path, run):
    (tmp_path / "file").write_text("")
    extra = {"eps": [0.1]} if run is accuracy_curve else {}
    with pytest.raises(OSError, match="file"):
        run(
            lambda: Suite(Brightness(), {"a": never}),
            *grey,
            THREAT,
            **extra,
            folder=tmp_path / "file" / "x",
        )


def test_threads_count_for_themselves(grey):
    """All threads share a suite; each job counts its own costs."""
    suite = counted_brightness()
    with ThreadPoolExecutor(4) as executor:
        found = evaluate(lambda: suite, *grey, THREAT, 1, executor=executor)
    same(found, evaluate(counted_brightness, *grey, THREAT, 1))
    assert found.outcomes["brighter"].queries == 18


def test_threads_may_share_a_suite_of_networks(images, labels):
    suite = suite_of_a_network()
    with ThreadPoolExecutor(4) as executor:
        found = evaluate(lambda: suite, images, labels, THREAT, 1, executor=executor)
    same(found, evaluate(suite_of_a_network, images, labels, THREAT, 1))


def test_a_copied_counter_begins_anew():
    counter = Counter()
    counter.queries = 3
    twin = copy.deepcopy(Suite(Brightness(), {"a": mark}, counter)).counter
    assert (twin.queries, counter.queries) == (0, 3)
