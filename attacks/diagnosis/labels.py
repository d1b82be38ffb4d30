"""Does an attack climb away from one label, or does its label change on the way?

An attack that takes its label from the classifier's prediction at every step undoes
itself: once an image is misclassified, the next step climbs away from the wrong class,
which may lead back to the right one.
"""

from dataclasses import replace

import numpy as np

from attacks.diagnosis.subject import Finding, Subject, downhill

MOST = 0.5  # of the images: the gradient ignores its label, more than by chance


def changing_label(s: Subject) -> Finding:
    """Look at the labels that the attack asks for, and at gradients of misread images.

    At another class's image the gradient of J with the label y leads away from y. That
    of a gradient function that predicts leads away from the image's own class.
    """
    moved = [y != s.y for y in s.labels if y.shape == s.y.shape]
    changed = np.mean(np.any(moved, axis=0)) if moved else 0.0
    ignored = ignores_labels(s)
    return Finding(
        "changing label",
        float(max(changed, ignored if ignored > MOST else 0.0)),
        "part of the images whose label isn't y at some step",
        0,
        "Your label changes between steps: it is the prediction of the moment instead "
        "of y. A step from a misclassified image climbs away from the wrong class, and "
        "so back.",
        "Take y, or the prediction before the first step, once, and keep it.",
    )


def ignores_labels(s: Subject) -> float:
    """Return the part of the images whose gradient goes wrong with another's pixels.

    More than with their own: a wrong sign is another fault.
    """
    others = s.y[:, None] != s.y  # (N, N)
    some = others.any(axis=1)
    if not some.any():
        return 0.0
    swapped = replace(s, x=s.x[others.argmax(axis=1)])
    return float(downhill(swapped, some) - downhill(s, some))
