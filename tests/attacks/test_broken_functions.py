"""Functions that are none, or that return what no attack can follow: told so."""

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

ALONG_GRADIENTS = {
    "fgsm": lambda gradient, x, y: fgsm(gradient, x, y, 0.1),
    "bim": lambda gradient, x, y: bim(gradient, x, y, 0.1, 0.05, 2),
    "mi_fgsm": lambda gradient, x, y: mi_fgsm(gradient, x, y, 0.1, 0.05, 2),
}
UP_LOSSES = {
    "pgd": lambda loss, x, y: pgd(loss, x, y, 0.1, 0.05, 3),
    "apgd": lambda loss, x, y: apgd(loss, x, y, 0.1, 3),
    "carlini_wagner": lambda loss, x, y: carlini_wagner(loss, x, y, steps=3),
    "lbfgs": lambda loss, x, y: lbfgs(loss, lambda x: y + 1, x, y, steps=3),
}
OTHERS = {
    "square": ("predict_proba", lambda f, x, y: square(f, x, y, 0.1, RNG, 3)),
    "lbfgs": ("predict", lambda f, x, y: lbfgs(lambda x, y: x, f, x, y)),
    "deepfool": ("logits", lambda f, x, y: deepfool(f, lambda x, dz: x, x, y)),
    "deepfool 2": ("vjp", lambda f, x, y: deepfool(lambda x: x, f, x, y)),
    "jsma": ("logits", lambda f, x, y: jsma(f, lambda x, dz: x, x, y)),
    "jsma 2": ("vjp", lambda f, x, y: jsma(lambda x: x, f, x, y)),
}
TAKES = (
    {name: ("gradient", run) for name, run in ALONG_GRADIENTS.items()}
    | {f"{name} up": ("loss", run) for name, run in UP_LOSSES.items()}
    | OTHERS
)


@pytest.mark.parametrize("name", TAKES)
def test_a_model_is_no_function_of_it(cnn, x, y, name):
    """The error names a function of this model's that would do."""
    argument, run = TAKES[name]
    with pytest.raises(
        TypeError, match=rf"^{argument} must be a function, such as .*model.*Sequential"
    ):
        run(cnn, x, y)


@pytest.mark.parametrize("name", ALONG_GRADIENTS)
def test_a_batchs_mean_gradient_is_refused(cnn, x, y, name):
    """NumPy would move all images along it without a word."""
    gradient = model_gradient(cnn)
    with pytest.raises(
        ValueError,
        match=r"gradient must return an array of shape \(8, 6, 6, 2\), .*, got \(1,",
    ):
        ALONG_GRADIENTS[name](lambda *a: gradient(*a).mean(0, keepdims=True), x, y)


@pytest.mark.parametrize("name", ALONG_GRADIENTS)
def test_a_loss_is_no_gradient(cnn, x, y, name):
    with pytest.raises(TypeError, match=r"what gradient returns must be .*got tuple"):
        ALONG_GRADIENTS[name](model_loss(cnn), x, y)


@pytest.mark.parametrize("name", UP_LOSSES)
def test_a_gradient_is_no_loss(cnn, x, y, name):
    with pytest.raises(TypeError, match=r"loss must return two arrays, .* ndarray"):
        UP_LOSSES[name](model_gradient(cnn), x, y)


def spoilt(loss, spoil, call):
    """A loss whose values and gradient are spoilt from the second call on."""
    calls = []

    def broken(x, y):
        calls.append(1)
        pair = loss(x, y)
        return spoil(*pair) if len(calls) > call else pair

    return broken


def nan_at_2(a):
    a = a.copy()
    a.ravel()[-1] = np.nan
    return a


@pytest.mark.parametrize("call", [0, 1])
@pytest.mark.parametrize("name", UP_LOSSES)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda v, g: (nan_at_2(v), g), r"loss must return numbers, got NaN for 1 of"),
        (lambda v, g: (v, nan_at_2(g)), r"loss must return numbers, got NaN for 1 of"),
        (lambda v, g: (v.sum(), g), r"loss must return a value for each of \d images"),
        (
            lambda v, g: (v, g[:, :1]),
            r"loss must return an array of shape \(\d, 6",
        ),
    ],
)
def test_what_no_attack_can_follow(cnn, x, y, name, spoil, message, call):
    """The image would stay as it is, and pass for robust."""
    with pytest.raises(ValueError, match=message):
        UP_LOSSES[name](spoilt(model_loss(cnn), spoil, call), x, y)


MODEL = new_cnn(np.random.default_rng(1))
BIM = ALONG_GRADIENTS["bim"]
LOGITS, VJP = logits_of(network(MODEL)), vjp_of(network(MODEL))


@pytest.mark.parametrize("name", UP_LOSSES)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda v, g: (v.astype(int), g), "loss must return floats, got int64"),
        (
            lambda v, g: (v, np.sign(g).astype(int)),
            "loss must return floats, got int64",
        ),
        (lambda v, g: (v, g, v), "loss must return two arrays"),
        (lambda v, g: [v, g], "loss must return two arrays, .* got list"),
    ],
)
def test_values_and_gradients_are_floats(cnn, x, y, name, spoil, message):
    with pytest.raises(TypeError, match=message):
        UP_LOSSES[name](spoilt(model_loss(cnn), spoil, 0), x, y)


