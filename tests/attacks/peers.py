"""ART's and Foolbox's attacks on our networks, by one call each, as oracles.

Where a library isn't installed, the calling test is skipped.
"""

import warnings

import numpy as np
import pytest

from attacks import interop, network, vjp_of


def import_peer(name):
    """Import a module, without the warnings of its import."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"{name} isn't installed")


def art_classifier(model, forward=None, **settings):
    """Return an ART estimator of a network, or of a forward pass over its images."""
    import_peer("art.estimators.estimator")
    return interop.art_classifier(
        forward or network(model), model.input_shape, model.classes, **settings
    )


def art_ensemble(members):
    import_peer("art.estimators.estimator")
    return interop.art_ensemble(members)


def art(attack, classifier, x, y, *arguments, **settings):
    """Run one of ART's attacks, by the name of its class."""
    attack_class = getattr(import_peer("art.attacks.evasion"), attack)
    if attack != "FastGradientMethod":
        settings["verbose"] = False
    return attack_class(classifier, *arguments, **settings).generate(x, y)


def art_fgsm(classifier, x, y, eps):
    return art("FastGradientMethod", classifier, x, y, np.inf, eps)


def art_bim(classifier, x, y, eps, alpha, steps):
    return art("BasicIterativeMethod", classifier, x, y, eps, alpha, steps)


def foolbox_run(attack, model, x, y, eps=None):
    """Return what one of Foolbox's attacks makes of the images."""
    raw, _, _ = attack(interop.foolbox_model(model.forward), x, y, epsilons=eps)
    return raw


def foolbox_descent(name, gradient, model, x, y, eps, x_0=None, **settings):
    """Run one of Foolbox's gradient descents along a gradient of ours, from x_0."""
    attack_class = getattr(import_peer("foolbox").attacks, name)
    settings["random_start"] = x_0 is not None
    attack = interop.foolbox_attack(attack_class, gradient, **settings)
    attack.get_random_start = lambda x, eps: import_peer("eagerpy").astensor(x_0)
    return foolbox_run(attack, model, x, y, eps)


def foolbox_fgsm(gradient, model, x, y, eps):
    return foolbox_descent("LinfFastGradientAttack", gradient, model, x, y, eps)


def foolbox_bim(gradient, model, x, y, eps, alpha, steps):
    settings = {"abs_stepsize": alpha, "steps": steps}
    name = "LinfBasicIterativeAttack"
    return foolbox_descent(name, gradient, model, x, y, eps, **settings)


def foolbox_deepfool(monkeypatch, name, model, x, y, **settings):
    """Run Foolbox's DeepFool, whose gradients of z_k - z_0 are our vjp's.

    It asks eagerpy for automatic differentiation, which NumPy lacks. The classes, in
    the order of their logits at the start, are all that is needed in its place.
    """
    foolbox, eagerpy = import_peer("foolbox"), import_peer("eagerpy")

    def value_and_grad_fn(x, classes, has_aux):
        def value_and_grad(x, k):
            x, one_hot = x.numpy(), np.eye(model.classes)
            z, dz = model.forward(x), one_hot[classes[:, k]] - one_hot[classes[:, 0]]
            losses, gradient = (z * dz).sum(axis=1), vjp_of(network(model))(x, dz)
            return (
                None,
                tuple(map(eagerpy.astensor, (losses, z))),
                eagerpy.astensor(gradient),
            )

        return value_and_grad

    attack = getattr(foolbox.attacks, name)(**settings)
    attack._get_loss_fn = lambda model, classes: classes.numpy()
    monkeypatch.setattr(eagerpy, "value_and_grad_fn", value_and_grad_fn)
    return foolbox_run(attack, model, x, y)


def foolbox_carlini_wagner(monkeypatch, loss, model, x, y, **settings):
    """Run Foolbox's attack of Carlini and Wagner with a gradient written by hand.

    x = (tanh(w) + 1) / 2, so that dx/dw = 2 x (1 - x); the derivative of
    |x - x_0|^2 + c max(-L, 0) by x is 2 (x - x_0) - c dL/dx where L < 0.
    """
    foolbox, eagerpy = import_peer("foolbox"), import_peer("eagerpy")

    def value_and_grad_fn(x, loss_fun, has_aux):
        def value_and_grad(delta, c):
            value, (x_adv, z) = loss_fun(delta, c)
            v, (L, up) = x_adv.numpy(), loss(x_adv.numpy(), y)
            force = (c.numpy() * (L < 0))[:, None, None, None] * up
            gradient = (2 * (v - x.numpy()) - force) * 2 * v * (1 - v)
            return value, (x_adv, z), eagerpy.astensor(gradient)

        return value_and_grad

    monkeypatch.setattr(eagerpy, "value_and_grad_fn", value_and_grad_fn)
    attack = foolbox.attacks.L2CarliniWagnerAttack(abort_early=False, **settings)
    return foolbox_run(attack, model, x, y)
