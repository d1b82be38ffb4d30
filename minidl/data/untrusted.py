"""Opening files that anyone may have written.

A decoder reads within `opened`: it waits for nothing, it is handed no more bytes than
a data set can have, and whatever goes wrong is a ValueError with the file's name.
"""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

from minidl.files import open_regular

# CIFAR-10, the largest of the data sets, unpacks to 184 MB.
MAX_BYTES = 200_000_000
PART = 2**16  # bytes unpacked at a time


def is_there(path: Path) -> bool:
    """Return whether there is a file, or something in its place; a folder is none."""
    return os.path.exists(path) and not os.path.isdir(path)


@contextmanager
def opened(path: Path, at_most: int = MAX_BYTES) -> Iterator[IO[bytes]]:
    """Open a regular file of at most so many bytes.

    Raises FileNotFoundError if there is none; ValueError, in one line that begins with
    the path, if it can't be read or for anything that the decoder within raises.
    """
    try:
        with open_regular(path, at_most) as file:
            yield file
    except FileNotFoundError:
        raise
    except Exception as error:  # what damaged files raise is anybody's guess
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
    """Return a file's bytes, or those in its gzip wrapper: the first two tell.

    Raises ValueError rather than unpack more bytes than `at_most`. All are read, so
    that gzip compares its checksum.
    """
    gzipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file) if gzipped else file
    parts = iter(lambda: stream.read(PART), b"")
    content = b"".join(islice(parts, at_most // PART + 1))
    if len(content) > at_most:
        raise ValueError(f"unpacks to more than {at_most} bytes")
    return content
