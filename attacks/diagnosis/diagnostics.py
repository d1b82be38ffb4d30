"""Why did my attack fail? Checks that name what is wrong with a gradient or an attack.

A robust accuracy means something only if the attack works. Most failed attacks follow a
gradient that is zero, wrong, or belongs to another function. `causes` looks for such
faults, `symptoms` for the known signs of a broken attack.
Source of the symptoms: Athalye et al., Obfuscated Gradients Give a False Sense of
Security, 2018, section 3.1; Carlini et al., On Evaluating Adversarial Robustness, 2019.
"""

from functools import partial

from attacks.arguments import checked, images
from attacks.bim import bim
from attacks.diagnosis.causes import CAUSES
from attacks.diagnosis.subject import AttackAlong, Finding, Subject
from attacks.diagnosis.symptoms import SYMPTOMS
from attacks.gradients import GradientFn
from attacks.threat import Bounds
from attacks.victims import PredictProba
from minidl.backend import Array, device_of, from_host, to_numpy
from minidl.checks import check_labels, check_range


def ten_steps(
    gradient: GradientFn, x: Array, y: Array, eps: float, bounds: Bounds = (0, 1)
) -> Array:
    """BIM with ten steps of eps / 4, the attack that is examined by default."""
    return bim(gradient, x, y, eps, eps / 4, 10, bounds)


@checked(x=images(ndim=4))
def diagnose(
    predict_proba: PredictProba,
    gradient: GradientFn,
    x: Array,
    y: Array,
    eps: float,
    attack: AttackAlong | None = None,
    bounds: Bounds = (0, 1),
    seed: int = 0,
) -> list[Finding]:
    """Examine a gradient, and an attack that follows it; causes come before symptoms.

    The attack is `ten_steps` within the bounds by default. It is called with radii from
    eps / 4 to the whole range of pixels, and its step size must fit each of them.
    A hundred images are enough. Images misclassified without an attack are left out,
    because they show nothing.
    Shapes: x (N, H, W, C), y (N,); eps in pixel units, Linf. Raises ValueError for
    eps = 0, and if all images are misclassified.
    """
    if bounds is not None:
        check_range("bounds", bounds)  # finite, because random images are drawn in it
    if eps == 0:
        raise ValueError(
            "eps must be above 0: at eps = 0 there is no attack to examine"
        )
    device, x, y = device_of(x), to_numpy(x), to_numpy(y)
    predict_proba, gradient = (from_host(f, device) for f in (predict_proba, gradient))
    p = predict_proba(x)
    check_labels("y", y, len(x), p.shape[1])
    right = p.argmax(axis=1) == y
    if not right.any():
        raise ValueError(
            "all images are misclassified without an attack: nothing to examine"
        )
    x, y = x[right], y[right]
    attack = from_host(attack or partial(ten_steps, bounds=bounds), device)
    subject = Subject(predict_proba, gradient, attack, x, y, eps, bounds, seed)
    return [check(subject) for check in (*CAUSES, *SYMPTOMS)]


def report(findings: list[Finding]) -> str:
    """Return the findings as text, with the failure to look at first."""
    if not isinstance(findings, list) or {*map(type, findings)} - {Finding}:
        raise TypeError(f"findings must be what diagnose returns, got {findings!r}")
    failed = [finding.name for finding in findings if finding.failed]
    verdict = f"look first at: {failed[0]}" if failed else "nothing wrong was found"
    return "\n".join([*map(str, findings), verdict])
