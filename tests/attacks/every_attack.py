"""Every attack behind one signature, (model, x, y, eps, rng, bounds) -> x_adv."""

from attacks import (
    apgd,
    bim,
    carlini_wagner,
    deepfool,
    fgsm,
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
    vjp_of,
)


def steps_of(eps):
    return eps * 0.3 or 0.1


def run_fgsm(model, x, y, eps, rng, bounds=(0, 1)):
    return fgsm(model_gradient(model), x, y, eps, bounds)


def run_bim(model, x, y, eps, rng, bounds=(0, 1)):
    return bim(model_gradient(model), x, y, eps, steps_of(eps), 5, bounds)


def run_mi_fgsm(model, x, y, eps, rng, bounds=(0, 1)):
    gradient = model_gradient(model)
    return mi_fgsm(gradient, x, y, eps, steps_of(eps), 5, bounds=bounds)


def run_pgd(model, x, y, eps, rng, bounds=(0, 1)):
    loss = model_loss(model)
    return pgd(loss, x, y, eps, steps_of(eps), 5, "Linf", 2, rng, bounds=bounds)


def run_pgd_l2(model, x, y, eps, rng, bounds=(0, 1)):
    loss = model_loss(model, margin)
    return pgd(loss, x, y, eps, steps_of(eps), 5, "L2", 2, rng, 0, bounds)


def run_apgd(model, x, y, eps, rng, bounds=(0, 1)):
    loss = model_loss(model, margin)
    return apgd(loss, x, y, eps, 12, "Linf", 2, rng, 0, bounds)


def run_apgd_l2(model, x, y, eps, rng, bounds=(0, 1)):
    return apgd(model_loss(model, margin), x, y, eps, 12, "L2", 1, None, 0, bounds)


def run_square(model, x, y, eps, rng, bounds=(0, 1)):
    return square(model.predict_proba, x, y, eps, rng, queries=20, bounds=bounds)


def run_deepfool(model, x, y, eps, rng, bounds=(0, 1)):
    forward = network(model)
    return deepfool(logits_of(forward), vjp_of(forward), x, y, steps=4, bounds=bounds)


def run_jsma(model, x, y, eps, rng, bounds=(0, 1)):
    forward = network(model)
    return jsma(logits_of(forward), vjp_of(forward), x, y, 0.5, bounds=bounds)


def run_lbfgs(model, x, y, eps, rng, bounds=(0, 1)):
    return lbfgs(model_loss(model), model.predict, x, y, 0.1, 3, 20, bounds)


def run_carlini_wagner(model, x, y, eps, rng, bounds=(0, 1)):
    loss = model_loss(model, margin)
    return carlini_wagner(loss, x, y, 0.1, searches=2, steps=10, bounds=bounds)


# By the norm of the ball that they stay in.
BALL_ATTACKS = {
    "fgsm": ("Linf", run_fgsm),
    "bim": ("Linf", run_bim),
    "mi_fgsm": ("Linf", run_mi_fgsm),
    "pgd": ("Linf", run_pgd),
    "pgd_l2": ("L2", run_pgd_l2),
    "apgd": ("Linf", run_apgd),
    "apgd_l2": ("L2", run_apgd_l2),
    "square": ("Linf", run_square),
}
# Those that search for the nearest image, whatever eps is.
NEAREST_ATTACKS = {
    "deepfool": run_deepfool,
    "jsma": run_jsma,
    "lbfgs": run_lbfgs,
    "carlini_wagner": run_carlini_wagner,
}
EVERY_ATTACK = {name: run for name, (_, run) in BALL_ATTACKS.items()} | NEAREST_ATTACKS
TARGETED = ("jsma", "lbfgs")  # y is the class wanted
