"""Every attack behind one signature, (functions, x, y, eps, rng, bounds) -> x_adv."""

import numpy as np

from attacks import (
    apgd,
    apgd_targeted,
    bim,
    carlini_wagner,
    deepfool,
    fgsm,
    hop_skip_jump,
    jsma,
    lbfgs,
    logits_of,
    margin,
    mi_fgsm,
    model_gradient,
    model_loss,
    network,
    pgd,
    square,
    targeted_dlr,
    vjp_of,
)


def functions_of(model):
    """All that attacks take of a model, by name; `margin` and `towards` are losses."""
    return {
        "gradient": model_gradient(model),
        "loss": model_loss(model),
        "margin": model_loss(model, margin),
        "towards": model_loss(model, targeted_dlr),
        "logits": logits_of(network(model)),
        "vjp": vjp_of(network(model)),
        "predict": model.predict,
        "predict_proba": model.predict_proba,
    }


def step_of(eps):
    return eps * 0.3 or 0.1


# By the functions that an attack takes; those that stay in a ball come first.
RUNS = {
    "fgsm": (
        ["gradient"],
        lambda g, x, y, eps, rng, b: fgsm(g, x, y, eps, b),
    ),
    "bim": (
        ["gradient"],
        lambda g, x, y, eps, rng, b: bim(g, x, y, eps, step_of(eps), 5, b),
    ),
    "mi_fgsm": (
        ["gradient"],
        lambda g, x, y, eps, rng, b: mi_fgsm(g, x, y, eps, step_of(eps), 5, bounds=b),
    ),
    "pgd": (
        ["loss"],
        lambda loss, x, y, eps, rng, b: pgd(
            loss, x, y, eps, step_of(eps), 5, "Linf", 2, rng, bounds=b
        ),
    ),
    "pgd_l2": (
        ["margin"],
        lambda loss, x, y, eps, rng, b: pgd(
            loss, x, y, eps, step_of(eps), 5, "L2", 2, rng, 0, b
        ),
    ),
    "apgd": (
        ["margin"],
        lambda loss, x, y, eps, rng, b: apgd(loss, x, y, eps, 12, "Linf", 2, rng, 0, b),
    ),
    "apgd_l2": (
        ["margin"],
        lambda loss, x, y, eps, rng, b: apgd(loss, x, y, eps, 12, "L2", 1, None, 0, b),
    ),
    "apgd_targeted": (
        ["logits", "towards"],
        lambda z, loss, x, y, eps, rng, b: apgd_targeted(
            z, loss, x, y, eps, 8, "Linf", 3, rng, b
        ),
    ),
    "square": (
        ["predict_proba"],
        lambda p, x, y, eps, rng, b: square(p, x, y, eps, rng, queries=20, bounds=b),
    ),
    "square_l2": (
        ["predict_proba"],
        lambda p, x, y, eps, rng, b: square(
            p, x, y, eps, rng, 20, None, bounds=b, norm="L2"
        ),
    ),
    "deepfool": (
        ["logits", "vjp"],
        lambda z, vjp, x, y, eps, rng, b: deepfool(z, vjp, x, y, steps=4, bounds=b),
    ),
    "hop_skip_jump": (
        ["predict"],
        lambda predict, x, y, eps, rng, b: hop_skip_jump(
            predict, x, y, rng, 2, 5, 20, bounds=b
        ),
    ),
    "jsma": (
        ["logits", "vjp"],
        lambda z, vjp, x, y, eps, rng, b: jsma(z, vjp, x, y, 0.5, bounds=b),
    ),
    "lbfgs": (
        ["loss", "predict"],
        lambda loss, predict, x, y, eps, rng, b: lbfgs(
            loss, predict, x, y, 1.0, 2, 8, b
        ),
    ),
    "carlini_wagner": (
        ["margin"],
        lambda loss, x, y, eps, rng, b: carlini_wagner(
            loss, x, y, 0.1, searches=2, steps=10, bounds=b
        ),
    ),
}
BALLS = {name: "L2" if name.endswith("_l2") else "Linf" for name in [*RUNS][:10]}
TARGETED = ("jsma", "lbfgs")  # y is the class wanted


def run(name, functions, x, y, eps=0.1, bounds=(0, 1), seed=0):
    """Run an attack, with those of the functions that it takes."""
    takes, attack = RUNS[name]
    rng = np.random.default_rng(seed)
    return attack(*(functions[f] for f in takes), x, y, eps, rng, bounds)
