"""Opening untrusted files.

A decoder reads within `opened`: it never blocks, gets no more bytes than a data set can
have, and any failure becomes a ValueError with the file's name.
"""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

from minidl.store.files import open_regular

# CIFAR-10, the largest of the data sets, unpacks to 184 MB.
MAX_BYTES = 200_000_000
PART = 2**16  # bytes unpacked at a time


def is_there(path: Path) -> bool:
    """Return whether a path exists and isn't a folder."""
    return os.path.exists(path) and not os.path.isdir(path)


@contextmanager
def opened(path: Path, at_most: int = MAX_BYTES) -> Iterator[IO[bytes]]:
    """Open a regular file of at most `at_most` bytes.

    Raises FileNotFoundError if there is none; ValueError, in one line that begins with
    the path, if it can't be read or if the decoder in the block raises anything.
    """
    try:
        with open_regular(path, at_most) as file:
            yield file
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged files may raise anything
        raise ValueError(f"{path}: {_fault(error)}") from error


def _fault(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read ({error.strerror})"
    text = str(error) if type(error) is ValueError else f"damaged ({in_words(error)})"
    return " ".join(text.split())


def in_words(error: BaseException) -> str:
    """Return the kind of an error and its text, in one line that fits in a message."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text if len(text) < 160 else text[:157] + '...'}"


def unpacked(file: IO[bytes], at_most: int) -> bytes:
    """Return a file's bytes, unpacked if the first two say that it is gzipped.

    Raises ValueError instead of unpacking more than `at_most` bytes. All bytes are
    read, so that gzip compares its checksum.
    """
    gzipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file) if gzipped else file
    parts = iter(lambda: stream.read(PART), b"")
    content = b"".join(islice(parts, at_most // PART + 1))
    if len(content) > at_most:
        raise ValueError(f"unpacks to more than {at_most} bytes")
    return content
