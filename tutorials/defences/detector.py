"""A detector: a second head on hidden activations, which rejects what looks attacked.

Metzen et al., On Detecting Adversarial Perturbations, ICLR 2017. The adaptive attack
fools head and classifier at once: both are one classifier of K + 1 classes, the last of
which is "rejected" (Carlini & Wagner, Adversarial Examples Are Not Easily Detected:
Bypassing Ten Detection Methods, AISec 2017).
"""

import numpy as np

from attacks.forwards import Back, network
from minidl import Adam, Flatten, Linear, ReLU, Sequential, train
from minidl.backend import Array
from minidl.batches import in_batches, to_float
from minidl.checks import check_number, check_shape, check_stored_images
from minidl.layers import softmax
from tutorials.defences.kept import Train

REJECTED = 0.05  # of clean images


class Detector:
    """A trained network whose first layers `body` lead to classes and to a head.

    The head's score s is the logit of "attacked" minus that of "clean", minus the
    threshold. An image with s > 0 is rejected.
    """

    def __init__(
        self, model: Sequential, depth: int, head: Sequential, threshold: float = 0.0
    ) -> None:
        """Attach a head to the output of the network's first layers."""
        self.model, self.head, self.threshold = model, head, threshold
        self.body = Sequential(model.layers[:depth], model.input_shape)
        self.rest = Sequential(model.layers[depth:], self.body.shapes[-1])

    def scores(self, x: Array) -> Array:
        """Return each image's score, above 0 where it is rejected. Shape (N,)."""
        return in_batches(self.scored, x)

    def scored(self, x: Array) -> Array:
        """Return one batch's scores."""
        d = self.head.forward(self.body.forward(x))
        return d[:, 1] - d[:, 0] - x.dtype.type(self.threshold)

    def forward(self, x: Array) -> tuple[Array, Back]:
        """Return K + 1 logits: those of the classes, and max_k z_k + s.

        The last logit is the largest exactly where the image is rejected. Carlini &
        Wagner multiply instead, (1 + s) max_k z_k, which needs positive logits.
        Shapes: z (N, K + 1).
        """
        hidden, through_body = network(self.body)(x)
        z, through_rest = network(self.rest)(hidden)
        d, through_head = network(self.head)(hidden)
        rows, top = np.arange(len(z)), z.argmax(axis=1)
        score = d[:, 1] - d[:, 0] - x.dtype.type(self.threshold)

        def back(dz: Array) -> Array:
            last, dz = dz[:, -1], dz[:, :-1].copy()
            dz[rows, top] += last
            dd = np.stack([-last, last], axis=1)
            return through_body(through_rest(dz) + through_head(dd))

        return np.column_stack([z, z[rows, top] + score]), back

    def predict_proba(self, x: Array) -> Array:
        """Return probabilities of K classes and "rejected". Shapes: (N, K + 1)."""
        return softmax(self.forward(x)[0])

    def fooled(self, x: Array, y: Array) -> Array:
        """Tell which images are misclassified and not rejected. Shapes: (N,)."""
        found = self.predict_proba(x).argmax(axis=1)
        return (found != y) & (found != self.model.classes)


def trained_detector(
    model: Sequential,
    depth: int,
    x: Array,
    x_adv: Array,
    x_validation: Array | None,
    rng: np.random.Generator,
    rejected: float = REJECTED,
    epochs: int = 5,
    train: Train = train,
) -> Detector:
    """Train a head to tell x from x_adv behind the network's first layers.

    The threshold rejects at most the share `rejected` of x_validation. These are clean
    images on which neither network nor head was trained, because a head rejects too few
    of its own training images. Raises TypeError or ValueError unless x, x_adv and
    x_validation are images like the network's, and for a depth at which the network
    can't be cut.
    """
    if x_validation is None:
        raise ValueError("x_validation must be clean images, got None")
    given = {"x": x, "x_adv": x_adv, "x_validation": x_validation}
    for name, images in given.items():
        check_stored_images(name, images)
        check_shape(name, images, (len(images), *model.input_shape))
    check_depth(depth, len(model.layers))
    check_number("rejected", rejected, "[0, 1)")
    body = Sequential(model.layers[:depth], model.input_shape)
    head = head_on(body.shapes[-1], rng)
    both = np.concatenate([to_float(x), to_float(x_adv)])
    attacked = np.repeat([0, 1], [len(x), len(x_adv)])
    whole = Sequential([body, head], model.input_shape)
    train(whole, both, attacked, Adam(head.params), epochs, 32, rng)
    detector = Detector(model, depth, head)
    scores, share = detector.scores(x_validation), 1 - rejected
    detector.threshold = float(np.quantile(scores, share, method="inverted_cdf"))
    return detector


def check_depth(depth: int, layers: int) -> None:
    """Raise ValueError unless layers[:depth] leaves layers on both sides."""
    if not isinstance(depth, int) or not 0 < len(range(layers)[:depth]) < layers:
        raise ValueError(
            f"depth must cut {layers} layers in two, like 1 or -1, got {depth!r}"
        )


def head_on(shape: tuple[int, ...], rng: np.random.Generator) -> Sequential:
    """Return an untrained head: one hidden layer, logits of "clean" and "attacked"."""
    D = int(np.prod(shape))
    flatten = [Flatten()] if len(shape) > 1 else []
    layers = [Linear(D, 64, rng=rng), ReLU(), Linear(64, 2, rng=rng)]
    return Sequential([*flatten, *layers], shape)


def undetected_margin(z: Array, y: Array) -> tuple[Array, Array]:
    """max of z_k over classes k != y, minus the larger of z_y and "rejected"'s.

    The adaptive attack climbs it. Above 0 the image is misclassified and not rejected.
    Shapes: z and dz (N, K + 1), y (N,).
    """
    rows, last = np.arange(len(z)), z.shape[1] - 1
    others = z.copy()
    others[rows, y] = others[:, last] = -np.inf
    wrong = others.argmax(axis=1)
    right = np.where(z[rows, y] >= z[:, last], y, last)
    dz = np.zeros_like(z)
    dz[rows, wrong] = 1
    dz[rows, right] = -1
    return z[rows, wrong] - z[rows, right], dz