LAST = {  # runs with one function that is spoilt, the others being the model's
    "gradient": [
        *ALONG_GRADIENTS.values(),
        lambda f, x, y: diagnose(MODEL.predict_proba, f, x, y, 0.1),
        lambda f, x, y: steps_to_success(
            MODEL.predict, f, ALONG_GRADIENTS["bim"], x, y
        ),
    ],
    "loss": [*UP_LOSSES.values()],
    "logits": [
        lambda f, x, y: deepfool(f, VJP, x, y),
        lambda f, x, y: jsma(f, VJP, x, (y + 1) % 4),
    ],
    "vjp": [
        lambda f, x, y: deepfool(LOGITS, f, x, y),
        lambda f, x, y: jsma(LOGITS, f, x, (y + 1) % 4),
    ],
    "predict": [
        lambda f, x, y: lbfgs(model_loss(MODEL), f, x, (y + 1) % 4, steps=2),
        lambda f, x, y: train_substitute(f, new_cnn(RNG), x, RNG, 1, epochs=1),
        lambda f, x, y: steps_to_success(f, model_gradient(MODEL), BIM, x, y),
    ],
    "predict_proba": [
        lambda f, x, y: square(f, x, y, 0.1, RNG, 3),
        lambda f, x, y: diagnose(f, model_gradient(MODEL), x, y, 0.1),
    ],
}
HEALTHY = {
    "gradient": model_gradient(MODEL),
    "loss": model_loss(MODEL),
    "logits": LOGITS,
    "vjp": VJP,
    "predict": MODEL.predict,
    "predict_proba": MODEL.predict_proba,
}
EACH_USE = pytest.mark.parametrize(
    ("name", "use"), [(name, use) for name in LAST for use in range(len(LAST[name]))]
)
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


def spoil_last(result, spoil):
    """Spoil an array, or the gradient of a loss."""
    return (result[0], spoil(result[1])) if isinstance(result, tuple) else spoil(result)


def uses_and_kinds():
    """All that can be spoilt, but for what is right in this place."""
    right = {
        *(("gradient", use, "infinity") for use in range(5)),  # its sign is a direction
        ("gradient", 3, "NaN"),  # which a diagnosis finds
        *(("predict", use, "NaN") for use in range(3)),  # integers have none
        ("loss", 3, "one image's"),  # L-BFGS asks for one at a time
    }
    for name, runs in LAST.items():
        for use in range(len(runs)):
            for kind in SPOIL:
                if (name, use, kind) not in right:
                    yield name, use, kind


@pytest.mark.parametrize(("name", "use", "kind"), list(uses_and_kinds()))
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_every_function_is_named_for_what_it_returns(x, name, use, kind):
    def broken(*arguments):
        return spoil_last(HEALTHY[name](*arguments), SPOIL[kind])

    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
        LAST[name][use](broken, x, MODEL.predict(x))


@EACH_USE
def test_a_function_that_works_in_place_is_named(x, name, use):
    """Else images, distances and what other members see would be spoilt."""
    y, x_before = MODEL.predict(x), x.copy()

    def in_place(x, *others):
        result = HEALTHY[name](x, *others)
        x *= 0.5
        return result

    with pytest.raises(ValueError, match=f"^{name} must leave its arguments as they"):
        LAST[name][use](in_place, x, y)
    assert_array_equal(x, x_before)


@pytest.mark.parametrize("name", ["gradient", "loss"])
@pytest.mark.parametrize("use", range(3))
def test_labels_changed_in_place_are_noticed(x, name, use):
    y = MODEL.predict(x)

    def in_place(x, y):
        y[:] = 0
        return HEALTHY[name](x, y)

    with pytest.raises(ValueError, match=f"^{name} must leave its arguments as they"):
        LAST[name][use](in_place, x, y + (y == 0))


def test_a_buffer_used_again_changes_no_attack(x):
    """A function may keep what it returned, and write its next answer there."""
    loss, y, buffers = model_loss(MODEL), MODEL.predict(x), {}

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
    for run in (model_loss(MODEL, loss), loss_of(network(MODEL), loss)):
        with pytest.raises((TypeError, ValueError), match=message):
            run(x, y)


class Answers:
    """Says to every batch what a function makes of its size."""

    def __init__(self, answer):
        self.answer = answer

    def predict_proba(self, x):
        return self.answer(len(x))


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (lambda N: np.full((1, 4), 0.25), ValueError, r"N = 8, K >= 2, got \(1, 4\)"),
        (
            lambda N: np.zeros(N),
            ValueError,
            r"an array \(N, K\), N = 8, .*, got \(8,\)",
        ),
        (
            lambda N: [[0.25] * 4] * N,
            TypeError,
            "predict_proba returns must .* list",
        ),
        (lambda N: np.full((N, 4), np.nan), ValueError, "others for 8 of 8 images"),
    ],
)
@pytest.mark.parametrize("use", ["evaluate", "diagnose", "square"])
def test_answers_that_are_no_probabilities(cnn, x, y, use, answer, error, message):
    classifier = Answers(answer)
    attacks = {"fgsm": lambda x, y, eps, rng: x}
    run = {
        "evaluate": lambda: evaluate(
            lambda: Suite(classifier, attacks), x, y, Threat("Linf", 0.1)
        ),
        "diagnose": lambda: diagnose(
            classifier.predict_proba, model_gradient(cnn), x, y, 0.1
        ),
        "square": lambda: square(classifier.predict_proba, x, y, 0.1, RNG, 3),
    }
    with pytest.raises(error, match=message):
        run[use]()


def test_rows_are_no_images(x, y):
    x = x.reshape(len(x), -1)
    with pytest.raises(ValueError, match=r"x must have 4 axes, got shape \(8, 72\)"):
        diagnose(lambda x: pytest.fail("work began"), lambda x, y: x, x, y, 0.1)


def test_healthy_functions_pass(cnn, x, y):
    for run in ALONG_GRADIENTS.values():
        run(model_gradient(cnn), x, y)
    for run in UP_LOSSES.values():
        run(model_loss(cnn), x, y)
    assert logits_of(network(cnn))(x).shape == (8, 4)
