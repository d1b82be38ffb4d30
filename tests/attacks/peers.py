"""ART and Foolbox on networks in NumPy: the two adapters that make them oracles.

Both are made for automatic differentiation, but ask for gradients in one place each.
Where a library isn't installed, the calling test is skipped.
"""

import warnings

import numpy as np
import pytest

from attacks import input_gradient


def import_peer(name):
    """Import a module whose import warns of things that are none of our business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"{name} isn't installed")


def art_classifier(model):
    """Return an ART estimator whose gradients are our network's."""
    estimator = import_peer("art.estimators.estimator")
    mixin = import_peer("art.estimators.classification.classifier").ClassifierMixin

    class NumPyClassifier(
        mixin,
        estimator.LossGradientsMixin,
        estimator.NeuralNetworkMixin,
        estimator.BaseEstimator,
    ):
        input_shape = model.input_shape

        def predict(self, x, **options):
            return model.predict_proba(x)

        def loss_gradient(self, x, y, **options):
            return input_gradient(model, x, y.argmax(axis=1))

        def fit(self, x, y, **options):
            raise NotImplementedError

        fit_generator = get_activations = fit

    classifier = NumPyClassifier(model=model, clip_values=(0, 1), channels_first=False)
    classifier.nb_classes = model.classes
    return classifier


def art_ensemble(members):
    """Return ART's ensemble, whose gradient is the mean over the members."""
    module = import_peer("art.estimators.classification.ensemble")
    classifiers = [art_classifier(member) for member in members]
    return module.EnsembleClassifier(classifiers, clip_values=(0, 1))


def art_fgsm(classifier, x, y, eps):
    FastGradientMethod = import_peer("art.attacks.evasion").FastGradientMethod
    return FastGradientMethod(classifier, np.inf, eps).generate(x, y)


def art_bim(classifier, x, y, eps, alpha, steps):
    BasicIterativeMethod = import_peer("art.attacks.evasion").BasicIterativeMethod
    attack = BasicIterativeMethod(classifier, eps, alpha, steps, verbose=False)
    return attack.generate(x, y)


def run_foolbox(attack_class, gradient, model, x, y, eps, **settings):
    """Run one of Foolbox's gradient descents along a gradient function of ours."""
    foolbox, eagerpy = import_peer("foolbox"), import_peer("eagerpy")

    class NumPyAttack(getattr(foolbox.attacks, attack_class)):
        def get_loss_fn(self, model, labels):
            return labels.numpy()  # all that value_and_grad needs

        def value_and_grad(self, loss_fn, x):
            return None, eagerpy.astensor(gradient(x.numpy(), loss_fn))

    wrapped = foolbox.NumPyModel(model.forward, bounds=(0, 1))
    raw, _, _ = NumPyAttack(random_start=False, **settings)(wrapped, x, y, epsilons=eps)
    return raw


def foolbox_fgsm(gradient, model, x, y, eps):
    return run_foolbox("LinfFastGradientAttack", gradient, model, x, y, eps)


def foolbox_bim(gradient, model, x, y, eps, alpha, steps):
    settings = {"abs_stepsize": alpha, "steps": steps}
    name = "LinfBasicIterativeAttack"
    return run_foolbox(name, gradient, model, x, y, eps, **settings)
