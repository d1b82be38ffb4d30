"""Functions that return what no attack can follow are named."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import (
    apgd,
    bim,
    diagnose,
    loss_of,
    mi_fgsm,
    model_loss,
    network,
    steps_to_success,
    sum_gradient,
    train_substitute,
)
from tests.attacks.conftest import new_cnn
from tests.attacks.every_attack import RUNS, TARGETED, functions_of, run
from tests.work_array import in_work_array

RNG = np.random.default_rng(0)
MODEL = new_cnn(np.random.default_rng(1))
HEALTHY = functions_of(MODEL)
OTHERS = {
    "diagnose": (
        ["predict_proba", "gradient"],
        lambda p, gradient, x, y: diagnose(p, gradient, x, y, 0.1),
    ),
    "steps_to_success": (
        ["predict", "gradient"],
        lambda predict, gradient, x, y: steps_to_success(
            predict, gradient, lambda g, x, y: bim(g, x, y, 0.1, 0.05, 2), x, y
        ),
    ),
    "train_substitute": (
        ["predict"],
        lambda predict, x, y: train_substitute(
            predict, new_cnn(RNG), x, RNG, 1, epochs=1
        ),
    ),
}
USES = [(name, use) for use, (takes, _) in (RUNS | OTHERS).items() for name in takes]
LOSSES = ("loss", "margin", "towards")
EACH_USE = pytest.mark.parametrize(("name", "use"), USES)
UP_LOSSES = pytest.mark.parametrize(
    ("name", "use"), [(n, use) for n, use in USES if n in LOSSES]
)


def use_of(name, use, function, x, y=None, others=HEALTHY):
    """Give an attack one function of these; its others are the model's."""
    y, functions = MODEL.predict(x) if y is None else y, others | {name: function}
    if use in OTHERS:
        takes, call = OTHERS[use]
        return call(*(functions[f] for f in takes), x, y)
    return run(use, functions, x, (y + 1) % 4 if use in TARGETED else y)


def parameter(name):
    return "loss" if name in LOSSES else name


@EACH_USE
def test_healthy_functions_pass(x, name, use):
    use_of(name, use, HEALTHY[name], x)


def nan_at_2(a):
    a = a.copy()
    a.ravel()[-1] = np.nan
    return a


@pytest.mark.parametrize("healthy_calls", [0, 1])
@UP_LOSSES
@pytest.mark.parametrize(
    "spoil", [lambda v, g: (nan_at_2(v), g), lambda v, g: (v, nan_at_2(g))]
)
def test_a_loss_or_gradient_of_nan_is_an_error_in_each_attack(
    x, name, use, spoil, healthy_calls
):
    """The image would stay as it is, and count as robust."""
    calls = []

    def broken(x, y):
        calls.append(1)
        pair = HEALTHY[name](x, y)
        return spoil(*pair) if len(calls) > healthy_calls else pair

    with pytest.raises(ValueError, match=r"loss must return numbers, got NaN for 1 of"):
        use_of(name, use, broken, x)


SPOIL = {
    "nothing": lambda a: None,
    "a list": lambda a: a.tolist(),
    "a masked array": np.ma.masked_array,
    "one image's": lambda a: a[:1],
    "another axis": lambda a: a[..., None],
    "text": lambda a: a.astype(str),
    "booleans": lambda a: a > 0,
    "NaN": lambda a: a * np.nan,
    "infinity": lambda a: a / 0,
    "complex": lambda a: a.astype(complex),
}
RIGHT = {  # not a fault in this place
    *(("gradient", use, "infinity") for _, use in USES),  # infinity has a sign
    ("gradient", "diagnose", "NaN"),  # a diagnosis finds it
    *(("predict", use, "NaN") for _, use in USES),  # integers have no NaN
    ("loss", "lbfgs", "one image's"),  # L-BFGS asks for one at a time
}
FAULTS = [(*use, kind) for use in USES for kind in SPOIL if (*use, kind) not in RIGHT]


@pytest.mark.parametrize(("name", "use", "kind"), FAULTS)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_every_function_is_named_for_what_it_returns(x, name, use, kind):
    def broken(*arguments):
        result = HEALTHY[name](*arguments)
        if isinstance(result, tuple):
            return result[0], SPOIL[kind](result[1])
        return SPOIL[kind](result)

    with pytest.raises((TypeError, ValueError), match=rf"\b{parameter(name)}\b"):
        use_of(name, use, broken, x)


