"""IDX, the format of MNIST and Fashion-MNIST: a short header and then plain bytes.

The header is big-endian 32-bit numbers: a magic number (2051: images, 2049: labels),
the count and, for images, height and width. One byte follows for each pixel or label.
Files come wrapped in gzip or bare; the first two bytes tell which.
Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".
"""

import io
import struct
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minidl.data.untrusted import content_of, md5_of, opened

IMAGES_MAGIC = 2051
LABELS_MAGIC = 2049
IMAGE_SIZE = (28, 28)
# A header can announce four billion images. No file of this family comes near this.
MAX_COUNT = 100_000
MAX_BYTES = 16 + MAX_COUNT * 28 * 28


class Idx(NamedTuple):
    """The array of a file, and the md5 of its bytes and of those within its gzip."""

    array: NDArray[np.uint8]
    md5: str
    content_md5: str


def read_images(path: Path) -> Idx:
    """Return the images (N, 28, 28, 1) of an idx3 file.

    Raises ValueError naming the file if it isn't a whole, well-formed idx3 file.
    """
    found = _read(path, IMAGES_MAGIC)
    return found._replace(array=found.array.reshape(-1, *IMAGE_SIZE, 1))


def read_labels(path: Path) -> Idx:
    """Return the labels (N,) of an idx1 file.

    Raises ValueError naming the file if it isn't a whole, well-formed idx1 file, or
    if a label is greater than 9.
    """
    found = _read(path, LABELS_MAGIC)
    check_labels(found.array, str(path))
    return found


def check_labels(labels: NDArray[np.uint8], name: str) -> None:
    """Raise ValueError naming the file unless every label is a class, 0 to 9."""
    if labels.size and labels.max() > 9:
        raise ValueError(f"{name}: label {labels.max()} found, classes are 0 to 9")


def _read(path: Path, magic: int) -> Idx:
    """Return what follows the header, as one row of bytes."""
    with opened(path, MAX_BYTES) as file:
        # Read once: the checksums are of the very bytes that are decoded.
        whole = file.read()
        header, body = _read_announced(content_of(io.BytesIO(whole), MAX_BYTES), magic)
    return Idx(np.frombuffer(body, np.uint8), md5_of([whole]), md5_of([header, body]))


def _read_announced(stream: IO[bytes], magic: int) -> tuple[bytes, bytes]:
    """Read the header, then as many bytes as it announces and not one more."""
    header = stream.read(16 if magic == IMAGES_MAGIC else 8)
    size = _announced(header, magic)
    # Asking for one byte too many finds an oversized file, and makes gzip reach the
    # end and compare its own checksum.
    body = stream.read(size + 1)
    if len(body) != size:
        found = "more" if len(body) > size else f"only {len(body)}"
        raise ValueError(f"{found} bytes follow the header, not {size}")
    return header, body


def _announced(header: bytes, magic: int) -> int:
    """Return the size in bytes of what follows the header."""
    if len(header) < (16 if magic == IMAGES_MAGIC else 8):
        raise ValueError(f"{len(header)} bytes are too few for an IDX header")
    found, count, *size = struct.unpack(f">{len(header) // 4}I", header)
    if found != magic:
        raise ValueError(f"magic number {found} found, {magic} expected")
    if not 0 < count <= MAX_COUNT:
        raise ValueError(f"{count} items announced, 1 to {MAX_COUNT} taken")
    if magic == IMAGES_MAGIC and tuple(size) != IMAGE_SIZE:
        raise ValueError(f"images of {size[0]}x{size[1]} found, 28x28 expected")
    return count * (28 * 28 if magic == IMAGES_MAGIC else 1)
