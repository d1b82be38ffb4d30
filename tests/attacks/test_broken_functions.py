"""Functions that are none, or that return what no attack can follow: told so."""

import numpy as np
import pytest

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
    mi_fgsm,
    model_gradient,
    model_loss,
    network,
    pgd,
    square,
)

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
    "lbfgs": lambda loss, x, y: lbfgs(loss, lambda x: 0 * y - 1, x, y, steps=3),
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
        match=r"gradient must return a gradient of shape \(8, 6, 6, 2\), .*, got \(1,",
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
            r"loss must return a gradient of shape \(\d, 6",
        ),
    ],
)
def test_what_no_attack_can_follow(cnn, x, y, name, spoil, message, call):
    """The image would stay as it is, and pass for robust."""
    with pytest.raises(ValueError, match=message):
        UP_LOSSES[name](spoilt(model_loss(cnn), spoil, call), x, y)


class Answers:
    """Says to every batch what a function makes of its size."""

    def __init__(self, answer):
        self.answer = answer

    def predict_proba(self, x):
        return self.answer(len(x))


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (lambda N: np.full((1, 4), 0.25), ValueError, r"N = 8, got \(1, 4\)"),
        (lambda N: np.zeros(N), ValueError, r"an array \(N, K\), N = 8, got \(8,\)"),
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
