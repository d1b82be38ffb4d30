"""Image files: lossless PNG, and GIF animations of an attack's steps.

They need Pillow (pip install 'minidl[images]'), which is imported on use.
"""

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from attacks.extras import extra
from attacks.rounding import shades
from minidl.backend import Array, to_numpy
from minidl.checks import (
    check_batch,
    check_count,
    check_images,
    check_number,
    check_range,
)
from minidl.store import CHANGED, check, refused
from minidl.store.files import atomic_write, check_free, open_regular

MODES = {1: "L", 3: "RGB"}  # by the number of channels
MAX_PNG = 2**26  # bytes
LAST = 4  # the last frame is shown so many times as long as the others


def pillow() -> Any:
    """Return Pillow's Image; without Pillow, an error says how to install it."""
    with extra("Pillow", "images"):
        from PIL import Image
    return Image


def check_drawable(name: str, x: Array) -> None:
    """Raise ValueError unless images (..., H, W, C) are grey or in three colours."""
    if x.ndim < 4 or x.shape[-1] not in MODES:
        raise ValueError(
            f"{name} must be images (N, H, W, C) with C 1 (grey) or 3 (colours), got "
            f"shape {x.shape}"
        )


def picture(k: Array) -> Any:
    """Return one image (H, W, C) of uint8 as a Pillow image."""
    return pillow().fromarray(k[..., 0] if k.shape[-1] == 1 else k)


def write_png(path: Path, k: Array) -> str:
    """Write one image (H, W, C), and return the SHA-256 of its file."""
    content = io.BytesIO()
    picture(k).save(content, "PNG")
    with open(path, "xb") as file:
        file.write(content.getvalue())
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content.getvalue()).hexdigest()


def read_png(path: Path, sha256: str, shape: tuple[int, ...]) -> Array:
    """Return one image (H, W, C); DamagedError unless its file is as it was written."""
    with refused(path), open_regular(path, MAX_PNG) as file:
        content = file.read()
        check(hashlib.sha256(content).hexdigest() == sha256, CHANGED)
        return decoded(content, shape)


def decoded(content: bytes, shape: tuple[int, ...]) -> Array:
    """Return the image in a PNG file's bytes; ValueError unless it has this shape."""
    H, W, C = shape
    try:
        with pillow().open(io.BytesIO(content), formats=["PNG"]) as found:
            is_right = (found.size, found.mode) == ((W, H), MODES[C])
            check(is_right, f"it isn't an 8-bit image of shape {shape}")
            return np.asarray(found).reshape(shape)
    except OSError as error:  # from Pillow, for a file that it can't read
        raise ValueError(str(error)) from error


def save_gif(
    frames: Array,
    path: str | Path,
    bounds: tuple[float, float] = (0, 1),
    scale: int = 4,
    seconds: float = 0.4,
) -> None:
    """Write an animated GIF of N images side by side; the last frame is shown longer.

    `trajectory` returns such frames, (T, N, H, W, C) with C 1 or 3. Each pixel becomes
    `scale` x `scale` pixels, and each frame is shown for so many seconds. A GIF has 256
    colours per frame, so greys are exact and colours are not.
    Raises TypeError or ValueError for bad arguments, FileExistsError if the file
    exists.
    """
    bounds = check_range("bounds", bounds)
    check_batch("frames", frames, ndim=5)
    check_images("frames", frames, bounds)
    check_drawable("frames", frames)
    check_count("scale", scale)
    duration = round(1000 * check_number("seconds", seconds, "[0.01, 60]"))
    check_free("path", path)
    k = np.rint(shades(to_numpy(frames), bounds)).astype(np.uint8)
    side_by_side = np.concatenate(list(k.swapaxes(0, 1)), axis=2)  # (T, H, N W, C)
    first, *others = map(picture, side_by_side.repeat(scale, 1).repeat(scale, 2))
    times = [duration] * len(others) + [LAST * duration]
    how = dict(save_all=True, append_images=others, duration=times, loop=0)
    with atomic_write(path) as file:
        first.save(file, "GIF", **how)
