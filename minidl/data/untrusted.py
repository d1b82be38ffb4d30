"""Opening files that anyone may have written.

A decoder reads within `opened`: it waits for nothing, it is handed no more bytes than
such a file can have, and whatever goes wrong is a ValueError with the file's name.
"""

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from minidl.files import open_regular

# CIFAR-10, the largest of the data sets, unpacks to 184 MB.
MAX_BYTES = 200_000_000


def is_there(path: Path) -> bool:
    """Return whether there is a file, or something in its place; a folder is none."""
    return os.path.exists(path) and not os.path.isdir(path)


@contextmanager
def opened(path: Path, at_most: int) -> Iterator[IO[bytes]]:
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
    text = str(error) if type(error) is ValueError else f"damaged ({told(error)})"
    return " ".join(text.split())


def md5_of(parts: Iterable[bytes]) -> str:
    """Return the md5 of bytes, in hexadecimal."""
    md5 = hashlib.md5(usedforsecurity=False)
    for part in parts:
        md5.update(part)
    return md5.hexdigest()


def md5_of_file(path: Path) -> str:
    """Return the md5 of a file, in hexadecimal."""
    with opened(path, MAX_BYTES) as file:
        return md5_of(iter(lambda: file.read(1 << 20), b""))


def told(error: BaseException) -> str:
    """Return the kind of an error and its text, in one line that fits in a message."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text if len(text) < 160 else text[:157] + '...'}"


class _Limited(gzip.GzipFile):
    """A gzip file that refuses to unpack to more than `at_most`: no archive bombs.

    It counts what is read; tarfile reads in small pieces, so the excess is small.
    """

    at_most = 0
    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        if self.taken > self.at_most:
            raise ValueError(f"unpacks to more than {self.at_most} bytes")
        return data


def content_of(file: IO[bytes], at_most: int) -> IO[bytes]:
    """Return the file, or what its gzip wrapper holds: the first two bytes tell.

    Reading on to the end compares gzip's checksum.
    """
    gzipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    if not gzipped:
        return file
    stream = _Limited(fileobj=file)
    stream.at_most = at_most
    return stream  # type: ignore[return-value]
