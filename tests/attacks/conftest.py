"""Small networks to attack, and the cost J computed without any of their code."""

import numpy as np
import pytest

from attacks import logits_of, network, vjp_of
from minidl import Conv2D, Dropout, Flatten, Linear, MaxPool2D, ReLU, Sequential

SHAPE = (6, 6, 2)
CLASSES = 4


def new_linear_model(rng, dtype=np.float64):
    """Return z = flat(x) W + b with weights that make confident mistakes possible."""
    model = Sequential([Flatten(), Linear(72, CLASSES, rng=rng)], SHAPE)
    model.params[1].data[:] = rng.normal(size=CLASSES)
    return model.astype(dtype)


def new_cnn(rng, dtype=np.float64):
    """Return a network with one layer of every kind, dropout included."""
    layers = [
        Conv2D(2, 5, 3, rng=rng),
        ReLU(),
        MaxPool2D(2),
        Flatten(),
        Linear(20, 12, rng=rng),
        ReLU(),
        Dropout(0.5),
        Linear(12, CLASSES, rng=rng),
    ]
    return Sequential(layers, SHAPE).astype(dtype)


class Recorded:
    """A function, and the images of each call."""

    def __init__(self, function):
        self.function, self.seen = function, []

    def __call__(self, x, *others):
        self.seen.append(x.copy())
        return self.function(x, *others)


class LinearVictim:
    """A model with linear logits, z = flat(x) W + b: attacks in closed form.

    It has the functions that attacks take, and the distances to its borders.
    """

    def __init__(self, seed=3, dtype=np.float64, images=12):
        rng = np.random.default_rng(seed)
        self.model = new_linear_model(rng, dtype)
        self.x = (0.4 + 0.2 * rng.random((images, 6, 6, 2))).astype(dtype)
        self.y = self.model.predict(self.x)
        forward = network(self.model)
        self.logits, self.vjp = logits_of(forward), vjp_of(forward)

    def borders(self):
        """f_k = z_y - z_k (N, K) and w_k = W_k - W_y (N, K, D); 0 at k = y."""
        W, z = self.model.params[0].data, self.model.forward(self.x)
        f = z[np.arange(len(z)), self.y][:, None] - z
        return f, W.T[None] - W.T[self.y][:, None]

    def smallest(self, dual):
        """The least |r| that reaches a border: min over k of f_k / |w_k|_dual."""
        f, w = self.borders()
        far = np.linalg.norm(w, dual, axis=2)
        far = np.where(far > 0, f / np.where(far > 0, far, 1), np.inf)
        return far.min(axis=1), far.argmin(axis=1)


def one_by_one(loss):
    """The same loss function, asked for one image at a time.

    The last bits of a matrix product depend on its number of rows. An attack that
    compares losses can go another way for that; here a batch doesn't matter.
    """

    def losses(x, y):
        each = [loss(x[n : n + 1], y[n : n + 1]) for n in range(len(x))]
        values, gradients = zip(*each, strict=True)
        return np.concatenate(values), np.concatenate(gradients)

    return losses


@pytest.fixture
def linear_model(rng):
    return new_linear_model(rng)


@pytest.fixture
def cnn(rng):
    return new_cnn(rng)


@pytest.fixture
def members(rng):
    """Three different networks of the same shape."""
    return [new_cnn(rng) for _ in range(3)]


@pytest.fixture
def x(rng):
    return rng.random((8, *SHAPE))


@pytest.fixture
def y(rng):
    return rng.integers(CLASSES, size=8)


@pytest.fixture
def victim():
    return LinearVictim()


@pytest.fixture
def cost():
    """J of each image: (model, x, y) -> log sum_j exp z_j - z_y, shape (N,)."""

    def cost(model, x, y):
        z = model.forward(x).astype(np.longdouble)
        return np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]

    return cost
