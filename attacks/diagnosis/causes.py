"""Checks that look for the cause of a failed attack, in its gradient or its steps."""

import math

import numpy as np

from attacks.diagnosis.labels import changing_label
from attacks.diagnosis.subject import Finding, Subject, downhill
from attacks.norms import flat
from attacks.threat import Threat
from minidl.backend import Array

FEW = 0.02  # of the images may fail a check by chance
STILL = 1e-9  # smaller changes of the scores are rounding


def precision(s: Subject) -> Finding:
    """Look for numbers that float16 holds exactly, as it holds hardly any others."""
    fine = s.x != s.x.astype(np.float16)  # pixels that float16 can't hold
    votes = s.p * 128 % 1 == 0  # of 2, 4, ... 128 networks: exact without any rounding
    return Finding(
        "float16",
        max(map(half_precision, (s.p[~votes], s.g, s.x_adv[fine]))),
        "part of the numbers that fit into half precision",
        0.5,
        "Probabilities, gradients or images were rounded to float16: small gradients "
        "become 0, and small steps are lost.",
        "Compute the whole attack in float32, or in float64 to see the difference.",
    )


def half_precision(values: Array) -> float:
    """Return the fraction of numbers, except 0 and +-1, that float16 holds exactly."""
    some = values[(values != 0) & (abs(values) != 1)]
    if not some.size:
        return 0.0
    with np.errstate(over="ignore"):
        return float(np.mean(some == some.astype(np.float16)))


def steadiness(s: Subject) -> Finding:
    """Compute the same gradient twice; a NaN at the same place counts as equal."""
    g, again = np.nan_to_num(s.g), np.nan_to_num(s.gradient(s.x, s.y))
    scale = float(abs(g).max()) or 1.0
    return Finding(
        "random gradient",
        float(abs(again - g).max()) / scale,
        "largest change from one call to the next, relative to the largest entry",
        1e-4,
        "The gradient differs from call to call: dropout is on, or the defence draws "
        "random numbers. Steps undo each other.",
        "Switch training mode off; for a random defence average many gradients a step.",
    )


def zero_gradients(s: Subject) -> Finding:
    """Count gradients that are 0, NaN or infinite although the scores change.

    Some step between the scores and the gradient is then flat.
    """
    changes, _ = s.differences
    g = flat(s.g)
    dead = ~np.isfinite(g).all(axis=1) | ~g.any(axis=1)
    moving = abs(changes).max(axis=0) > STILL
    return Finding(
        "masked gradient",
        float(np.mean(dead & moving)),
        "share of the images whose gradient is 0 though the scores move",
        FEW,
        "The gradient is exactly zero (or NaN) for images whose scores do change: "
        "probabilities were clipped or rounded before the logarithm, or a step of the "
        "defence is flat.",
        "Take the loss from the logits, or climb a margin; replace a flat step by the "
        "identity on the way back.",
    )


def flat_scores(s: Subject) -> Finding:
    """Count the images whose scores don't change at all in any direction tried."""
    changes, _ = s.differences
    return Finding(
        "saturated scores",
        float(np.mean(abs(changes).max(axis=0) <= STILL)),
        "share of the images whose probabilities don't move",
        FEW,
        "The probabilities themselves are rounded or clipped to constants: even an "
        "attack without gradients is blind.",
        "Attack the logits behind them.",
    )


def sign(s: Subject) -> Finding:
    """Count the images whose label becomes more probable along the gradient."""
    return Finding(
        "wrong sign",
        downhill(s),
        "share of the images whose gradient points downhill",
        0.5,
        "Along the gradient the label becomes more probable: the attack walks away "
        "from the border.",
        "An attack adds the gradient of the loss, training subtracts it. Targeted "
        "attacks descend the target's loss.",
    )


def agreement(s: Subject) -> Finding:
    """Correlate predicted and measured changes of the scores, for each image."""
    changes, predicted = s.differences
    with np.errstate(invalid="ignore", divide="ignore"):
        r = correlation(changes, predicted)
    r = r[np.isfinite(r)]
    return Finding(
        "another gradient",
        float(np.median(r)) if r.size else math.nan,
        "median correlation with differences of the scores",
        0.95,
        "The gradient isn't that of the scores: a dropout mask or other work array is "
        "left over from training, or it is the gradient of another classifier or loss.",
        "Compare it with finite differences layer by layer; for an ensemble take "
        "mean_probability_gradient.",
        at_least=True,
    )


def correlation(a: Array, b: Array) -> Array:
    """Return Pearson's correlation over the first axis. Shapes: (R, N) both -> (N,)."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    r: Array = (a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return r


def containment(s: Subject) -> Finding:
    """Count the images that left the ball or the range of pixels."""
    threat = Threat("Linf", s.eps, s.bounds)
    return Finding(
        "forgotten clip",
        float(np.mean(~threat.contains(s.x_adv, s.x))),
        f"share of the images outside ({threat})",
        0,
        "The attack leaves the ball or the range of pixels: it isn't allowed to.",
        "Clip to the ball and then to the range of pixels after every step.",
    )


CAUSES = (
    precision,
    steadiness,
    zero_gradients,
    flat_scores,
    sign,
    agreement,
    changing_label,
    containment,
)
