"""Adversarial images as PNG files that anyone can open, rounded inside the ball.

    folder/000000.png ...   the images, in 8 bits, inside the ball
    folder/images.npz       x and y as they were, the threat model, and checksums

They need Pillow: pip install 'minidl[images]'.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attacks.evaluation.intervals import Estimate
from attacks.evaluation.outcomes import fraction
from attacks.pictures import check_drawable, pillow, read_png, write_png
from attacks.rounding import pixels, round_inside
from attacks.threat import Threat
from minidl.backend import Array, get_array_module, to_numpy
from minidl.batches import batches, to_float
from minidl.checks import (
    check_array,
    check_images,
    check_kind,
    check_labels,
    check_range,
)
from minidl.checks.answers import check_classifier, probabilities
from minidl.classifiers import Classifier
from minidl.parallel.progress import progress
from minidl.store import check, read_arrays, refused, write_arrays
from minidl.store.files import atomic_folder, check_free, check_path
from minidl.store.schema import build

NAME = "images.npz"
PIECE = 256  # images at a time


@dataclass(frozen=True)
class Saved:
    """The images that were saved, and their accuracy before and after rounding."""

    folder: Path
    images: int
    threat: Threat
    before: Estimate | None  # the accuracy on the images as floats
    after: Estimate | None  # and in 8 bits; None without a classifier

    def __str__(self) -> str:
        what = "target missed" if self.threat.targeted else "accuracy"
        first = f"{self.images} images ({self.threat}) in {self.folder}"
        if self.before is None:
            return first
        return f"{first}; {what} {self.before} as floats, {self.after} in 8 bits"


@dataclass(frozen=True)
class Facts:
    """The facts stored beside the arrays."""

    norm: str
    eps: float
    bounds: list[float]
    targeted: bool
    sha256: list[str]  # of each PNG file

    @property
    def threat(self) -> Threat:
        """The threat model."""
        low, high = self.bounds
        return Threat(self.norm, self.eps, (low, high), self.targeted)


def save_images(
    x_adv: Array,
    x: Array,
    y: Array,
    folder: str | Path,
    threat: Threat,
    classifier: Classifier | None = None,
) -> Saved:
    """Write images as PNG files into a new folder, rounded inside the threat's ball.

    Rounding to the nearest shade would leave the ball: BIM's eps of 0.1 would become
    0.10196. It can also undo attacks that end near a decision boundary, like DeepFool;
    if a classifier is given, the result holds its accuracy before and after rounding.
    Shapes: x_adv and x (N, H, W, C), C 1 (grey) or 3 (colours), floats in the threat's
    bounds, x also uint8; y (N,) labels, or the targets of a targeted threat.
    Raises TypeError or ValueError for bad arguments, images that have left the ball,
    and a ball too small for any 8-bit image; FileExistsError if the folder exists.
    The folder appears once it is complete.
    """
    bounds = check_saving(x_adv, x, y, folder, threat, classifier)
    pillow()  # raises before any work is lost
    xp, x_adv, x, y = get_array_module(x_adv), *map(to_numpy, (x_adv, to_float(x), y))
    parts = list(batches(np.arange(len(x)), PIECE))
    k = np.concatenate([round_inside(x_adv[i], x[i], threat) for i in parts])
    before = after = None
    if classifier is not None:
        rounded = pixels(k, x, bounds)
        before, after = (
            missed(classifier, [xp.asarray(a[i]) for i in parts], y, threat)
            for a in (x_adv, rounded)
        )
    with atomic_folder(folder) as new:
        sums = [
            write_png(new / name(i), k[i])
            for i in progress(range(len(k)), len(k), "images")
        ]
        facts = Facts(threat.norm, threat.eps, list(bounds), threat.targeted, sums)
        write_arrays(new / NAME, {"x": x, "y": y}, vars(facts))
    return Saved(Path(folder), len(x), threat, before, after)


def check_saving(
    x_adv: Any, x: Any, y: Any, folder: Any, threat: Any, classifier: Any
) -> tuple[float, float]:
    """Return the bounds; raise an error that names an argument that can't be saved."""
    check_kind("threat", threat, Threat)
    bounds = check_range("threat.bounds", threat.bounds)
    check_array("x", x)
    check_images("x", x := to_float(x), bounds)
    check_drawable("x", x)
    threat.check(x_adv, x)
    check_labels("y", y, len(x))
    if classifier is not None:
        check_classifier("classifier", classifier)
    check_free("folder", folder)
    return bounds


def missed(
    classifier: Classifier, parts: list[Array], y: Array, threat: Threat
) -> Estimate:
    """Return the fraction of images on which the adversary hasn't won."""
    found = [probabilities(classifier.predict_proba, part) for part in parts]
    predicted = np.concatenate([to_numpy(p.argmax(axis=1)) for p in found])
    return fraction(~threat.fooled(predicted, y))


def load_images(folder: str | Path) -> tuple[Array, Array, Array]:
    """Return what `save_images` has written: x_adv in 8 bits, x, and y.

    Shapes: x_adv and x (N, H, W, C) of one type, in the threat's bounds; y (N,). Other
    files in the folder are ignored. Raises FileNotFoundError for a folder that
    `save_images` hasn't made, or if one of its files is missing, and DamagedError if a
    file was changed.
    """
    path = check_made_here(folder)
    arrays, about = read_arrays(path)
    with refused(path):
        facts = build(Facts, about)
        x, y, threat = arrays["x"], arrays["y"], facts.threat
        check_images("x", x, threat.bounds)
        check_drawable("x", x)
        check_labels("y", y, len(x))
        check(len(facts.sha256) == len(x), "it names more or fewer images")
    pillow()
    k = [
        read_png(path.with_name(name(i)), facts.sha256[i], x.shape[1:])
        for i in progress(range(len(x)), len(x), "images")
    ]
    x_adv = pixels(np.stack(k), x, threat.bounds)
    with refused(path):
        threat.check(x_adv, x)
    return x_adv, x, y


def check_made_here(folder: Any) -> Path:
    """Return the path of a folder's images.npz; raise unless there is one."""
    check_path("folder", folder)
    path = Path(folder) / NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"folder must be one that save_images has made, got {folder} without {NAME}"
        )
    return path


def name(i: int) -> str:
    """Return the name of the file of image i."""
    return f"{i:06d}.png"
