"""Functions that are none, or that return what no attack can follow: told so."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from attacks import (
    Suite,
    Threat,
    apgd,
    bim,
    carlini_wagner,
    deepfool,
    diagnose,
    evaluate,
    fgsm,
    jsma,
    lbfgs,
    logits_of,
    loss_of,
    mi_fgsm,
    model_gradient,
    model_loss,
    network,
    pgd,
    square,
    steps_to_success,
    sum_gradient,
    train_substitute,
    vjp_of,
)
from tests.attacks.conftest import new_cnn

RNG = np.random.default_rng(0)
MODEL = new_cnn(np.random.default_rng(1))
HEALTHY = {
    "gradient": model_gradient(MODEL),
    "loss": model_loss(MODEL),
    "logits": logits_of(network(MODEL)),
    "vjp": vjp_of(network(MODEL)),
    "predict": MODEL.predict,
    "predict_proba": MODEL.predict_proba,
}


def along(gradient, x, y):
    return bim(gradient, x, y, 0.1, 0.05, 2)


# What each function is used for; all of HEALTHY are given, one of them spoilt.
USES = {
    "gradient": {
        "fgsm": lambda gradient, x, y, **_: fgsm(gradient, x, y, 0.1),
        "bim": lambda gradient, x, y, **_: along(gradient, x, y),
        "mi_fgsm": lambda gradient, x, y, **_: mi_fgsm(gradient, x, y, 0.1, 0.05, 2),
        "diagnose": lambda predict_proba, gradient, x, y, **_: diagnose(
            predict_proba, gradient, x, y, 0.1
        ),
        "steps_to_success": lambda predict, gradient, x, y, **_: steps_to_success(
            predict, gradient, along, x, y
        ),
    },
    "loss": {
        "pgd": lambda loss, x, y, **_: pgd(loss, x, y, 0.1, 0.05, 3),
        "apgd": lambda loss, x, y, **_: apgd(loss, x, y, 0.1, 3),
        "carlini_wagner": lambda loss, x, y, **_: carlini_wagner(loss, x, y, steps=3),
        "lbfgs": lambda loss, predict, x, y, **_: lbfgs(
            loss, predict, x, (y + 1) % 4, steps=3
        ),
    },
    "logits": {
        "deepfool": lambda logits, vjp, x, y, **_: deepfool(logits, vjp, x, y),
        "jsma": lambda logits, vjp, x, y, **_: jsma(logits, vjp, x, (y + 1) % 4),
    },
    "predict": {
        "train_substitute": lambda predict, x, **_: train_substitute(
            predict, new_cnn(RNG), x, RNG, 1, epochs=1
        ),
    },
    "predict_proba": {
        "square": lambda predict_proba, x, y, **_: square(
            predict_proba, x, y, 0.1, RNG, 3
        ),
    },
}
USES["vjp"] = USES["logits"]
USES["predict"] |= {
    "lbfgs": USES["loss"]["lbfgs"],
    "steps_to_success": USES["gradient"]["steps_to_success"],
}
USES["predict_proba"]["diagnose"] = USES["gradient"]["diagnose"]
EACH_USE = pytest.mark.parametrize(
    ("name", "use"), [(name, use) for name in USES for use in USES[name]]
)
ALONG_GRADIENTS, UP_LOSSES = ("fgsm", "bim", "mi_fgsm"), [*USES["loss"]]


def run(name, use, function, x, y=None):
    """Run an attack with one function of these; the others are the model's."""
    y = MODEL.predict(x) if y is None else y
    return USES[name][use](**HEALTHY | {name: function}, x=x, y=y)


@EACH_USE
def test_a_model_is_no_function_of_it(x, name, use):
    """The error names a function of this model's that would do."""
    with pytest.raises(
        TypeError, match=rf"^{name} must be a function, such as .*model.*Sequential"
    ):
        run(name, use, MODEL, x)


@EACH_USE
def test_healthy_functions_pass(x, name, use):
    run(name, use, HEALTHY[name], x)


@pytest.mark.parametrize("use", ALONG_GRADIENTS)
def test_a_batchs_mean_gradient_is_refused(x, use):
    """NumPy would move all images along it without a word."""
    with pytest.raises(
        ValueError,
        match=r"gradient must return an array of shape \(8, 6, 6, 2\) .*, got \(1,",
    ):
        run(
            "gradient",
            use,
            lambda *a: HEALTHY["gradient"](*a).mean(0, keepdims=True),
            x,
        )


def test_losses_and_gradients_are_told_apart(x):
    for use in ALONG_GRADIENTS:
        with pytest.raises(TypeError, match=r"what gradient returns must .*tuple"):
            run("gradient", use, HEALTHY["loss"], x)
    for use in UP_LOSSES:
        with pytest.raises(TypeError, match=r"loss must return two arrays, .* ndarray"):
            run("loss", use, HEALTHY["gradient"], x)


def nan_at_2(a):
    a = a.copy()
    a.ravel()[-1] = np.nan
    return a


