"""Does an attack keep its label, or does the label change from step to step?

An attack that takes its label from the classifier's prediction at every step undoes
itself: once an image is misclassified, the next step climbs away from the wrong class,
which may lead back to the right class.
"""

from dataclasses import replace

import numpy as np

from attacks.diagnosis.subject import Finding, Subject, downhill

MOST = 0.5  # of the images: above it, the gradient ignores its label


def changing_label(s: Subject) -> Finding:
    """Examine the attack's labels, and gradients at images of another class.

    At an image of another class, the gradient of J with the label y leads away from y.
    A gradient function that predicts its label leads away from the image's own class.
    """
    moved = [y != s.y for y in s.labels if y.shape == s.y.shape]
    changed = np.mean(np.any(moved, axis=0)) if moved else 0.0
    ignored = ignores_labels(s)
    return Finding(
        "changing label",
        float(max(changed, ignored if ignored > MOST else 0.0)),
        "share of the images whose label isn't y at some step",
        0,
        "Your label changes between steps: it is the prediction of the moment instead "
        "of y. A step from a misclassified image climbs away from the wrong class, and "
        "so back.",
        "Take y, or the prediction before the first step, once, and keep it.",
    )


def ignores_labels(s: Subject) -> float:
    """Return the fraction of gradients that go wrong with another class's pixels.

    The fraction with the images' own pixels is subtracted: a wrong sign explains it.
    """
    others = s.y[:, None] != s.y  # (N, N)
    some = others.any(axis=1)
    if not some.any():
        return 0.0
    swapped = replace(s, x=s.x[others.argmax(axis=1)])
    return float(downhill(swapped, some) - downhill(s, some))
