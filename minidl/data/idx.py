"""IDX, the format of MNIST and Fashion-MNIST: a short header and then plain bytes.

The header is big-endian 32-bit numbers: a magic number (2051: images, 2049: labels),
the count and, for images, height and width. One byte follows for each pixel or label.
Files come wrapped in gzip or bare; the first two bytes tell which.
Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".
"""

import gzip
import hashlib
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

IMAGES_MAGIC = 2051
LABELS_MAGIC = 2049
IMAGE_SIZE = (28, 28)
# A header can announce four billion images. No file of this family comes near this.
MAX_COUNT = 100_000


def read_images(path: Path) -> tuple[NDArray[np.uint8], str]:
    """Return the images (N, 28, 28, 1) of an idx3 file and its content's md5.

    Raises ValueError naming the file if it isn't a whole, well-formed idx3 file.
    """
    count, content = _read(path, IMAGES_MAGIC)
    pixels = np.frombuffer(content, np.uint8, offset=16)
    return pixels.reshape(count, *IMAGE_SIZE, 1), _md5(content)  # (N, 28, 28, 1)


def read_labels(path: Path) -> tuple[NDArray[np.uint8], str]:
    """Return the labels (N,) of an idx1 file and its content's md5.

    Raises ValueError naming the file if it isn't a whole, well-formed idx1 file, or
    if a label is greater than 9.
    """
    _, content = _read(path, LABELS_MAGIC)
    labels = np.frombuffer(content, np.uint8, offset=8)
    check_labels(labels, str(path))
    return labels, _md5(content)


def check_labels(labels: NDArray[np.uint8], name: str) -> None:
    """Raise ValueError naming the file unless every label is a class, 0 to 9."""
    if labels.size and labels.max() > 9:
        raise ValueError(f"{name}: label {labels.max()} found, classes are 0 to 9")


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _read(path: Path, magic: int) -> tuple[int, bytes]:
    """Return the announced count and the whole content, header included."""
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            with gzip.GzipFile(fileobj=file) if gzipped else file as stream:
                return _read_announced(stream, path, magic)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: damaged gzip file ({error})") from error


def _read_announced(
    stream: IO[bytes] | gzip.GzipFile, path: Path, magic: int
) -> tuple[int, bytes]:
    """Read the header, then as many bytes as it announces and not one more."""
    header = stream.read(16 if magic == IMAGES_MAGIC else 8)
    count, body_size = _announced(header, path, magic)
    # Asking for one byte too many finds an oversized file, and makes gzip reach the
    # end and compare its own checksum.
    body = stream.read(body_size + 1)
    if len(body) != body_size:
        found = "more" if len(body) > body_size else f"only {len(body)}"
        raise ValueError(f"{path}: {found} bytes follow the header, not {body_size}")
    return count, header + body


def _announced(header: bytes, path: Path, magic: int) -> tuple[int, int]:
    """Return count and size in bytes of what follows the header."""
    if len(header) < (16 if magic == IMAGES_MAGIC else 8):
        raise ValueError(f"{path}: {len(header)} bytes are too few for an IDX header")
    found, count, *size = struct.unpack(f">{len(header) // 4}I", header)
    if found != magic:
        raise ValueError(f"{path}: magic number {found} found, {magic} expected")
    if not 0 < count <= MAX_COUNT:
        raise ValueError(f"{path}: {count} items announced, 1 to {MAX_COUNT} taken")
    if magic == IMAGES_MAGIC and tuple(size) != IMAGE_SIZE:
        raise ValueError(f"{path}: images of {size[0]}x{size[1]} found, 28x28 expected")
    return count, count * (28 * 28 if magic == IMAGES_MAGIC else 1)
