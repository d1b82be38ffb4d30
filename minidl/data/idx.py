"""IDX, the format of MNIST and Fashion-MNIST: a short header and then plain bytes.

The header is big-endian 32-bit numbers: a magic number (2051: images, 2049: labels),
the count and, for images, height and width. One byte follows for each pixel or label.
Files are gzipped or plain.
Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".
"""

import hashlib
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minidl.data.untrusted import opened, unpacked

# A header can announce four billion images. The largest of these files has 60,000.
MAX_COUNT = 100_000


def read_idx(path: Path, images: bool) -> tuple[NDArray[np.uint8], str]:
    """Return images (N, 28, 28, 1) or labels (N,), and the md5 of the IDX file's bytes.

    Raises ValueError naming the file if it isn't a whole, well-formed file of this
    kind, or if a label is greater than 9.
    """
    magic, start, item = (2051, 16, 28 * 28) if images else (2049, 8, 1)
    most = start + MAX_COUNT * item
    with opened(path, most) as file:
        content = unpacked(file, most)
        if len(content) < start:
            raise ValueError(f"{len(content)} bytes are too few for an IDX header")
        found, count, *size = struct.unpack_from(f">{start // 4}I", content)
        if found != magic:
            raise ValueError(f"magic number {found} found, {magic} expected")
        if images and size != [28, 28]:
            raise ValueError(f"images of {size[0]}x{size[1]} found, 28x28 expected")
        if not 0 < count * item == len(content) - start:
            raise ValueError(f"{count} items announced, {len(content)} bytes found")
        array = np.frombuffer(content, np.uint8, offset=start)
        if not images:
            check_labels(array)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return array.reshape(-1, 28, 28, 1) if images else array, md5


def check_labels(labels: NDArray[np.uint8], name: str = "labels") -> None:
    """Raise ValueError, which begins with `name`, unless all are classes, 0 to 9."""
    if labels.size and labels.max() > 9:
        raise ValueError(f"{name}: label {labels.max()} found, classes are 0 to 9")
