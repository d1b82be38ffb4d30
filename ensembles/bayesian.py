"""Bayesian averaging: p(y|x) = sum_i p(y|x, theta_i) p(theta_i|D), in two forms.

    snapshots    the weights of one training after each cycle of the learning rate
    MCDropout    the same weights under many random masks of dropout

No method this cheap gives the whole posterior. Snapshots visit several modes, but miss
the width of each; dropout's masks sample the width of one mode, but miss all others.
Both cost a single training. (SWA-Gaussian samples the width of one mode, too, and needs
averages of its own.)
"""

import zlib

import numpy as np

from minidl.backend import Array, rounds_to_zero, to_numpy
from minidl.batches import in_batches
from minidl.checks import check_count, check_kind
from minidl.layers import Sequential, softmax
from minidl.losses import cross_entropy

HELD_OUT = 10  # one image in ten isn't trained on, and weights the snapshots
LEAST = float(np.finfo(float).tiny)  # weight of a snapshot


class MCDropout:
    """p(x) = mean over draws of softmax(f(x, mask)): dropout stays on in prediction.

    A randomised defence: each batch gets its own masks. They are drawn from the seed
    and the images, so the same batch gets the same answer in any process. An attacker
    who doesn't know the seed can only average over masks.
    Source: Gal & Ghahramani, Dropout as a Bayesian Approximation: Representing Model
    Uncertainty in Deep Learning, 2016.
    Raises TypeError or ValueError for anything but a network, or for draws < 1.
    """

    def __init__(self, model: Sequential, draws: int = 20, seed: int = 0) -> None:
        check_kind("model", model, Sequential)
        self.model = model
        self.draws = check_count("draws", draws)
        self.seed = check_count("seed", seed, at_least=0)

    @property
    def classes(self) -> int:
        """The number K of classes."""
        return self.model.classes

    @rounds_to_zero
    def predict_proba(self, x: Array) -> Array:
        """Return the mean of all draws. Shapes: x (N, H, W, C), result (N, K)."""
        rng = np.random.default_rng([self.seed, zlib.crc32(to_numpy(x).tobytes())])
        p = [softmax(self.model.forward(x, rng)) for _ in range(self.draws)]
        return sum(p) / x.dtype.type(self.draws)


def seen_and_held_out(
    x: Array, y: Array
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return the images that snapshots are trained on, and the last tenth of all."""
    seen = len(x) - max(1, len(x) // HELD_OUT)
    return (x[:seen], y[:seen]), (x[seen:], y[seen:])


def mean_likelihood(model: Sequential, x: Array, y: Array) -> float:
    """exp(mean_n log p(y_n|x_n)), the geometric mean over images that are held out.

    This is a snapshot's weight. Bayes' rule has the product of all p(y_n|x_n), not its
    N-th root: with thousands of images, the likeliest snapshot would get all the
    weight, and nothing would be averaged. The root is Bayes' rule at temperature N. It
    is LEAST or more: members whose weights are all 0 couldn't vote.
    Shapes: x (N, H, W, C) uint8 or floats, y (N,).
    """
    costs, _ = cross_entropy(in_batches(model.forward, x), y)
    return max(float(np.exp(-costs.mean(dtype=np.float64))), LEAST)
