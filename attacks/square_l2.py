"""Square in L2: a step moves a part of the perturbation from one window to another.

In L2 not all pixels can move by eps. A window gets a bump, two halves of opposite sign,
with the length that the perturbation had in this window and in another. The other
window is set to 0, so that the sum of squares stays eps^2.
"""

from typing import Any

import numpy as np

from attacks.norms import no_zeros, on_device_of
from minidl.backend import Array, get_array_module

TILES = 5  # across an image, at first
WINDOW = (1, 2)  # the axes of one channel


def tiles(x: Array, eps: float, rng: np.random.Generator) -> Array:
    """Return bumps side by side, with total length eps; like x."""
    N, H, W, C = x.shape
    s = max(min(H, W) // TILES, 1)
    rows, columns = H // s, W // s
    top, left = (H - rows * s) // 2, (W - columns * s) // 2
    r = np.zeros(x.shape)
    inside = r[:, top : top + rows * s, left : left + columns * s]
    signs = rng.choice([-1.0, 1.0], (N, rows, 1, columns, 1, C))
    inside[:] = (signs * bump(s)[:, None, :, None]).reshape(inside.shape)
    return on_device_of(
        x, eps * r / np.sqrt((r * r).sum(axis=(1, 2, 3), keepdims=True))
    )


def exchange(
    x: Array, here: Array, eps: float, s: int, rng: np.random.Generator
) -> Array:
    """Return the change of `here` for a new bump of side s, at least 3 and odd.

    In channel c of r = here - x, with windows V and W, and eta a bump of length 1,

        r_V <- sqrt(|r_{V or W}|^2 + (eps^2 - |r|^2) / C) u,   r_W <- 0,

    u along eta + r_V / |r_V|. Drawn for all images, including those that are done.
    Source: Andriushchenko et al., Square Attack, 2020, algorithm 3.
    """
    xp = get_array_module(x)
    N, H, W, C = x.shape
    s = min(max(s | 1, 3), H, W)
    r, inside = here - x, xp.zeros(x.shape, bool)
    first, second = window(x, s, rng), window(x, s, rng)
    inside[first] = inside[second] = True
    available = (r * r * inside).sum(axis=WINDOW, keepdims=True)  # (N, 1, 1, C)
    spare = xp.maximum(eps**2 - (r * r).sum(axis=(1, 2, 3), keepdims=True), 0)
    turned = rng.random((N, 1, 1)) < 0.5
    eta = np.where(turned, bump(s).T, bump(s))[..., None]
    eta = on_device_of(x, eta * rng.choice([-1.0, 1.0], (N, 1, 1, C)))
    after = xp.where(inside, 0, r)
    after[first] = unit(eta + unit(r[first])) * xp.sqrt(available + spare / C)
    return after - r


def window(x: Array, s: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Return indices of an s x s window of each image: x[window] is (N, s, s, C)."""
    N, H, W, _ = x.shape
    across = np.arange(s)
    h = rng.integers(H - s + 1, size=(N, 1)) + across
    w = rng.integers(W - s + 1, size=(N, 1)) + across
    xp = get_array_module(x)
    indices = np.arange(N)[:, None, None], h[:, :, None], w[:, None]
    return tuple(map(xp.asarray, indices))


def bump(s: int) -> Array:
    """Return a bump of length 1: a positive half above a negative half.

    Shape: (s, s).
    """
    halves = [unit(hill(h, s)[None, ..., None])[0] for h in (s // 2, s - s // 2)]
    whole = np.concatenate([halves[0], -halves[1]])
    bump: Array = unit(whole[None])[0, ..., 0]
    return bump


def hill(h: int, w: int) -> Array:
    """Return sum_{k=d}^{n} 1 / (k + 1)^2, d the max-distance to the middle; (h, w)."""
    rows, columns = abs(np.arange(h) - h // 2), abs(np.arange(w) - w // 2)
    n = max(h, w) // 2
    sums = np.cumsum(1 / np.arange(n + 1, 0, -1) ** 2)[::-1]
    heights: Array = sums[np.maximum(rows[:, None], columns)]
    return heights


def unit(r: Array) -> Array:
    """Return r with length 1 in each channel, or 0 where it is 0; (N, h, w, C)."""
    xp = get_array_module(r)
    return r / no_zeros(xp.sqrt((r * r).sum(axis=WINDOW, keepdims=True)))