@pytest.mark.parametrize("healthy_calls", [0, 1])
@pytest.mark.parametrize("use", UP_LOSSES)
@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda v, g: (nan_at_2(v), g), ValueError, "numbers, got NaN for 1 of"),
        (lambda v, g: (v, nan_at_2(g)), ValueError, "numbers, got NaN for 1 of"),
        (lambda v, g: (v[:, None], g), ValueError, r"an array of shape \(\d,\) for"),
        (lambda v, g: (v, g[:, :1]), ValueError, r"an array of shape \(\d, 6, 6, 2\)"),
        (lambda v, g: (v.astype(int), g), TypeError, "floats, got int64"),
        (lambda v, g: (v, g.astype(int)), TypeError, "floats, got int64"),
        (lambda v, g: (v, g, v), TypeError, "two arrays"),
        (lambda v, g: [v, g], TypeError, "two arrays, .* got list"),
    ],
)
def test_what_no_attack_can_follow(x, use, spoil, error, message, healthy_calls):
    """The image would stay as it is, and pass for robust."""
    calls = []

    def broken(x, y):
        calls.append(1)
        pair = HEALTHY["loss"](x, y)
        return spoil(*pair) if len(calls) > healthy_calls else pair

    with pytest.raises(error, match=f"loss must return {message}"):
        run("loss", use, broken, x)


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
RIGHT = {  # what is no fault in this place
    *(("gradient", use, "infinity") for use in USES["gradient"]),  # it has a sign
    ("gradient", "diagnose", "NaN"),  # which a diagnosis finds
    *(("predict", use, "NaN") for use in USES["predict"]),  # integers have none
    ("loss", "lbfgs", "one image's"),  # L-BFGS asks for one at a time
}
FAULTS = [(name, use, kind) for name in USES for use in USES[name] for kind in SPOIL]


@pytest.mark.parametrize(("name", "use", "kind"), [f for f in FAULTS if f not in RIGHT])
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_every_function_is_named_for_what_it_returns(x, name, use, kind):
    def broken(*arguments):
        result = HEALTHY[name](*arguments)
        if isinstance(result, tuple):
            return result[0], SPOIL[kind](result[1])
        return SPOIL[kind](result)

    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
        run(name, use, broken, x)


@EACH_USE
@pytest.mark.parametrize("place", [0, 1])
def test_a_function_that_works_in_place_is_named(x, name, use, place):
    """Else images, labels, distances and what other members see would be spoilt."""
    if place == 1 and name not in ("gradient", "loss"):
        pytest.skip("it takes no labels")
    x_before, y = x.copy(), np.maximum(MODEL.predict(x), 1)

    def in_place(*arguments):
        result = HEALTHY[name](*arguments)
        arguments[place][:] = 0
        return result

    with pytest.raises(ValueError, match=f"^{name} must leave its arguments as they"):
        run(name, use, in_place, x, y if place == 1 else None)
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
        (lambda z, y: z, "loss must return two arrays, values and dz, got ndarray"),
        (lambda z, y: (z, z), r"loss must return values \(8,\), got \(8, 4\)"),
        (lambda z, y: (z[:, 0], z[:1]), r"loss must return dz \(8, 4\), got \(1, 4\)"),
        (lambda z, y: (z[:, 0], y), "the dz that loss returns must be float"),
        (lambda z, y: (None, z), "the values that loss returns must be .* NoneType"),
    ],
)
def test_a_loss_of_logits_is_named_for_what_it_returns(x, y, loss, message):
    for of_images in (model_loss(MODEL, loss), loss_of(network(MODEL), loss)):
        with pytest.raises((TypeError, ValueError), match=message):
            of_images(x, y)


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (np.full((1, 4), 0.25), ValueError, r"N = 8, K >= 2, got \(1, 4\)"),
        (np.zeros(8), ValueError, r"an array \(N, K\), N = 8, .*, got \(8,\)"),
        ([[0.25] * 4] * 8, TypeError, "predict_proba returns must .* list"),
        (np.full((8, 4), np.nan), ValueError, "others for 8 of 8 images"),
    ],
)
@pytest.mark.parametrize("use", ["evaluate", "diagnose", "square"])
def test_answers_that_are_no_probabilities(x, y, use, answer, error, message):
    class Classifier:
        predict_proba = staticmethod(lambda x: answer)

    suite, threat = Suite(Classifier, {"none": lambda *a: a[0]}), Threat("Linf", 0.1)
    call = partial(run, "predict_proba", use, Classifier.predict_proba, x, y)
    if use == "evaluate":
        call = partial(evaluate, lambda: suite, x, y, threat)
    with pytest.raises(error, match=message):
        call()


def test_rows_are_no_images(x, y):
    x = x.reshape(len(x), -1)
    with pytest.raises(ValueError, match=r"x must have 4 axes, got shape \(8, 72\)"):
        diagnose(lambda x: pytest.fail("work began"), lambda x, y: x, x, y, 0.1)