@EACH_USE
@pytest.mark.parametrize("place", [0, 1])
def test_a_function_that_works_in_place_is_named(x, name, use, place):
    """Otherwise images, labels and distances would be wrong."""
    if place == 1 and name not in ("gradient", "loss", "margin"):
        return  # they take no labels
    x_before, y = x.copy(), np.maximum(MODEL.predict(x), 1)

    def in_place(*arguments):
        result = HEALTHY[name](*arguments)
        arguments[place][:] = 0
        return result

    with pytest.raises(ValueError, match=f"^{parameter(name)} must leave its"):
        use_of(name, use, in_place, x, y if place == 1 else None)
    assert_array_equal(x, x_before)


def test_a_buffer_used_again_changes_no_attack(x):
    """A function may keep what it returned, and write its next answer there."""
    loss, y, buffers = HEALTHY["loss"], MODEL.predict(x), {}

    def same_place(x, y):
        kept = buffers.setdefault(len(x), loss(x, y))
        for a, b in zip(kept, loss(x, y), strict=True):
            a[:] = b
        return kept

    assert_array_equal(apgd(same_place, x, y, 0.1, 12), apgd(loss, x, y, 0.1, 12))


@EACH_USE
def test_functions_may_share_one_work_array(x, name, use):
    """It is overwritten at each call, even of the model's other functions."""
    if use == "train_substitute":
        return  # it returns a network, trained from other weights each time
    functions = {n: in_work_array(f) for n, f in HEALTHY.items()}
    found = use_of(name, use, functions[name], x, others=functions)
    expected = use_of(name, use, HEALTHY[name], x)
    if use == "diagnose":
        assert list(map(str, found)) == list(map(str, expected))
    else:
        assert_array_equal(found, expected)


def typed(function, *dtypes):
    """A function whose results have the first type, and then the next ones."""

    def call(*arguments):
        result = function(*arguments)
        parts = result if isinstance(result, tuple) else (result,)
        for dtype in dtypes:
            parts = tuple(a.astype(dtype) for a in parts)
        return parts if isinstance(result, tuple) else parts[0]

    return call


HALVES = [(name, use) for name, use in USES if name != "predict"]


@pytest.mark.parametrize(("name", "use"), HALVES)
def test_half_precision_is_only_the_functions_own(x, name, use):
    """An attack computes as if the function had returned single precision."""
    half, single = (typed(HEALTHY[name], *types) for types in (["f2"], ["f2", "f4"]))
    found, expected = (use_of(name, use, f, x) for f in (half, single))
    if use == "diagnose":
        assert list(map(str, found)) == list(map(str, expected))
    else:
        assert_array_equal(found, expected)


def test_a_long_gradient_in_half_precision_is_followed():
    """Its absolute values have the sum 245,000, and float16 ends at 65,504."""
    x = RNG.random((1, 32, 32, 3)).astype(np.float32)
    g = (100 * RNG.standard_normal(x.shape)).astype(np.float16)
    x_adv = mi_fgsm(lambda x, y: g, x, np.array([0]), 0.1, 0.1, 1)
    expected = x + 0.1 * np.sign(g.astype(float))
    assert_allclose(x_adv, expected.clip(0, 1), atol=1e-6)


def test_members_that_are_no_networks_of_ours_see_copies(x, y):
    """Adv. 2 shows all members the same images."""

    class Scales:
        classes = 4

        def forward(self, x):
            x *= 0.5
            return MODEL.forward(x)

        def backward(self, dz, param_grads=True):
            return MODEL.backward(dz, param_grads)

    before = x.copy()
    with pytest.raises(ValueError, match=r"^forward must leave its arguments"):
        sum_gradient([Scales(), MODEL])(x, y)
    assert_array_equal(x, before)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda z, y: (z, z), r"array of shape \(8,\), got \(8, 4\)"),
        (lambda z, y: (z[:, 0], z[:1]), r"array of shape \(8, 4\), got \(1, 4\)"),
    ],
)
def test_a_loss_of_logits_is_named_for_what_it_returns(x, y, loss, message):
    for of_images in (model_loss(MODEL, loss), loss_of(network(MODEL), loss)):
        with pytest.raises(ValueError, match=message):
            of_images(x, y)


def test_images_need_four_axes(x, y):
    x = x.reshape(len(x), -1)
    with pytest.raises(ValueError, match=r"x must have 4 axes, got shape \(8, 72\)"):
        diagnose(lambda x: pytest.fail("work began"), lambda x, y: x, x, y, 0.1)


def test_images_that_became_nan_are_counted():
    """An infinite gradient has no direction, and inf / inf is NaN."""
    x = RNG.random((4, 6, 6, 2))

    def gradient(x, y):
        g = np.ones_like(x)
        g[1:3] = np.inf
        return g

    message = "^mi_fgsm made NaN of 2 of 4 images: gradient must return finite numbers"
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        mi_fgsm(gradient, x, np.zeros(4, int), 0.1, 0.1, 1)
