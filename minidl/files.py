"""Files that are either whole or absent, whatever happens while they are written."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a binary file that takes its name only when it is complete and on disk.

    The bytes go to a temporary file in the same folder, which is flushed to the disk
    and then renamed: a reader, a crash or a full disk never sees half a file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        # "x": nobody else's. Not `tempfile`, whose files are private, and whose umask
        # can only be read by changing it, for all threads.
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_leftovers(path: str | Path, seconds: float = 3600) -> None:
    """Remove temporary files of a path that killed processes left, if they are old.

    A young one may belong to a process that is writing right now.
    """
    path = Path(path)
    for temporary in path.parent.glob(f".{path.name}.*"):
        with suppress(FileNotFoundError):
            if time.time() - temporary.stat().st_mtime > seconds:
                temporary.unlink()


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())
