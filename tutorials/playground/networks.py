"""The page's networks and digits in Python, as the page's own code reads them.

Weights are int8, w = scale q with one scale for each array of parameters. Everything is
computed in float64, as in the page.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from attacks import Threat
from attacks.rounding import pixels, round_inside
from minidl.backend import Array
from minidl.checks import check_choice, check_count
from minidl.data import load_dataset
from minidl.layers import Normalize, Sequential
from minidl.store import read_arrays, write_arrays
from tutorials.int8 import from_int8, to_int8
from tutorials.playground.training import MEMBERS, SIGMA, Member, small_twin

FILE = Path(__file__).parent / "networks.npz"
SHARPNESS = 1000  # of the masked networks' logits
EACH = 4  # images of a digit


def pack(params: Mapping[Member, Sequence[Array]], file: Path = FILE) -> None:
    """Write all networks, and MNIST's first four test images of each digit."""
    data = load_dataset("mnist")
    q, scales = zip(*map(to_int8, params.values()), strict=True)
    first = [np.flatnonzero(data.y_test == k)[:EACH] for k in range(10)]
    arrays = {
        "q": np.stack(q),  # (20, 37890)
        "scales": np.stack(scales),  # (20, 8)
        "x": data.x_test[np.concatenate(first)],
        "y": data.y_test[np.concatenate(first)],
        "places": np.concatenate(first),  # among the test images
    }
    write_arrays(file, arrays)


@cache
def stored() -> dict[str, Array]:
    """Return the content of the file of networks."""
    return read_arrays(FILE)[0]


def committee(name: str = "plain") -> list[Sequential]:
    """Return ten networks: "plain", or trained on "noise"."""
    check_choice("name", name, SIGMA)
    start = MEMBERS * [*SIGMA].index(name)
    rows = range(start, start + MEMBERS)
    q, scales, rng = stored()["q"], stored()["scales"], np.random.default_rng(0)
    return [
        from_int8(small_twin(rng).astype(np.float64), q[i], scales[i]) for i in rows
    ]


def images() -> tuple[Array, Array]:
    """Return the page's digits: x (40, 28, 28, 1) in [0, 1], and their labels y."""
    return stored()["x"] / 255, stored()["y"]


def image(i: int) -> Array:
    """Return one of the page's digits, (1, 28, 28, 1)."""
    check_count("i", i, at_least=0)
    return images()[0][i : i + 1]


def drawing(shades: str) -> Array:
    """Return a digit that was drawn in the page: 784 shades, from 0 to f."""
    return (np.array([int(v, 16) for v in shades]) / 15).reshape(1, 28, 28, 1)


def mask(model: Sequential) -> Sequential:
    """Return a network with multiplied logits, which predicts the same classes.

    Its probabilities are 0 and 1, its J is flat, and the gradient of J is exactly 0.
    """
    return Sequential([*model.layers, Normalize(0, 1 / SHARPNESS)], model.input_shape)


def rounded(x_adv: Array, x: Array, eps: float) -> Array:
    """Return x_adv in 256 shades, none of them outside the ball around x."""
    return pixels(round_inside(x_adv, x, Threat("Linf", eps)), x, (0, 1))
